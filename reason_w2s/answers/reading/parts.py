"""Cutting an answer into its parts, outside all brackets, and reading each."""

from __future__ import annotations

import re
from collections.abc import Callable

from reason_w2s.answers.algebra.expression import Unreadable
from reason_w2s.answers.algebra.parser import parse
from reason_w2s.answers.normalize import SET_CLOSE, SET_OPEN
from reason_w2s.answers.reading.values import Formula, Opaque, Value
from reason_w2s.answers.verdict import MAX_ITEMS

Read = Callable[[str], Value]
"""Reads a part of an answer."""

JOINED = re.compile(r",?\s(?:and|or)\s", re.IGNORECASE)
_OPENING, _CLOSING = "([{" + SET_OPEN, ")]}" + SET_CLOSE
_LOST_THOUSANDS = re.compile(r"^0\d\d$")


def closes(text: str) -> int:
    """Where the bracket that opens `text` closes, brackets of any kind (half-open intervals)."""
    if text.startswith("\\langle"):
        return len(text) - 1 if text.endswith("\\rangle") else -1
    depth = 0
    for index, char in enumerate(text):
        depth += (char in _OPENING) - (char in _CLOSING)
        if depth == 0:
            return index
    return -1


def parts_of(text: str) -> list[str]:
    """The items of a list: split at `;`, else at commas, `and`, `or`, outside all brackets."""
    parts = split(text, ";")
    if len(parts) == 1:
        parts = split(JOINED.sub(", ", text), ",")
    return [part for part in (part.strip() for part in parts) if part] or [text]


def split(text: str, separator: str) -> list[str]:
    """The text between separators that stand outside all brackets."""
    if separator not in text:
        return [text]
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char in _OPENING) - (char in _CLOSING)
        if depth == 0 and text.startswith(separator, index):
            parts.append(text[start:index].strip())
            start = index + len(separator)
    return [*parts, text[start:].strip()]


def items_of(parts: list[str], read: Read) -> tuple[Value, ...]:
    """The values of the items of a list."""
    # `(1,000,2,000)` may be two numbers or four: nothing in it is read.
    if len(parts) > MAX_ITEMS or any(_LOST_THOUSANDS.match(part) for part in parts):
        return (Opaque(",".join(parts)),)
    return tuple(read(part) for part in parts)


def formula_of(text: str) -> Formula | None:
    """The formula a text is, or None."""
    try:
        return Formula(text, parse(text))
    except Unreadable:
        return None
