"""Problems from a JSONL or Parquet file of one's own.

A row looks like {"id": "7", "question": "...", "answer": "72", "solution": "...", "level": 3}; only
`question` is needed. Other names are given under `columns`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reason_w2s.errors import DataError
from reason_w2s.problems.files import read
from reason_w2s.problems.spec import Columns, ProblemSpec
from reason_w2s.records import Problem

KNOWN = ("id", "question", "gold", "solution", "level", "subject", "options")


def load(spec: ProblemSpec, seed: int, wanted: int | None) -> Iterator[Problem]:
    """The file's rows, in order.

    Raises:
        DataError: a row without a question, or, where labels are asked for, without an answer.
    """
    assert spec.file is not None
    for number, row in enumerate(read(Path(spec.file)), 1):
        yield problem(row, spec.columns, f"{spec.file}:{number}", need_gold=spec.labels != "none")


def problem(row: dict[str, Any], columns: Columns, place: str, *, need_gold: bool) -> Problem:
    """One row as a problem."""
    question = _needed(row, columns.question, "question", place)
    gold = _gold(row.get(columns.gold))
    if gold is None and need_gold:
        have = ", ".join(row)
        raise DataError(
            f"{place}: '{columns.gold}' is missing or null (the row has: {have}); check needs a "
            f"gold answer: name its column under columns.gold, or say labels: none"
        )
    identity = row.get(columns.id)
    options = row.get("options")
    mapped = {columns.id, columns.question, columns.gold, columns.solution}
    return Problem(
        id=hashlib.sha256(question.encode()).hexdigest()[:16]
        if identity in (None, "")
        else str(identity),
        question=question,
        gold=gold,
        solution=_text(row.get(columns.solution)),
        options=tuple(map(str, options)) if options else None,
        level=_level(row.get(columns.level)),
        subject=_text(row.get(columns.subject)),
        meta={key: found for key, found in row.items() if key not in mapped and key not in KNOWN},
    )


def _needed(row: dict[str, Any], column: str, role: str, place: str) -> str:
    if not isinstance(row.get(column), str) or not row[column].strip():
        have = ", ".join(row)
        raise DataError(
            f"{place}: no text in '{column}' (the row has: {have}); "
            f"name the column of the {role} under columns.{role}"
        )
    return str(row[column])


def _gold(value: Any) -> str | tuple[str, ...] | None:
    if value is None or value in ("", [], ()):
        return None
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _level(value: Any) -> int | None:
    """3 from 3, "3" or MATH's "Level 3"; None from anything else."""
    digits = str(value).removeprefix("Level ").strip() if value is not None else ""
    return int(digits) if digits.isdigit() else None
