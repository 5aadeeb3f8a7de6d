"""Records as table rows and back, with their Arrow schemas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from reason_w2s.records import Dropped, Numbers, Pair, Problem, Trace

PROBLEMS = pa.schema(
    [
        ("id", pa.string()),
        ("question", pa.string()),
        ("gold", pa.string()),  # JSON: a string, a list of strings, or null
        ("solution", pa.string()),
        ("options", pa.list_(pa.string())),
        ("level", pa.int32()),
        ("subject", pa.string()),
        ("meta", pa.string()),  # JSON
    ]
)
TRACES = pa.schema(
    [
        ("key", pa.string()),
        ("problem_id", pa.string()),
        ("parent", pa.string()),
        ("model", pa.string()),
        ("index", pa.int32()),
        ("text", pa.string()),
        ("finish_reason", pa.string()),
        ("n_prompt", pa.int32()),
        ("n_tokens", pa.int32()),
        ("max_tokens", pa.int32()),
        ("token_ids", pa.list_(pa.int32())),
        ("logprobs", pa.list_(pa.float32())),
    ]
)
PER_TOKEN = ("token_ids", "logprobs")
KEYS = pa.schema([("key", pa.string()), ("problem_id", pa.string())])
PAIRS = pa.schema(
    [
        ("problem_id", pa.string()),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
        ("rule", pa.int32()),
        ("margin", pa.float64()),
    ]
)
DROPPED = pa.schema([("key", pa.string()), ("step", pa.string()), ("reason", pa.string())])
JUDGED = pa.schema([("problem_id", pa.string()), ("chosen", pa.bool_()), ("rejected", pa.bool_())])
OVERLAPS = pa.schema(
    [
        ("set", pa.string()),  # the digest of the problem set
        ("problem_id", pa.string()),
        ("suite_id", pa.string()),
        ("kind", pa.string()),
        ("share", pa.float64()),
    ]
)
PASSES = pa.schema(
    [
        ("key", pa.string()),
        ("input", pa.string()),
        ("values", pa.list_(pa.list_(pa.float64()))),  # null: it cannot be scored
        ("ends", pa.list_(pa.int32())),
    ]
)
ANNOTATIONS: dict[str, pa.Schema] = {
    "check": pa.schema(
        [
            ("key", pa.string()),
            ("input", pa.string()),
            ("status", pa.string()),
            ("correct", pa.bool_()),
            ("first_correct", pa.bool_()),
            ("answer", pa.string()),
            ("rule", pa.string()),
            ("reason", pa.string()),
        ]
    ),
    "stepcheck": pa.schema(
        [
            ("key", pa.string()),
            ("input", pa.string()),
            ("flags", pa.list_(pa.string())),
            ("reasons", pa.list_(pa.string())),
            ("n_steps", pa.int32()),
            ("ends", pa.list_(pa.int32())),
            ("verdicts", pa.list_(pa.bool_())),
            ("n_equations", pa.int32()),
            ("n_wrong_equations", pa.int32()),
            ("first_error", pa.int32()),
            ("wrong_share", pa.float64()),
            ("think", pa.string()),
        ]
    ),
    "vote": pa.schema(
        [
            ("key", pa.string()),
            ("input", pa.string()),
            ("answer", pa.string()),
            ("confidence", pa.float64()),
            ("agrees", pa.bool_()),
            ("share", pa.float64()),
            ("rank", pa.int32()),
            ("cumulative", pa.float64()),
            ("voters", pa.int32()),
        ]
    ),
    "combine": pa.schema(
        [
            ("key", pa.string()),
            ("input", pa.string()),
            ("answer", pa.string()),
            ("confidence", pa.float64()),
            ("agrees", pa.bool_()),
            ("posterior", pa.float64()),
            ("value", pa.float64()),
            ("voters", pa.int32()),
            ("ability", pa.float64()),
            ("ability_low", pa.float64()),
            ("ability_high", pa.float64()),
        ]
    ),
    "difficulty": pa.schema(
        [
            ("key", pa.string()),
            ("input", pa.string()),
            ("pass_rate", pa.float64()),
            ("n", pa.int32()),
        ]
    ),
    "score": pa.schema(
        [
            ("key", pa.string()),
            ("input", pa.string()),
            ("value", pa.float64()),
            ("steps", pa.list_(pa.float64())),
            ("tokens", pa.list_(pa.float32())),
            ("ends", pa.list_(pa.int32())),
            ("vocabulary", pa.string()),
        ]
    ),
}


LONG: dict[str, tuple[str, ...]] = {"score": ("tokens", "ends")}
"""Columns with a number for each token, by stage: read as arrays."""


def annotation_rows(stage: str, table: pa.Table) -> list[dict[str, Any]]:
    """A stage's annotations as rows; `LONG` columns as `Numbers`."""
    long = [name for name in LONG.get(stage, ()) if name in table.column_names]
    found: list[dict[str, Any]] = table.drop_columns(long).to_pylist()
    for name in long:
        for row, value in zip(found, _arrays(table.column(name)), strict=True):
            row[name] = value
    return found


