"""Graded samples as a file: a row per response, written by each run, read for comparisons.

A file from elsewhere needs a problem's id and a verdict alone; the other columns of `SAMPLES` are
used where they are there. JSON Lines will do as well as Parquet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from reason_w2s.errors import ConfigError, DataError
from reason_w2s.evaluate.metrics import Graded
from reason_w2s.problems.files import numbered

FILE = "rows.parquet"
SAMPLES = pa.schema(
    [
        ("suite", pa.string()),
        ("model", pa.string()),
        ("step", pa.string()),
        ("key", pa.string()),
        ("problem_id", pa.string()),
        ("index", pa.int32()),
        ("question", pa.string()),
        ("gold", pa.string()),
        ("response", pa.string()),
        ("answer", pa.string()),
        ("correct", pa.bool_()),
        ("first_correct", pa.bool_()),
        ("status", pa.string()),
        ("rule", pa.string()),
        ("reason", pa.string()),
        ("finish_reason", pa.string()),
        ("n_prompt", pa.int32()),
        ("n_tokens", pa.int32()),
        ("level", pa.int32()),
        ("subject", pa.string()),
    ]
)
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Columns:
    """What a file calls the problem's id and the verdict: true, false, 1, 0 or null."""

    id: str = "problem_id"
    correct: str = "correct"


@dataclass(frozen=True, slots=True)
class Sample:
    """One graded response, with what is shown of it: the question's and answer's beginning."""

    graded: Graded
    question: str | None
    gold: str | None
    answer: str | None


def read(given: str, columns: Columns = Columns()) -> dict[str, dict[str, list[Sample]]]:
    """Model -> suite -> samples of RUN, RUN:MODEL, or of a file; one unnamed model is "".

    Raises:
        ConfigError: no such run, or no such model in it.
        DataError: a row without an id or a verdict.
    """
    path, model = _place(given)
    found: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for line, row in numbered(path):
        name = row.get("model") or ""
        if model in (None, name):
            sample = _sample(row, columns, f"{path}:{line}")
            found[name][row.get("suite") or ""].append(sample)
    if not found:
        names = f"no model '{model}' in it" if model else "no rows in it"
        raise ConfigError(f"{path}: {names}")
    return {name: dict(suites) for name, suites in found.items()}


def _place(given: str) -> tuple[Path, str | None]:
    """The file that is meant, and the model of it."""
    path, model = Path(given), None
    if not path.exists() and ":" in given:
        before, _, model = given.rpartition(":")
        path = Path(before)
    if path.is_dir() and not (path / FILE).is_file():
        raise ConfigError(f"{path}: no {FILE} here; write it with: reason-w2s report {path}")
    if not path.exists():
        raise ConfigError(f"{path}: neither a run's folder nor a file of graded rows")
    return (path / FILE if path.is_dir() else path), model


def _sample(row: Mapping[str, Any], columns: Columns, where: str) -> Sample:
    for option, column in (("--id", columns.id), ("--correct", columns.correct)):
        if column not in row:
            has = ", ".join(row)
            raise DataError(
                f"{where}: no column '{column}' (the row has: {has}); name it: {option}"
            )
    correct = row[columns.correct]
    if correct not in (True, False, None):
        raise DataError(
            f"{where}: {columns.correct} is {str(correct)[:60]!r}; expected true, false or null"
        )
    graded = Graded(
        problem_id=str(row[columns.id]),
        correct=None if correct is None else bool(correct),
        finish_reason=row.get("finish_reason") or "stop",
        n_tokens=row.get("n_tokens") or 0,
        status=row.get("status") or "",
        level=None,
        first_correct=row.get("first_correct"),
    )
    return Sample(graded, *(_cut(row.get(name)) for name in ("question", "gold", "answer")))


def _cut(value: Any) -> str | None:
    """What is shown of a text; a whole file of long ones would not fit in memory."""
    return None if value is None else str(value)[:_SHOWN]
