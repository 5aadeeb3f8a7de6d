"""Sets of real numbers as sorted pieces that do not touch: `[1,2] \\cup [2,3)` is `[1,3)`."""

from __future__ import annotations

import math
from fractions import Fraction

from reason_w2s.answers.normalize import SET_OPEN
from reason_w2s.answers.reading.numbers import Number
from reason_w2s.answers.reading.values import Atom, Group, Value

Bound = Fraction | float
Piece = tuple[Bound, bool, Bound, bool]
"""Low, whether it belongs to the piece, high, whether it belongs to the piece."""

_INFINITE = {"inf": math.inf, "-inf": -math.inf}


def pieces(value: Value) -> list[Piece] | None:
    """The pieces of a union, interval or set with rational bounds; None for anything else."""
    found = _pieces(value)
    return (
        None
        if found is None
        else _merged(sorted(found, key=lambda piece: (piece[0], not piece[1])))
    )


def _pieces(value: Value) -> list[Piece] | None:
    if value == Atom("reals"):
        return [(-math.inf, False, math.inf, False)]
    if not isinstance(value, Group):
        return None
    if value.left in ("\\cup", ""):
        parts = [_pieces(item) or _point(item) for item in value.items]
        return [one for part in parts if part for one in part] if all(parts) else None
    numbers = [bound for bound in map(_bound, value.items) if bound is not None]
    if len(numbers) < len(value.items):
        return None
    if value.left == SET_OPEN:
        return [(number, True, number, True) for number in numbers]
    interval = value.left in ("(", "[") and len(numbers) == 2
    return [(numbers[0], value.left == "[", numbers[1], value.right == "]")] if interval else None


def _point(value: Value) -> list[Piece] | None:
    bound = _bound(value) if isinstance(value, Number) else None
    return None if bound is None else [(bound, True, bound, True)]


def _bound(value: Value) -> Bound | None:
    if isinstance(value, Atom):
        return _INFINITE.get(value.name)
    plain = isinstance(value, Number) and not value.unit and not value.percent
    return value.value if plain and isinstance(value, Number) else None


def _merged(found: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for low, low_in, high, high_in in found:
        if merged:
            first, first_in, last, last_in = merged[-1]
            if low < last or (low == last and (low_in or last_in)):
                end = max((last, last_in), (high, high_in))
                merged[-1] = (first, first_in, *end)
                continue
        merged.append((low, low_in, high, high_in))
    return merged