def _arrays(column: pa.ChunkedArray) -> Iterator[Numbers | None]:
    for chunk in column.chunks:
        values = chunk.values.to_numpy(zero_copy_only=False)
        bounds, known = chunk.offsets.to_pylist(), chunk.is_valid().to_pylist()
        for place, there in enumerate(known):
            yield Numbers(values[bounds[place] : bounds[place + 1]]) if there else None


def problem_row(problem: Problem) -> dict[str, Any]:
    """A problem as a row of `PROBLEMS`."""
    return {
        "id": problem.id,
        "question": problem.question,
        "gold": None if problem.gold is None else json.dumps(problem.gold),
        "solution": problem.solution,
        "options": problem.options,
        "level": problem.level,
        "subject": problem.subject,
        "meta": json.dumps(dict(problem.meta), sort_keys=True, default=str),
    }


def problem_of(row: Mapping[str, Any]) -> Problem:
    """A row of `PROBLEMS` as a problem."""
    gold = None if row["gold"] is None else json.loads(row["gold"])
    return Problem(
        id=row["id"],
        question=row["question"],
        gold=tuple(gold) if isinstance(gold, list) else gold,
        solution=row["solution"],
        options=tuple(row["options"]) if row["options"] is not None else None,
        level=row["level"],
        subject=row["subject"],
        meta=json.loads(row["meta"]),
    )


def trace_row(trace: Trace) -> dict[str, Any]:
    """A trace as a row of `TRACES`."""
    return {name: getattr(trace, name) for name in TRACES.names}


def trace_of(row: Mapping[str, Any]) -> Trace:
    """A row of `TRACES` as a trace."""
    return Trace(**{**row, **{name: _tuple(row.get(name)) for name in PER_TOKEN}})


def _tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def dropped_row(dropped: Dropped) -> dict[str, Any]:
    """What a step dropped, as a row of `DROPPED`."""
    return {"key": dropped.key, "step": dropped.step, "reason": dropped.reason}


def pair_of(row: Mapping[str, Any]) -> Pair:
    """A row of `PAIRS` as a pair."""
    return Pair(**row)


_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(*parts: Any) -> str:
    """A short SHA-256 of JSON-able values, the identity of whatever they describe."""
    return hashlib.sha256(_JSON.encode(parts).encode()).hexdigest()[:24]


def digest_around(before: Sequence[Any], many: Iterable[Any], after: Sequence[Any] = ()) -> str:
    """`digest(*before, list(many), *after)`, with one of the many in memory at a time."""
    found = hashlib.sha256(b"[")
    for part in before:
        found.update(_JSON.encode(part).encode() + b",")
    found.update(b"[")
    for number, one in enumerate(many):
        found.update((b"," if number else b"") + _JSON.encode(one).encode())
    found.update(b"]")
    for part in after:
        found.update(b"," + _JSON.encode(part).encode())
    found.update(b"]")
    return found.hexdigest()[:24]
