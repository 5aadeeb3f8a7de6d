"""From records to rows in TRL's columns (TRL 1.16, its page on dataset formats). Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pyarrow as pa

from reason_w2s.export.asking import Asking
from reason_w2s.train.config import Example, PairExample

Format = Literal["records", "sft", "dpo", "kto", "stepwise"]
TRL_TYPES: dict[Format, str] = {
    "sft": "prompt-completion",
    "dpo": "preference",
    "kto": "unpaired preference",
    "stepwise": "stepwise supervision",
}
TRAINERS: dict[Format, str] = {"sft": "SFTTrainer", "dpo": "DPOTrainer", "kto": "KTOTrainer"}

TEXT = pa.string()
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def schema(format: Format, asking: Asking) -> pa.Schema:
    """The columns of a TRL format, in order."""
    said = MESSAGES if asking.form == "messages" else TEXT
    fields: dict[Format, list[tuple[str, pa.DataType]]] = {
        "sft": [("prompt", said), ("completion", said)],
        "dpo": [("prompt", said), ("chosen", said), ("rejected", said)],
        "kto": [("prompt", said), ("completion", said), ("label", pa.bool_())],
        "stepwise": [
            ("prompt", TEXT),
            ("completions", pa.list_(TEXT)),
            ("labels", pa.list_(pa.bool_())),
        ],
    }
    settings = [] if format == "stepwise" else list(asking.template_settings().items())
    extra = [(name, pa.infer_type([value])) for name, value in settings]
    return pa.schema([*fields[format], *extra])


def sft_row(example: Example, asking: Asking) -> dict[str, Any]:
    """`prompt`, `completion`."""
    return {
        "prompt": asking.question(example.problem),
        "completion": asking.answer(example.answer),
        **asking.template_settings(),
    }


def dpo_row(pair: PairExample, asking: Asking) -> dict[str, Any]:
    """`prompt`, `chosen`, `rejected`."""
    return {
        "prompt": asking.question(pair.problem),
        "chosen": asking.answer(pair.chosen),
        "rejected": asking.answer(pair.rejected),
        **asking.template_settings(),
    }


def kto_row(example: Example, label: bool, asking: Asking) -> dict[str, Any]:
    """`prompt`, `completion`, `label`: whether the completion is a good one."""
    return {
        "prompt": asking.question(example.problem),
        "completion": asking.answer(example.answer),
        "label": label,
        **asking.template_settings(),
    }


def stepwise_row(
    example: Example, ends: Sequence[int], first_error: int | None, asking: Asking
) -> dict[str, Any]:
    """`prompt`, `completions`, `labels`: the steps up to and with the first wrong one.

    `ends` is where each step ends in the answer, as a `stepcheck` cut it; blanks behind a step are
    left out. `first_error` is one's number from 0, None: no step is known to be wrong.
    """
    text, starts = example.answer.text, [0, *ends[:-1]]
    steps = [text[start:end].rstrip() for start, end in zip(starts, ends, strict=True)]
    kept = steps if first_error is None else steps[: first_error + 1]
    labels = [place != first_error for place in range(len(kept))]
    return {"prompt": asking.question(example.problem), "completions": kept, "labels": labels}
