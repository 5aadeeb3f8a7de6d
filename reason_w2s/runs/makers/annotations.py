"""Columns that a step adds to traces: one narrow table per source of traces and settings."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from reason_w2s.records import Row
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.lookup import batches
from reason_w2s.runs.store import write_part
from reason_w2s.runs.tables import ANNOTATIONS, digest
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.table import STAGES, config_class

PART = 4096
"""Rows per part: what a killed check loses at most."""

FUNCTIONS: dict[str, str] = {
    "check": "reason_w2s.stages.check:check",
    "stepcheck": "reason_w2s.stages.stepcheck:stepcheck",
    "vote": "reason_w2s.stages.vote:vote",
    "combine": "reason_w2s.stages.combine:combine",
    "difficulty": "reason_w2s.stages.difficulty:difficulty",
    "score": "reason_w2s.stages.score:score",
}


Counting = tuple[str, Callable[[Any], Iterable[Any]]]
COUNTED: dict[str, dict[str, Counting]] = {
    "check": {
        "status": ("status", lambda found: [found or "not graded"]),
        "rules": ("rule", lambda found: [found or "no rule"]),
    },
    "vote": {"agrees": ("agrees", lambda found: [str(found)])},
    "combine": {"agrees": ("agrees", lambda found: [str(found)])},
    "stepcheck": {"flags": ("flags", iter), "steps": ("verdicts", iter)},
}
"""What is counted of a stage's annotations: the column, and what each value of it counts as."""


def find(work: Work) -> Item | None:
    """The annotation, if every trace has it for its present text and gold."""
    stage, key = work.step.stage, key_of(work)
    counts = _counts(work, COUNTED.get(stage, {}))
    if counts is None:
        return None
    if stage == "stepcheck":
        counts["steps"] = _steps(counts["steps"])
    mark = digest(work.step.name, key, [item.digest for item in work.of])
    return Item(work.step.name, stage, "traces", key, mark, work.of, counts=counts)


def _counts(work: Work, asked: Mapping[str, Counting]) -> dict[str, Any] | None:
    """What the report shows of an annotation; None where a trace lacks it."""
    columns = [column for column, _ in asked.values()]
    table = rows.added_by(work.store, work.step.stage, key_of(work), columns)
    counted: dict[str, Counter[Any]] = {name: Counter() for name in asked}
    size = 0
    for batch in batches(rows.of(work.store, work.of, ())):
        found = table.find([(row.trace.key, rows.input_of(row)) for row in batch])
        kept = [row for row in found if row is not None]
        if len(kept) < len(found):
            return None
        size += len(kept)
        for name, (column, values) in asked.items():
            counted[name].update(value for row in kept for value in values(row[column]))
    counts = {name: dict(counter) for name, counter in counted.items()}
    return {"in": size, "out": size, **counts}


def make(work: Work) -> None:
    """Annotate the traces that lack it."""
    stage, key = work.step.stage, key_of(work)
    function, cfg = _function(stage), config_class(stage).model_validate(work.step.config)
    watch = Stopwatch(work.run)
    whole = sum(item.counts["out"] for item in work.of)
    with work.store.locked(stage, key) as folder:
        for todo in batches(_lacking(work), None if STAGES[stage].together else PART):
            made = [
                {**columns, "input": rows.input_of(row)}
                for (_, row), columns in zip(
                    todo, function((row for _, row in todo), cfg), strict=True
                )
            ]
            write_part(folder, made, ANNOTATIONS[stage], watch.lap())
            work.report(todo[-1][0], whole, "traces")


def _lacking(work: Work) -> Iterator[tuple[int, Row]]:
    """The traces that are not annotated yet, each with its place among all, from 1."""
    known = rows.added_by(work.store, work.step.stage, key_of(work), ())
    # what is made of each trace alone reads no column
    columns = None if STAGES[work.step.stage].together else ()
    upstream = enumerate(rows.of(work.store, work.of, columns), 1)
    for batch in batches(upstream):
        found = known.find([(row.trace.key, rows.input_of(row)) for _, row in batch])
        yield from (one for one, there in zip(batch, found, strict=True) if there is None)


def _function(stage: str) -> Callable[[Iterable[Row], Any], Iterator[dict[str, Any]]]:
    module, name = FUNCTIONS[stage].split(":")
    loaded: Callable[[Iterable[Row], Any], Iterator[dict[str, Any]]]
    loaded = getattr(importlib.import_module(module), name)
    return loaded


def key_of(work: Work) -> str:
    """By the tables the traces come from, so that a larger `n` or set adds to the same table.

    By all that is there, where the columns of one trace depend on the others.
    """
    if STAGES[work.step.stage].together:
        seen = [one.digest for item in work.of for one in item.lineage()]
        roles = {role: work.role(role).digest for role in work.step.roles}
        return work.key(work.settings(), seen, *([roles] if roles else []))
    return work.key(work.settings(), sources(work))


def sources(work: Work) -> list[str]:
    """The tables that the traces come from."""
    found = {
        item.key
        for parent in work.of
        for item in parent.lineage()
        if item.stage in STAGES and STAGES[item.stage].shape == "make"
    }
    return sorted(found)


def step_counts(verdicts: Iterable[Sequence[bool | None]]) -> dict[str, int]:
    """Steps of a set, those whose arithmetic could be judged, and those that are wrong."""
    return _steps(Counter(one for steps in verdicts for one in steps))


def _steps(seen: Mapping[bool | None, int]) -> dict[str, int]:
    judged = seen.get(True, 0) + seen.get(False, 0)
    return {"all": sum(seen.values()), "judged": judged, "wrong": seen.get(False, 0)}
