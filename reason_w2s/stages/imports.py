"""Bring in responses that somebody else's model wrote, from JSONL or Parquet files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from reason_w2s.errors import DataError
from reason_w2s.problems.files import digest, read
from reason_w2s.records import Dropped, FinishReason, Problem, Trace
from reason_w2s.stages.cells import (
    MISSING,
    cell,
    finished,
    normalised,
    question,
    responses,
    text_of,
    with_reasoning,
)


class ImportColumns(BaseModel):
    """The files' names for what a row says; `meta.id` names a nested value.

    id, question: how a row finds its problem: by its id, else by the question's text, blanks aside.
    Where only one of them is given the other is not looked at; `id: null` means by question.
    response: one column or several, each with one response, a list of them, or a conversation whose
    last assistant turn counts. reasoning: where the reasoning stands apart from the response.
    model: who wrote it. finish: whether it was finished, a flag (OpenR1's `is_reasoning_complete`)
    or a finish reason. The last three may be lists as long as the responses.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = None
    question: str | None = None
    response: tuple[str, ...] = Field(("response",), min_length=1)
    reasoning: str | None = None
    model: str | None = None
    finish: str | None = None

    @field_validator("response", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _a_way_to_a_problem(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if data.get("id") is None and data.get("question") is None:
            return {**data, **({"question": "question"} if "id" in data else {"id": "id"})}
        return data


class ImportConfig(BaseModel):
    """`file`: JSONL (also .gz) or Parquet, one or several; `model`: what to call who wrote them.

    A row that answers no problem of `of`, or says nothing, is dropped with that reason, never
    silently. A text that a problem already has is another trace of it, unless `duplicates: drop`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: tuple[str, ...] = Field(min_length=1)
    model: str | None = None
    columns: ImportColumns = ImportColumns()
    duplicates: Literal["keep", "drop"] = "keep"

    @field_validator("file", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _written_by_somebody(self) -> ImportConfig:
        if self.model is None and self.columns.model is None:
            raise ValueError(
                "say who wrote the responses: 'model', or a column under columns.model"
            )
        return self


class _Response(NamedTuple):
    """One response of a row; `text` None: it says nothing; `asked`: what names its problem, the
    column and its value."""

    key: str
    asked: tuple[str, str] | None
    text: str | None
    model: str | None
    finish: FinishReason


def import_traces(
    problems: Sequence[Problem], cfg: ImportConfig, *, step: str
) -> Iterator[Trace | Dropped]:
    """Traces in problem order; a trace's identity is the file's content, its columns and place in
    it, and who wrote it.

    Tokens are not known (no tokenizer has read the text): `n_tokens` counts words split by blanks.

    Raises:
        DataError: a file is missing, or none of its rows has a column that is asked for (the
            message lists those it has), or a value is not what its column should hold.
    """
    kept: dict[str, list[Trace]] = {problem.id: [] for problem in problems}
    for one in matched(problems, cfg, step=step):
        if isinstance(one, Trace):
            kept[one.problem_id].append(one)
        else:
            yield one
    for traces in kept.values():
        yield from traces


def matched(
    problems: Sequence[Problem], cfg: ImportConfig, *, step: str
) -> Iterator[Trace | Dropped]:
    """As `import_traces`, but in the order of the files."""
    known = _problem_ids(problems)
    counts = {problem.id: 0 for problem in problems}
    texts: set[tuple[str, bytes]] = set()
    for response in _all_responses(cfg):
        problem_id = None if response.asked is None else known.get(response.asked)
        reason = _no_problem(response, known)
        if reason is None and problem_id is not None:
            reason = _useless(response, problem_id, texts, cfg)
        if reason is not None or problem_id is None:
            yield Dropped(response.key, step, reason or "several problems have its question")
        else:
            yield _trace(response, problem_id, counts[problem_id])
            counts[problem_id] += 1


def _problem_ids(problems: Sequence[Problem]) -> dict[tuple[str, str], str | None]:
    """What a row may ask for -> the problem's id; None where several problems are meant."""
    known: dict[tuple[str, str], str | None] = {}
    for problem in problems:
        asked = ("question", normalised(problem.question))
        known[asked] = None if asked in known else problem.id
    return known | {("id", problem.id): problem.id for problem in problems}


def _no_problem(response: _Response, known: Mapping[tuple[str, str], str | None]) -> str | None:
    if response.asked is None:
        return "it names no problem"
    return None if response.asked in known else "its problem is not in the set"


def _useless(
    response: _Response, problem_id: str, texts: set[tuple[str, bytes]], cfg: ImportConfig
) -> str | None:
    """Why a response that answers a problem is of no use. texts: of each problem those kept."""
    if response.text is None:
        return "it has no response"
    if response.model is None:
        return "it does not say who wrote it"
    if cfg.duplicates == "drop":
        mark = problem_id, hashlib.sha256(response.text.encode()).digest()
        if mark in texts:
            return "its problem has the same text already"
        texts.add(mark)
    return None


def _all_responses(cfg: ImportConfig) -> Iterator[_Response]:
    """The responses of all files, in order."""
    files: dict[str, str] = {}
    for file in cfg.file:
        content = digest(Path(file))
        if content in files:
            raise DataError(f"{file}: the same content as {files[content]}; name it once")
        files[content] = file
        yield from _responses_in(file, content, cfg)


def _responses_in(file: str, content: str, cfg: ImportConfig) -> Iterator[_Response]:
    unseen: dict[str, None] = dict.fromkeys(filter(None, _names(cfg.columns)))
    first: dict[str, Any] | None = None
    for place, row in enumerate(read(Path(file))):
        first = first or row
        for name in [name for name in unseen if cell(row, name) is not MISSING]:
            del unseen[name]
        for column in cfg.columns.response:
            yield from _responses(row, column, cfg, content, f"{file}:{place + 1}")
    if unseen and first is not None:
        raise DataError(
            f"{file}:1: no column '{next(iter(unseen))}' in any row (the first has: "
            f"{', '.join(first)}); name it under import.columns"
        )


def _names(columns: ImportColumns) -> list[str | None]:
    beside = (columns.reasoning, columns.model, columns.finish)
    return [columns.id, columns.question, *columns.response, *beside]


def _responses(
    row: dict[str, Any], column: str, cfg: ImportConfig, content: str, place: str
) -> Iterator[_Response]:
    """A cell's responses, each with what the row says about it. An empty list is one without."""
    columns = cfg.columns
    asked = _asked(row, columns)
    found = cell(row, column)
    if isinstance(found, Mapping):
        raise DataError(
            f"{place}: '{column}': expected text, a list of texts or a conversation, got an object "
            f"(with: {', '.join(found)}); name what is in it: {column}.KEY under import.columns"
        )
    texts = responses(found) or [None]
    # the other response columns are left out: importing one more leaves these traces the same
    read_by = columns.model_dump(mode="json") | {"response": column}
    beside = [
        _beside(row, name, len(texts), place)
        for name in (columns.reasoning, columns.model, columns.finish)
    ]
    for index, (text, reasoning, model, end) in enumerate(zip(texts, *beside, strict=True)):
        written_by = cfg.model if model is None else str(model)
        identity = [content, read_by, written_by, place.rpartition(":")[2], index]
        yield _Response(
            key=hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24],
            asked=asked,
            text=with_reasoning(text_of(reasoning), text),
            model=written_by,
            finish=_finish(end, columns, place),
        )


def _asked(row: dict[str, Any], columns: ImportColumns) -> tuple[str, str] | None:
    named = MISSING if columns.id is None else cell(row, columns.id)
    if named is not MISSING and named not in (None, ""):
        return ("id", str(named))
    text = None if columns.question is None else question(cell(row, columns.question))
    return None if text is None else ("question", text)


def _beside(row: dict[str, Any], column: str | None, size: int, place: str) -> list[Any]:
    """What a column says about each of a row's responses; None: nothing."""
    value = MISSING if column is None else cell(row, column)
    if value is MISSING or value is None:
        return [None] * size
    if not isinstance(value, (list, tuple)):
        return [value] * size
    if len(value) != size:
        raise DataError(f"{place}: '{column}' has {len(value)} values for {size} responses")
    return list(value)


def _finish(value: Any, columns: ImportColumns, place: str) -> FinishReason:
    if value is None:
        return "stop"
    found = finished(value)
    if found is None:
        raise DataError(
            f"{place}: '{columns.finish}' is {value!r}; expected true or false, stop or length"
        )
    return found


def _trace(response: _Response, problem_id: str, index: int) -> Trace:
    text, model = response.text, response.model
    assert text is not None and model is not None, response.key
    return Trace(
        key=response.key,
        problem_id=problem_id,
        model=model,
        index=index,
        text=text,
        finish_reason=response.finish,
        n_prompt=0,
        n_tokens=len(text.split()),
    )
