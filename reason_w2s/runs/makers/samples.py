"""Drawn traces: a growing table per identity; `n`, problems and `max_tokens` only add to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reason_w2s import prompts
from reason_w2s.engines.model_folder import load_tokenizer
from reason_w2s.engines.protocols import Sampling
from reason_w2s.errors import ConfigError
from reason_w2s.prompts import Prompt
from reason_w2s.records import Problem, Trace
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item, ModelRef
from reason_w2s.runs.open_engine import engine_of
from reason_w2s.runs.rows import usable, wanted_keys
from reason_w2s.runs.store import read_parts, write_part
from reason_w2s.runs.tables import TRACES, digest, trace_row
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.sample import requests, sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PART = 512
PART_SECONDS = 120.0
"""A part is written after so many traces or seconds: what a killed run loses at most."""


def find(work: Work) -> Item | None:
    """The traces, if the table holds every sample of every problem under this limit."""
    key, sampling = _identity(work), _sampling(work)
    table = read_parts(
        work.store.folder("sample", key),
        TRACES,
        columns=["key", "text", "finish_reason", "n_prompt", "n_tokens", "max_tokens"],
    )
    have = {row["key"]: row for row in table.to_pylist() if usable(row, sampling.max_tokens)}
    wanted = [one for one, _, _ in wanted_keys(key, rows.joined(work.store, work.of), sampling.n)]
    if any(one not in have for one in wanted):
        return None
    drawn = [have[one] for one in wanted]
    texts = [(row["key"], row["text"], row["finish_reason"]) for row in drawn]
    mark = digest([item.digest for item in work.of], texts)
    extent = {"n": sampling.n, "max_tokens": sampling.max_tokens, "model": work.step.roles["model"]}
    counts = {
        "in": len(wanted) // sampling.n,
        "out": len(wanted),
        "tokens": sum(row["n_tokens"] for row in drawn),
        "finish": dict(Counter(row["finish_reason"] for row in drawn)),
    }
    name = work.step.name
    return Item(name, "sample", "traces", key, mark, work.of, extent, counts=counts)


def make(work: Work) -> None:
    """Draw what is missing, in problem order, a part at a time."""
    key, sampling, model = _identity(work), _sampling(work), work.role("model").reference()
    watch = Stopwatch(work.run)
    with work.store.locked("sample", key) as folder:
        have = {
            row["key"]
            for row in read_parts(
                folder, TRACES, columns=["key", "finish_reason", "n_tokens", "max_tokens"]
            ).to_pylist()
            if usable(row, sampling.max_tokens)
        }
        todo = [
            (problem, index)
            for one, problem, index in wanted_keys(
                key, rows.joined(work.store, work.of), sampling.n
            )
            if one not in have
        ]
        if not todo:  # another step of the same model drew them: nothing to load it for
            return
        batch: list[Trace] = []
        try:
            for made, trace in enumerate(_drawn(work, todo, sampling, key, model), 1):
                batch.append(trace)
                work.report(made, len(todo), "traces")
                if len(batch) == PART or watch.elapsed() > PART_SECONDS:
                    _write(folder, batch, watch)
                    batch = []
        finally:
            # also when the engine fails or the user stops it: what is drawn was paid for
            if batch:
                _write(folder, batch, watch)


def _write(folder: Path, batch: list[Trace], watch: Stopwatch) -> None:
    write_part(folder, [trace_row(one) for one in batch], TRACES, watch.lap())


def _drawn(
    work: Work, todo: list[tuple[Problem, int]], sampling: Sampling, key: str, model: ModelRef
) -> Iterator[Trace]:
    """The missing traces, as they finish."""
    asked = list(requests(_rendered(work, todo, model), sampling, key, work.step.seed))
    indices = {request.key: index for request, (_, index) in zip(asked, todo, strict=True)}
    sampler = work.engines.sampler(model, work.profile)
    return sample(asked, sampler, model=work.step.roles["model"], indices=indices)


def _rendered(
    work: Work, todo: list[tuple[Problem, int]], model: ModelRef
) -> Iterator[tuple[Problem, prompts.Rendered, int]]:
    prompt, tokenizer = model.asked(), _tokenizer(work, model)
    if tokenizer is None:
        prompt = prompt.model_copy(update={"chat": False})
    for problem, index in todo:
        yield problem, prompts.render(prompt, problem, tokenizer), index


def _tokenizer(work: Work, model: ModelRef) -> PreTrainedTokenizerBase | None:
    """What chat prompts are rendered with; the fake engine has none and needs none."""
    if not model.asked().chat or work.profile.sampler == "fake":
        return None
    if model.served is not None and model.tokenizer is None:
        raise ConfigError(
            f"'{model.served}' is asked in chat turns, and its endpoint does "
            f"not give its chat template; name a folder or hub id that has it: "
            f"models.{work.step.roles['model']}.tokenizer in a recipe, --tokenizer in eval"
        )
    return load_tokenizer(Path(model.tokenizer or model.path))


def _sampling(work: Work) -> Sampling:
    """The step's settings with the prompt's stop strings added."""
    sampling = Sampling.model_validate(work.step.config["sampling"])
    prompt: Prompt = work.role("model").reference().asked()
    return sampling.model_copy(update={"stop": (*sampling.stop, *prompt.stop)})


def _identity(work: Work) -> str:
    """The table's key: everything that decides a text, and nothing that only adds texts."""
    model = work.role("model").reference()
    sampling = _sampling(work).model_dump(mode="json", exclude={"n", "max_tokens"})
    engine = [engine_of(model, work.profile), work.profile.engine.stop_loops]
    return work.key(engine, model.fingerprint, model.dtype, model.prompt, sampling, work.step.seed)
