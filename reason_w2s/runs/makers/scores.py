"""Scores of traces under models: a growing table per models, prompt, kind and settings.

Models that need not be in memory together work one after another: what the first measured waits in
parts of its own, so that a killed step repeats a part at most.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reason_w2s.records import Row
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.makers.annotations import sources
from reason_w2s.runs.rows import input_of
from reason_w2s.runs.store import Cost, cost_of, parts, read_parts, write_part
from reason_w2s.runs.tables import ANNOTATIONS, PASSES, digest
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.score import Measured, Opening, RowScorer, ScoreConfig, score

PART = 512
"""Traces per part: what a killed step loses at most."""
SCORES = ANNOTATIONS["score"]
Mark = tuple[str, str]


def find(work: Work) -> Item | None:
    """The scores, if every trace has them for its present text."""
    key = _key(work)
    table = read_parts(
        work.store.folder("score", key), SCORES, columns=["key", "input", "value", "tokens"]
    )
    lengths = pc.list_value_length(table["tokens"]).to_pylist()
    marks = zip(table["key"].to_pylist(), table["input"].to_pylist(), strict=True)
    values = table["value"].to_pylist()
    found = {mark: at for at, mark in enumerate(marks)}
    wanted = [_mark(row) for row in rows.of(work.store, work.of)]
    if any(mark not in found for mark in wanted):
        return None
    kept = [found[mark] for mark in wanted]
    without = sum(values[at] is None for at in kept)
    counts: dict[str, Any] = {"in": len(kept), "out": len(kept), "unscored": without}
    counts["tokens"] = sum(lengths[at] or 0 for at in kept)
    if without:
        counts["said"] = f"{without:,} without a score (failed, empty or too long for a model)"
    name = work.step.name
    mark = digest(name, key, [item.digest for item in work.of])
    return Item(name, "score", "traces", key, mark, work.of, counts=counts)


def make(work: Work) -> None:
    """Score the traces that lack it: pass after pass, a part at a time."""
    cfg = ScoreConfig.model_validate(work.step.config)
    watch = Stopwatch(work.run)
    with work.store.locked("score", _key(work)) as folder:
        known = {mark for mark, _ in _read(folder, SCORES, "part", ["value"])}
        todo = [row for row in rows.of(work.store, work.of) if _mark(row) not in known]
        *before, last = range(len(cfg.by.passes))
        for number in before:
            _measure(work, cfg, number, todo, folder, watch)
        earlier = [_measured(folder, number) for number in before]
        left = len(todo)
        for some, own, vocabulary in _pass(work, cfg, last, todo, len(todo)):
            made = [
                {
                    **score(row, [*(one[_mark(row)] for one in earlier), said], cfg, vocabulary),
                    "input": input_of(row),
                }
                for row, said in zip(some, own, strict=True)
            ]
            left -= len(some)
            cost = watch.lap()
            write_part(folder, made, SCORES, cost if left else _whole(cost, folder, before))
        for number in before:
            for part in parts(folder, _name(number)):
                part.unlink()


def _measure(
    work: Work, cfg: ScoreConfig, number: int, todo: list[Row], folder: Path, watch: Stopwatch
) -> None:
    """A pass that others follow: what it measured is kept in parts under a name of its own."""
    known = _measured(folder, number)
    rest = [row for row in todo if _mark(row) not in known]
    for some, own, _ in _pass(work, cfg, number, rest, len(todo)):
        told = [
            {"key": row.trace.key, "input": input_of(row), **(said._asdict() if said else {})}
            for row, said in zip(some, own, strict=True)
        ]
        write_part(folder, told, PASSES, watch.lap(), name=_name(number))


def _pass(
    work: Work, cfg: ScoreConfig, number: int, todo: list[Row], whole: int
) -> Iterator[tuple[list[Row], list[Measured | None], str | None]]:
    """Each part's rows, what the models of a pass say of them, and what their tokens are."""
    if not todo:
        return
    scorer = _open(work, cfg, number)
    done, passes = whole - len(todo), len(cfg.by.passes)
    try:
        for start in range(0, len(todo), PART):
            some = todo[start : start + PART]
            found: dict[int, Measured | None] = {}
            for place, measured in scorer.measured(some):
                found[place] = measured
                done += 1
                work.report(number * whole + done, passes * whole, "traces")
            yield some, [found[place] for place in range(len(some))], scorer.vocabulary
    finally:
        scorer.close()


def _open(work: Work, cfg: ScoreConfig, number: int) -> RowScorer:
    module, name = cfg.by.opens.split(":")
    opens: Callable[..., RowScorer] = getattr(importlib.import_module(module), name)
    models = [_opening(work, role) for role in cfg.by.passes[number]]
    return opens(models, _opening(work, cfg.by.roles[0]), cfg)


def _opening(work: Work, role: str) -> Opening:
    model = work.role(role).reference()
    settings = work.profile.engine.model_copy(update={"dtype": model.dtype})
    return Opening(work.step.roles[role], Path(model.path), settings, model.asked())


def _measured(folder: Path, number: int) -> dict[Mark, Measured | None]:
    """What an earlier pass measured."""
    return {
        mark: None if row["values"] is None else Measured(row["values"], row["ends"])
        for mark, row in _read(folder, PASSES, _name(number), ["values", "ends"])
    }


def _read(
    folder: Path, schema: pa.Schema, name: str, columns: list[str]
) -> Iterator[tuple[Mark, dict[str, Any]]]:
    table = read_parts(folder, schema, name, columns=["key", "input", *columns])
    return (((row["key"], row["input"]), row) for row in table.to_pylist())


def _whole(cost: Cost, folder: Path, before: list[int]) -> Cost:
    """The last part's cost with that of the passes before it, whose parts go."""
    spent = [cost, *(cost_of(part) for n in before for part in parts(folder, _name(n)))]
    seconds = round(sum(one.seconds for one in spent), 3)
    return replace(cost, seconds=seconds, peak_memory_mib=max(o.peak_memory_mib for o in spent))


def _name(number: int) -> str:
    return f"pass{number}"


def _mark(row: Row) -> Mark:
    return row.trace.key, input_of(row)


def _key(work: Work) -> str:
    """By the tables the traces come from, as other annotations, and by the models; the first one's
    prompt asks."""
    roles = ScoreConfig.model_validate(work.step.config).by.roles
    models = {role: work.role(role).reference() for role in roles}
    told = [[role, model.fingerprint, model.dtype] for role, model in models.items()]
    return work.key(work.settings(), sources(work), told, models[roles[0]].prompt)
