"""Columns that a step adds to traces: one narrow table per source of traces and settings."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from reason_w2s.records import Row
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.store import read_parts, write_part
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


def find(work: Work) -> Item | None:
    """The annotation, if every trace has it for its present text and gold."""
    upstream = list(rows.of(work.store, work.of))
    found = _known(work)
    marks = [(row.trace.key, rows.input_of(row)) for row in upstream]
    if any(mark not in found for mark in marks):
        return None
    kept = [found[mark] for mark in marks]
    size = len(marks)
    counts = {"in": size, "out": size, **_summary(work.step.stage, kept)}
    key = key_of(work)
    mark = digest(work.step.name, key, [item.digest for item in work.of])
    return Item(work.step.name, work.step.stage, "traces", key, mark, work.of, counts=counts)


def make(work: Work) -> None:
    """Annotate the traces that lack it."""
    stage = work.step.stage
    found = _known(work)
    todo = [
        row
        for row in rows.of(work.store, work.of)
        if (row.trace.key, rows.input_of(row)) not in found
    ]
    function, cfg = _function(stage), config_class(stage).model_validate(work.step.config)
    watch = Stopwatch(work.run)
    size = len(todo) if STAGES[stage].together else PART
    with work.store.locked(stage, key_of(work)) as folder:
        for start in range(0, len(todo), size or PART):
            batch = todo[start : start + size]
            made = [
                {**columns, "input": rows.input_of(row)}
                for row, columns in zip(batch, function(batch, cfg), strict=True)
            ]
            write_part(folder, made, ANNOTATIONS[stage], watch.lap())
            work.report(start + len(batch), len(todo), "traces")


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


def _known(work: Work) -> dict[tuple[str, str], dict[str, Any]]:
    folder = work.store.folder(work.step.stage, key_of(work))
    table = read_parts(folder, ANNOTATIONS[work.step.stage])
    return {(row["key"], row["input"]): row for row in table.to_pylist()}


def _summary(stage: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """What the report shows of an annotation."""
    if stage == "check":
        return {
            "status": dict(Counter(row["status"] or "not graded" for row in found)),
            "rules": dict(Counter(row["rule"] or "no rule" for row in found)),
        }
    if stage in ("vote", "combine"):
        return {"agrees": dict(Counter(str(row["agrees"]) for row in found))}
    if stage == "difficulty":
        return {}
    return {
        "flags": dict(Counter(flag for row in found for flag in row["flags"])),
        "steps": step_counts(row["verdicts"] for row in found),
    }


def step_counts(verdicts: Iterable[Sequence[bool | None]]) -> dict[str, int]:
    """Steps of a set, those whose arithmetic could be judged, and those that are wrong."""
    seen = Counter(one for steps in verdicts for one in steps)
    return {"all": seen.total(), "judged": seen[True] + seen[False], "wrong": seen[False]}
