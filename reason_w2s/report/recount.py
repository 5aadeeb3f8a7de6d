"""The counts of a run's steps, counted again from the rows in the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reason_w2s.runs.items import Item
from reason_w2s.runs.makers.annotations import step_counts
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_parts
from reason_w2s.runs.tables import DROPPED

_COUNTED = ("status", "rule", "flags", "verdicts")


def recounted(run: Run) -> Run:
    """The run with the counts of its traces and pairs as its rows say, not as its manifest says.

    Raises:
        StoreError: a table of it is damaged.
    """
    items = {name: replace(item, counts=_counts(run, item)) for name, item in run.items.items()}
    return Run(run.folder, run.store, items)


def _counts(run: Run, item: Item) -> Mapping[str, Any]:
    if item.kind == "pairs" and item.stage == "pair":
        return {**item.counts, **_pairs(run, item)}
    # a union is counted before what is in two of its sets is joined
    if item.kind == "traces" and item.stage != "union":
        return {**item.counts, **_traces(run, item)}
    return item.counts


def _pairs(run: Run, item: Item) -> dict[str, Any]:
    """Problems in and out; a problem that is dropped gave no pair."""
    found, _ = run.pairs(item.step, ())
    out = len({pair.problem_id for pair in found})
    return {"out": out, "pairs": len(found), **_dropped(run, item, out)}


def _traces(run: Run, item: Item) -> dict[str, Any]:
    rows = list(run.rows(item.step, [f"{item.step}.{name}" for name in _COUNTED]))
    counts: dict[str, Any] = {"out": len(rows)}
    if "dropped" in item.counts:
        counts |= _dropped(run, item, len(rows))
    if "status" in item.counts:
        columns = ((f"{item.step}.status", "not graded"), (f"{item.step}.rule", "no rule"))
        for name, (column, none) in zip(("status", "rules"), columns, strict=True):
            counts[name] = dict(Counter(row.columns[column] or none for row in rows))
    if "flags" in item.counts:
        flags = (flag for row in rows for flag in row.columns[f"{item.step}.flags"])
        counts["flags"] = dict(Counter(flags))
    if "steps" in item.counts:
        counts["steps"] = step_counts(row.columns[f"{item.step}.verdicts"] for row in rows)
    return counts


def _dropped(run: Run, item: Item, out: int) -> dict[str, Any]:
    table = read_parts(run.store.folder(item.stage, item.key), DROPPED, "dropped")
    reasons = table.column("reason").to_pylist()
    return {"in": out + len(reasons), "dropped": dict(Counter(reasons).most_common())}
