"""Bring in responses that somebody else's model wrote, from a JSONL or Parquet file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from reason_w2s.errors import DataError
from reason_w2s.problems.files import digest, read
from reason_w2s.records import Dropped, Problem, Trace

VERSION = 1


class ImportColumns(BaseModel):
    """The file's names for a problem's id and for the response (one, or a list of them)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = "id"
    response: str = "response"


class ImportConfig(BaseModel):
    """`file`: JSONL (also .gz) or Parquet; `model`: what to call who wrote it.

    A row whose problem is not in `of` is dropped with that reason, never silently.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    model: str
    columns: ImportColumns = ImportColumns()


def import_traces(
    problems: Sequence[Problem], cfg: ImportConfig, *, step: str
) -> Iterator[Trace | Dropped]:
    """Traces in problem order; a trace's identity is the file's content, its column and place in
    it, and who wrote it.

    Tokens are not known (no tokenizer has read the text): `n_tokens` counts words split by blanks.

    Raises:
        DataError: the file is missing, or lacks a column (the message lists those it has).
    """
    identity = f"{digest(Path(cfg.file))}:{cfg.columns.response}:{cfg.model}"
    known = {problem.id for problem in problems}
    found: dict[str, list[Trace]] = {}
    for place, row in enumerate(read(Path(cfg.file))):
        problem_id = str(_column(row, cfg.columns.id, cfg.file, place))
        texts = _column(row, cfg.columns.response, cfg.file, place)
        texts = texts if isinstance(texts, list) else [texts]
        if problem_id not in known:
            for index in range(len(texts)):
                yield Dropped(_key(identity, place, index), step, "its problem is not in the set")
            continue
        group = found.setdefault(problem_id, [])
        for index, text in enumerate(texts):
            key = _key(identity, place, index)
            group.append(_trace(key, problem_id, cfg.model, len(group), text))
    for problem in problems:
        yield from found.get(problem.id, [])


def _key(identity: str, place: int, index: int) -> str:
    return hashlib.sha256(f"{identity}:{place}:{index}".encode()).hexdigest()[:24]


def _column(row: dict[str, Any], name: str, file: str, place: int) -> Any:
    if row.get(name) is None:
        there = ", ".join(row)
        raise DataError(
            f"{file}:{place + 1}: no column '{name}' (the row has: {there}); "
            f"name it under import.columns"
        )
    return row[name]


def _trace(key: str, problem_id: str, model: str, index: int, text: str) -> Trace:
    return Trace(
        key=key,
        problem_id=problem_id,
        model=model,
        index=index,
        text=str(text),
        finish_reason="stop",
        n_prompt=0,
        n_tokens=len(str(text).split()),
    )
