"""Drawn traces: a growing table per identity; `n`, problems and `max_tokens` only add to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s import prompts
from reason_w2s.engines.model_folder import load_tokenizer
from reason_w2s.engines.protocols import Sampling
from reason_w2s.errors import ConfigError
from reason_w2s.processes import holding
from reason_w2s.prompts import Prompt
from reason_w2s.records import Problem, Trace
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item, ModelRef
from reason_w2s.runs.lookup import batches
from reason_w2s.runs.open_engine import engine_of
from reason_w2s.runs.rows import wanted_keys
from reason_w2s.runs.store import write_part
from reason_w2s.runs.tables import TRACES, digest, digest_around, trace_row
from reason_w2s.runs.work import Part, Stopwatch, Work
from reason_w2s.stages.sample import requests, sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PART = 512
PART_SECONDS = 120.0
"""A part is written after so many traces or seconds: what a killed run loses at most."""


def find(work: Work) -> Item | None:
    """The traces, if the table holds every sample of every problem under this limit."""
    key, sampling = _identity(work), _sampling(work)
    tokens, finish = 0, Counter[str]()

    def texts() -> Iterator[tuple[str, str, str]]:
        nonlocal tokens
        for _, row in _owed(work, ("text",)):
            if row is None:
                raise _NotDrawn
            tokens += row["n_tokens"]
            finish[row["finish_reason"]] += 1
            yield row["key"], row["text"], row["finish_reason"]

    try:
        mark = digest_around([[item.digest for item in work.of]], texts())
    except _NotDrawn:
        return None
    extent = {"n": sampling.n, "max_tokens": sampling.max_tokens, "model": work.step.roles["model"]}
    out = finish.total()
    counts = {"in": out // sampling.n, "out": out, "tokens": tokens, "finish": dict(finish)}
    name = work.step.name
    return Item(name, "sample", "traces", key, mark, work.of, extent, counts=counts)


class _NotDrawn(Exception):
    """A trace is not drawn yet."""


def _owed(
    work: Work, columns: Sequence[str]
) -> Iterator[tuple[tuple[str, Problem, int], dict[str, Any] | None]]:
    """Each sample that the step owes, and what the table has of it, None where it has nothing."""
    key, sampling = _identity(work), _sampling(work)
    table = rows.drawn_table(work.store, key, sampling.max_tokens, columns)
    for batch in batches(wanted_keys(key, rows.joined(work.store, work.of), sampling.n)):
        yield from zip(batch, table.find([one for one, _, _ in batch]), strict=True)


def make(work: Work) -> None:
    """Draw what is missing, in problem order, a part of the table at a time."""
    key, sampling, model = _identity(work), _sampling(work), work.role("model").reference()
    with _held(work, key, sampling) as folder:
        watch = Stopwatch(work.run)
        todo = _missing(work)
        if not todo:  # another step of the same model drew them: nothing to load it for
            return
        batch: list[Trace] = []
        try:
            for made, trace in enumerate(_drawn(work, todo, sampling, key, model), 1):
                with holding():
                    batch.append(trace)
                    work.report(made, len(todo), "traces")
                    if len(batch) == PART or watch.elapsed() > PART_SECONDS:
                        _write(folder, batch, watch)
                        batch = []
        finally:
            # also when the engine fails or the user stops it: what is drawn was paid for
            if batch:
                with holding():
                    _write(folder, batch, watch)


def _held(work: Work, key: str, sampling: Sampling) -> AbstractContextManager[Path]:
    """The table, for this process alone, or together with those that draw its other parts."""
    if work.part is None:
        return work.store.locked("sample", key)
    # steps of other problems or extents share the table; their parts are other traces
    asked = [item.digest for item in work.of]
    division = digest(work.part.of, asked, sampling.n, sampling.max_tokens)
    return work.store.sharing("sample", key, division, str(work.part.number))


def _missing(work: Work) -> list[tuple[Problem, int]]:
    """The (problem, sample index) that this work is to draw and the table lacks."""
    part = work.part or Part(1, 1)
    return [
        (problem, index)
        for place, ((_, problem, index), row) in enumerate(_owed(work, ()))
        if part.takes(place) and row is None
    ]


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
