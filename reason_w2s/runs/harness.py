"""What lm-eval found, read back as graded traces: one row per document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from reason_w2s.errors import DataError
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.runs.items import Item
from reason_w2s.runs.kept import kept
from reason_w2s.runs.store import Store
from reason_w2s.runs.tables import digest

HARNESS = pa.schema(
    [
        ("task", pa.string()),
        ("doc_id", pa.int32()),
        ("doc_hash", pa.string()),
        ("filter", pa.string()),
        ("metrics", pa.string()),  # JSON: metric -> value
        ("prompt", pa.string()),
        ("response", pa.string()),
        ("answer", pa.string()),  # the response after the filter
        ("target", pa.string()),
        ("finish_reason", pa.string()),
        ("n_tokens", pa.int32()),
    ]
)
MANY = 4
"""So many tasks of a group are counted, not named."""
NOTHING = "[invalid]"
"""What lm-eval's filters give where they find nothing."""


def rows(store: Store, item: Item) -> Iterator[Row]:
    """A graded trace for each document, by the metric and filter that count."""
    table = kept(store, item, HARNESS).to_pylist()
    tasks = {row["task"] for row in table}
    for row in counted(table, item.extent["filter"]):
        right = is_right(row, item.extent["metric"])
        problem = Problem(
            id=f"{row['task']}-{row['doc_id']}",
            question=row["prompt"],
            gold=row["target"],
            subject=row["task"] if len(tasks) > 1 else None,
        )
        yield Row(_trace(row, problem.id, item), problem, _columns(row, right, item))


def counted(table: Sequence[Mapping[str, Any]], named: str | None) -> list[Mapping[str, Any]]:
    """The rows of one filter, each task's first where none is named, by task and document.

    Raises:
        DataError: a task has no such filter.
    """
    filters: dict[str, list[str]] = {}
    for row in table:
        known = filters.setdefault(row["task"], [])
        if row["filter"] not in known:
            known.append(row["filter"])
    for task, known in filters.items():
        if named is not None and named not in known:
            raise DataError(f"filter: {task} has no '{named}'; it has {', '.join(known)}")
    wanted = {task: named or known[0] for task, known in filters.items()}
    return [row for row in table if row["filter"] == wanted[row["task"]]]


def is_right(row: Mapping[str, Any], named: str | None) -> bool:
    """What a document's metric says, the task's first where none is named.

    Raises:
        DataError: there is no such metric, or it is no yes or no.
    """
    metrics: dict[str, Any] = json.loads(row["metrics"])
    name = named or next(iter(metrics))
    value = metrics.get(name)
    if value not in (0, 1):
        found = "it has none of that name" if name not in metrics else f"it gave {value!r}"
        raise DataError(
            f"metric: {row['task']}: '{name}' is no yes or no for a document ({found}); name one "
            f"that is, of: {', '.join(metrics)}"
        )
    return bool(value)


def _trace(row: Mapping[str, Any], problem: str, item: Item) -> Trace:
    return Trace(
        key=digest(item.key, problem),
        problem_id=problem,
        model=item.extent["model"],
        index=0,
        text=row["response"],
        finish_reason=row["finish_reason"],
        n_prompt=0,
        n_tokens=row["n_tokens"],
    )


def _columns(row: Mapping[str, Any], right: bool, item: Item) -> dict[str, Any]:
    """Those of a check step."""
    nothing = row["answer"] == NOTHING
    metric = item.extent["metric"] or next(iter(json.loads(row["metrics"])))
    columns = {
        "status": "correct" if right else "no_answer" if nothing else "wrong",
        "correct": right,
        "first_correct": right,
        "answer": None if nothing else row["answer"],
        "rule": f"lm-eval {metric}, {row['filter']}",
        "reason": "lm-eval's metric",
    }
    return {f"{item.step}.{name}": value for name, value in columns.items()}


def suite(item: Item) -> dict[str, Any]:
    """What results say of the suite that this item measured a model on."""
    tasks = item.extent["tasks"]
    named = [f"{name} {about['version']}" for name, about in tasks.items()]
    shots = sorted({about["num_fewshot"] or 0 for about in tasks.values()})
    return {
        "n": item.counts["out"],
        "samples": 1,
        "sampling": {
            "by": f"lm-eval {item.extent['lm_eval']}",
            "tasks": ", ".join(named) if len(named) < MANY else f"{len(named)} tasks",
            "num_fewshot": ", ".join(map(str, shots)),
            "chat_template": item.extent["chat_template"],
        },
        "kind": "lm-eval",
    }
