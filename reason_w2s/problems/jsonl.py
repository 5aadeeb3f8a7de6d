"""Problems of one's own: a JSONL or Parquet file (source `jsonl`) or any set of the hub (`hub`).

A row looks like {"id": "7", "question": "...", "answer": "72", "solution": "...", "level": 3}; only
`question` is needed. Other names are given under `columns`. A question may also be a list of chat
messages, {role, content} or ShareGPT's {from, value}: the first user turn is the question. The
`options` of a multiple choice, a list of texts in order, are written under the question.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from string import ascii_uppercase
from typing import Any

from reason_w2s.answers.equal import option_text
from reason_w2s.errors import DataError
from reason_w2s.problems.rows import numbered
from reason_w2s.problems.spec import Columns, ProblemSpec
from reason_w2s.records import Problem

Names = Mapping[str, tuple[str, ...]]

NAMES: Names = {
    "id": ("id",),
    "question": ("question",),
    "gold": ("answer",),
    "solution": ("solution",),
    "options": ("options",),
    "level": ("level",),
    "subject": ("subject",),
}
USERS = ("user", "human")
TYPES = {"id": "text or a number", "gold": "text, a number or a list of them"}


def load(spec: ProblemSpec, seed: int, wanted: int | None) -> Iterator[Problem]:
    """The file's or set's rows, in order.

    Raises:
        DataError: a row without a question, or, where labels are asked for, without an answer.
    """
    needed = {"question": "question"} | ({} if spec.labels == "none" else {"gold": "answer"})
    called = needed | spec.columns.model_dump(exclude_none=True)
    names = ([one] if isinstance(one, str) else one for one in called.values())
    columns = ", ".join(" or ".join(one) for one in names)
    for one in numbered(spec, path=spec.path, names=[spec.name], columns=columns):
        yield problem(one.row, spec.columns, one.place, need_gold=spec.labels != "none")


def problem(
    row: dict[str, Any], columns: Columns, place: str, *, need_gold: bool, names: Names = NAMES
) -> Problem:
    """One row as a problem; what else it holds becomes `meta`, without lists such as generations.

    The question is what a model is asked: with its options, where the row has them apart.

    names: what columns may be called where `columns` does not say.
    """
    called = {role: _name(row, columns, role, names) for role in names}
    found = {role: _under(row, name) for role, name in called.items()}
    question = _question(found["question"])
    if question is None:
        raise DataError(
            f"{place}: no text in '{called['question']}' (the row has: {', '.join(row)}); "
            f"name the column of the question under columns.question"
        )
    _refuse_types(found, called, place)
    gold = _gold(found["gold"])
    if gold is None and need_gold:
        raise DataError(
            f"{place}: '{called['gold']}' is missing or null (the row has: {', '.join(row)}); "
            f"check needs a gold answer: name its column under columns.gold, or say labels: none"
        )
    options = _options(found["options"])
    question = _with_options(question, options or ())
    identity = found["id"]
    known = {*called.values(), *(name for usual in names.values() for name in usual)}
    return Problem(
        id=hashlib.sha256(question.encode()).hexdigest()[:16]
        if identity in (None, "")
        else str(identity),
        question=question,
        gold=gold,
        solution=_text(found["solution"]),
        options=options,
        level=_level(found["level"]),
        subject=_text(found["subject"]),
        meta={
            key: value
            for key, value in row.items()
            if key not in known and not isinstance(value, (list, dict))
        },
    )


def _refuse_types(found: Mapping[str, Any], called: Mapping[str, str], place: str) -> None:
    """An id or answer of another type would be written out as Python spells it, and compared so.

    Raises:
        DataError: with what came.
    """
    for role, expected in TYPES.items():
        value = found[role]
        parts = value if role == "gold" and isinstance(value, (list, tuple)) else [value]
        for one in parts:
            if isinstance(one, (dict, list, tuple)) or (isinstance(one, float) and isnan(one)):
                came = str(value)[:60]
                raise DataError(f"{place}: '{called[role]}': expected {expected}, got {came}")


def _name(row: dict[str, Any], columns: Columns, role: str, names: Names) -> str:
    """What a role's column is called in this row: the first name it has of those said or usual."""
    said: str | tuple[str, ...] | None = getattr(columns, role)
    if isinstance(said, str):
        return said
    called = said or names[role]
    return next((one for one in called if one in row or one.partition(".")[0] in row), called[0])


def _under(row: dict[str, Any], name: str) -> Any:
    """The column of that name, or what its dots lead to; None where nothing is."""
    found: Any = row
    for part in [name] if name in row else name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _question(value: Any) -> str | None:
    """The text itself, or the first user turn of chat messages; None where there is no text."""
    if isinstance(value, (list, tuple)):
        value = next((text for one in value if (text := _user_text(one)) is not None), None)
    return value if isinstance(value, str) and value.strip() else None


def _user_text(turn: Any) -> str | None:
    if not isinstance(turn, dict) or turn.get("role", turn.get("from")) not in USERS:
        return None
    text = turn.get("content", turn.get("value"))
    return text if isinstance(text, str) else None


def _gold(value: Any) -> str | tuple[str, ...] | None:
    if value is None or value in ("", [], ()):
        return None
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _options(value: Any) -> tuple[str, ...] | None:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) and value else None


def _with_options(question: str, options: Sequence[str]) -> str:
    """The question and a line per option, unless it says them, lettered, already."""
    lettered = [
        (letter, option_text(option))
        for letter, option in zip(ascii_uppercase, options, strict=False)
    ]
    if all(re.search(rf"{one}[).:]\s*{re.escape(text)}", question) for one, text in lettered):
        return question
    lines = [f"{letter}) {text}" for letter, text in lettered]
    return "\n".join([question, "Answer choices:", *lines])


def _text(value: Any) -> str | None:
    """The text, or the first of a list of them (OlympiadBench has all solutions of a problem)."""
    if isinstance(value, (list, tuple)):
        value = next(iter(value), None)
    return None if value is None else str(value)


def _level(value: Any) -> int | None:
    """3 from 3, "3" or MATH's "Level 3"; None from anything else."""
    digits = str(value).removeprefix("Level ").strip() if value is not None else ""
    return int(digits) if digits.isdigit() else None
