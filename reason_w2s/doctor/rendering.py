"""The first examples of a train step as text, the tokens that carry loss set apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reason_w2s.doctor.case import Case
from reason_w2s.errors import W2SError
from reason_w2s.train.examples import IGNORED
from reason_w2s.visible import visible

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HEAD, TAIL = 400, 200
"""Characters shown of a long text's beginning and of its end."""
GREEN, RED, DIM, RESET = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
PLAIN = {GREEN: "[learned>", RED: "[avoided>", DIM: ""}


def rendered(case: Case, count: int, *, colour: bool) -> Iterator[str]:
    """Lines: for each train step its first `count` examples, prompt and answer from token ids.

    Steps that learn from the same, asked alike, are shown once.
    """
    shown: dict[str, str] = {}
    for step in case.trains() if count else []:
        try:
            made = case.rows(step)
            found = case.material(step)
        except W2SError:
            continue  # a finding says why
        if made is None:
            continue
        tokenizer = case.models.tokenizer(step.roles["init"])
        assert tokenizer is not None, step.name
        lines = [line for row in made[:count] for line in _row(row, tokenizer, colour)]
        same = shown.setdefault("\n".join(lines), step.name)
        does = "asks" if case.settings(step).group else "learns"
        title = visible(f"{step.name} ({step.config['objective']}) {does}, from {found.told}")
        if same != step.name:
            yield f"{title}: the same as {same}"
        else:
            yield f"{title}:"
            yield from (f"  {line}" for line in lines)


def _row(row: dict[str, Any], tokenizer: PreTrainedTokenizerBase, colour: bool) -> list[str]:
    if "prompt" in row:
        gold = [f"gold: {' or '.join(row['gold'])}"] if row["gold"] else []
        return [*_part("", row["prompt"], DIM, tokenizer, colour), *map(visible, gold)]
    if "target" in row:
        read = [("", row["prompt_ids"], DIM), ("read", row["completion_ids"], GREEN)]
        return [line for part in read for line in _part(*part, tokenizer, colour)]
    if "completion_ids" in row:
        side = ("wanted", GREEN) if row["label"] == [1] else ("unwanted", RED)
        verdict = [("", row["prompt_ids"], DIM), (side[0], row["completion_ids"], side[1])]
        return [line for part in verdict for line in _part(*part, tokenizer, colour)]
    if "prompt_ids" in row:
        asked = [("", row["prompt_ids"], DIM)]
        sides = [("chosen", row["chosen_ids"], GREEN), ("rejected", row["rejected_ids"], RED)]
        return [line for part in asked + sides for line in _part(*part, tokenizer, colour)]
    pairs = list(zip(row["input_ids"], row["labels"], strict=True))
    parts = [
        ("", [token for token, label in pairs if label == IGNORED], DIM),
        ("", [token for token, label in pairs if label != IGNORED], GREEN),
    ]
    return [line for part in parts for line in _part(*part, tokenizer, colour)]


def _part(
    name: str, ids: list[int], shade: str, tokenizer: PreTrainedTokenizerBase, colour: bool
) -> list[str]:
    """Some ids in lines; each line has its own colour, so that pagers keep it."""
    text = _shortened(visible(str(tokenizer.decode(ids, skip_special_tokens=False))))
    if not colour and PLAIN[shade]:
        text = f"{PLAIN[shade]}{text}<]"
    found = f"{name}: {text}" if name else text
    return [f"{shade}{line}{RESET}" if colour else line for line in found.split("\n")]


def _shortened(text: str) -> str:
    if len(text) <= HEAD + TAIL:
        return text
    left = len(text) - HEAD - TAIL
    return f"{text[:HEAD]} ... ({left:,} characters) ... {text[-TAIL:]}"
