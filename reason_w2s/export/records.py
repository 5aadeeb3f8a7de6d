"""Records as they are in the store, with fixed columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from reason_w2s.runs.items import Item
from reason_w2s.runs.run import Run
from reason_w2s.runs.tables import ANNOTATIONS, PROBLEMS, TRACES

PAIRS = pa.schema(
    [
        ("problem_id", pa.string()),
        ("question", pa.string()),
        ("gold", pa.string()),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
        ("rule", pa.int32()),
        ("margin", pa.float64()),
    ]
)


def schema(item: Item) -> pa.Schema:
    """The columns of a step's records. `gold`, and a problem's `meta`, are text: where several
    answers are right it is a JSON list of them."""
    if item.kind == "problems":
        return PROBLEMS
    if item.kind == "pairs":
        return PAIRS
    asked = [("question", pa.string()), ("gold", pa.string())]
    return pa.schema(
        [*zip(TRACES.names, TRACES.types, strict=True), *asked, *columns(item).items()]
    )


def columns(item: Item) -> dict[str, pa.DataType]:
    """The columns that a step's lineage added to its traces: `step.column` -> type."""
    if item.kind != "traces":
        return {}
    return {
        f"{one.step}.{field.name}": field.type
        for one in item.lineage()
        for field in ANNOTATIONS.get(one.stage, ())
        if field.name not in ("key", "input")
    }


def records(run: Run, step: str, schema: pa.Schema) -> Iterator[dict[str, Any]]:
    """A step's records with exactly these columns."""
    if run.item(step).kind == "pairs":
        yield from _pairs(run, step)
        return
    for record in run.records(step):
        row = {name: record.get(name) for name in schema.names}
        row["gold"] = _gold(row["gold"])
        if "meta" in row:
            row["meta"] = json.dumps(dict(record["meta"]), sort_keys=True, default=str)
        yield row


def _pairs(run: Run, step: str) -> Iterator[dict[str, Any]]:
    found, named = run.pairs(step)
    for pair in found:
        chosen, rejected = named[pair.chosen], named[pair.rejected]
        yield {
            "problem_id": pair.problem_id,
            "question": chosen.problem.question,
            "gold": _gold(chosen.problem.gold),
            "chosen": chosen.trace.text,
            "rejected": rejected.trace.text,
            "rule": pair.rule,
            "margin": pair.margin,
        }


def _gold(gold: str | tuple[str, ...] | None) -> str | None:
    return gold if gold is None or isinstance(gold, str) else json.dumps(list(gold))
