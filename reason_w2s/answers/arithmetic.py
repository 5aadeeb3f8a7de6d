"""Explicit equations in a text, checked exactly: `48 / 2 = 24`, `2*16 + 2*8 = 32 + 16 = 48`.

Made for precision. An equation counts as wrong only when both sides are closed arithmetic, nothing
around them (a letter, a unit that changes, a word such as "of") can change their meaning, and no
usual rounding explains the difference. Everything else is undecided.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from reason_w2s.answers.reading.units import known_unit
from reason_w2s.answers.sides import (
    Side,
    left_side,
    may_have_sides,
    readable,
    right_side,
    side_value,
    whole_side,
)

MAX_TEXT_CHARS = 400_000
MAX_EQUATIONS = 2_000
NOT_READ = "not read"
NEARLY = "off by less than a hundredth"


class Equation(NamedTuple):
    """One `left = right` of a text; a chain `a = b = c` is two.

    `start` and `end` are character offsets, `text[start:end]` is `text`. `holds` is None where that
    was not decided. `note` says what was allowed for, or why it is undecided: "" where exact.
    """

    start: int
    end: int
    text: str
    holds: bool | None
    note: str = ""


_CALCULATOR = re.compile(r"<<([^<>\n]{1,200})>>")
# What it looks for comes first: patterns that begin with a look behind are tried at every letter.
_EQUALS = re.compile(r"=(?<![=<>!:~\\]=)(?![=>])")
_DECIMALS = re.compile(r"\d*\.(\d+)")
_REST_OF_NUMBER = re.compile(r"(?:(?:,\\!|\{,\}|\\!)?\d+)+")
# A range (`Weeks 1-2 = 96 - 70`), or an operation that the question defines (`4 * 3 = 2(4) + 3`).
_RANGE = re.compile(r"^-?\d+(?:-| ?\* ?)\d+$")
_FIRST = re.compile(r"^[\d,]*\.?\d+")
_FLAT = re.compile(r"([-+*/])|([\d,]*\.?\d+)")
_DIVISIONS = re.compile(r"/\s*[\d.,]+\s*/")
# One unit turned into another: 30 * 2 = 1 hour, 4 * 25 = $1.
_CONVERSIONS = frozenset(
    {2, 3, 4, 5, 7, 10, 12, 14, 16, 20, 24, 25, 28, 30, 31, 36, 52, 60, 100, 168, 365, 1000, 1440}
    | {1760, 2000, 3600, 5280, 10_000, 1_000_000}
)
_WORD = re.compile(r"\s*(?:\\text\{)?\s*([A-Za-z]+)")
_CLOSE = Fraction(1, 100)
_FLOAT = Fraction(1, 10**14)
"""As near as floats are: 8/3 = 2.6666666666666665."""


def equations(text: str) -> list[Equation]:
    """Every explicit equation of a text, in order, each checked exactly.

    A decimal result holds where it is the exact value rounded or truncated to the digits shown
    (0.83 for 5/6). Two bare numbers (`1 hour = 60 minutes`) are no equation, save in a calculator's
    note (`<<12=12>>`).
    """
    if "=" not in text:
        return []
    text = text[:MAX_TEXT_CHARS]
    found: list[Equation] = []
    plain = text
    if "<<" in text:
        for match in _CALCULATOR.finditer(text):
            found.extend(_noted(match[1], match.start(1)))
        plain = _CALCULATOR.sub(lambda match: " " * len(match[0]), text)
    offset = 0
    for line in plain.split("\n"):
        if "=" in line and len(found) < MAX_EQUATIONS and may_have_sides(line):
            found.extend(_line(line, offset, offset + len(line) >= len(plain)))
        offset += len(line) + 1
    found = [_located(equation, text) for equation in found[:MAX_EQUATIONS]]
    return sorted(found, key=lambda equation: equation.start)


def _noted(note: str, offset: int) -> list[Equation]:
    """The equations of a calculator's note: arithmetic and nothing else, so nothing is excused."""
    plain, sides, start = readable(note), [], 0
    for part in note.split("="):
        sides.append(whole_side(plain, start, start + len(part)))
        start += len(part) + 1
    found = []
    for left, right in pairwise(sides):
        if left is not None and right is not None:
            holds, said = _note_holds(left, right)
            found.append(Equation(offset + left.start, offset + right.end, "", holds, said))
    return found


def _note_holds(left: Side, right: Side) -> tuple[bool | None, str]:
    if left.value is None or right.value is None:
        return None, NOT_READ
    if left.value == right.value:
        return True, ""
    shown = _shown(left, right)
    if shown is not None:
        return shown
    return (None, NEARLY) if _nearly(left, right) else (False, "")


def _located(equation: Equation, text: str) -> Equation:
    start = equation.start - text.startswith("\\", equation.start - 1)
    rest = _REST_OF_NUMBER.match(text, equation.end)
    end = rest.end() if rest else equation.end
    return Equation(start, end, text[start:end], equation.holds, equation.note)


def _cut_short(left: Side, right: Side, line: str) -> bool:
    """Whether a text was cut off inside a right result: `40 * 30 = 12`, with `00` to come."""
    shown = right.source.replace(",", "")
    value = left.value or Fraction(0)
    exact = str(int(value)) if abs(value) < 10**50 else ""
    return right.end >= len(line) and shown.isdigit() and exact.startswith(shown)


def _line(line: str, offset: int, last: bool = False) -> list[Equation]:
    plain = readable(line)
    marks = [match.start() for match in _EQUALS.finditer(plain)][:MAX_EQUATIONS]
    found = []
    for index, mark in enumerate(marks):
        low = marks[index - 1] + 1 if index else 0
        high = marks[index + 1] if index + 1 < len(marks) else len(plain)
        left = left_side(plain, low, mark)
        right = None if left is None else right_side(plain, mark + 1, high)
        if left is None or right is None or (left.single and right.single):
            continue
        holds, note = _holds(left, right, plain)
        if holds is False and last and _cut_short(left, right, plain):
            holds, note = None, "the text ends in its result"
        found.append(Equation(offset + left.start, offset + right.end, "", holds, note))
    return found


def _holds(left: Side, right: Side, line: str) -> tuple[bool | None, str]:
    if left.value is None or right.value is None:
        return None, NOT_READ
    if left.value == right.value:
        return True, ""
    if not (left.sure and right.sure):
        return None, NOT_READ
    shown = _shown(left, right)
    if shown is not None:
        return shown
    if left.single and not right.single:
        # A number and then an expression: mostly a label (`Week 2 = 5 + 3`).
        return None, "a number before the equals sign"
    return _difference(left, right, line)


def _shown(left: Side, right: Side) -> tuple[bool | None, str] | None:
    """What percent signs or rounding say of two sides that differ; None where nothing."""
    if "%" in left.source or "%" in right.source:
        return _percent(left, right)
    if _apart(left, right) <= _FLOAT:
        return True, "rounded"
    for exact, shown in ((left, right), (right, left)):
        if shown.single:
            rounded = _rounded(exact.value or Fraction(0), shown)
            if rounded is not None:
                return rounded
    return None


def _rounded(exact: Fraction, shown: Side) -> tuple[bool | None, str] | None:
    decimals = _DECIMALS.search(shown.source)
    places = len(decimals[1]) if decimals else 0
    assert shown.value is not None
    error = abs(exact - shown.value) * 10**places
    if error >= 1:
        return None
    nearest = error <= Fraction(1, 2)
    toward_zero = abs(shown.value) <= abs(exact)
    if decimals and (nearest or toward_zero):
        return True, "rounded" if nearest else "truncated"
    return None, "off by less than one in the last digit shown"


def _percent(left: Side, right: Side) -> tuple[bool | None, str]:
    readings = [
        (_value(left.source, first), _value(right.source, second))
        for first in (True, False)
        for second in (True, False)
    ]
    for one, other in readings:
        if one is not None and other is not None:
            if one == other:
                return True, "percent"
            if right.single and _rounded(one, right) == (True, "rounded"):
                return True, "percent, rounded"
    return None, "percent"


def _value(source: str, keep: bool) -> Fraction | None:
    return side_value(source if keep else source.replace("%", ""))


def _difference(left: Side, right: Side, line: str) -> tuple[bool | None, str]:
    """Both sides are read and differ: wrong, unless rounding or a change of unit explains it."""
    assert left.value is not None and right.value is not None
    first = _FIRST.match(right.source)
    excuses = {
        "may be a range or a definition": _RANGE.match(left.source) and not right.single,
        "one line for two steps": first
        and not right.single
        and _value(first[0], True) == left.value,
        "holds only without precedence": _in_writing_order(left.source) == right.value,
        "two divisions in a row": _DIVISIONS.search(left.source) or _DIVISIONS.search(right.source),
        NEARLY: _nearly(left, right),
        "a unit may have changed": _converts(left.value, right.value)
        and _unit_near(line, right.end),
    }
    excuse = next((note for note, applies in excuses.items() if applies), None)
    return (False, "") if excuse is None else (None, excuse)


def _nearly(left: Side, right: Side) -> bool:
    """Whether two sides that divide or have decimals are less than a hundredth apart."""
    inexact = "." in left.source + right.source or "/" in left.source or "frac" in left.source
    return inexact and _apart(left, right) <= _CLOSE


def _apart(left: Side, right: Side) -> Fraction:
    """The difference as a share of the larger; the sides differ."""
    assert left.value is not None and right.value is not None
    larger = max(abs(left.value), abs(right.value))
    return abs(left.value - right.value) / larger


def _converts(left: Fraction, right: Fraction) -> bool:
    if not left or not right:
        return False
    ratio = abs(left / right)
    return (ratio if ratio >= 1 else 1 / ratio) in _CONVERSIONS


def _in_writing_order(source: str) -> Fraction | None:
    """The value of an expression without brackets, worked out from left to right."""
    parts = _FLAT.findall(source)
    numbers, signs = [part[1] for part in parts[::2]], [part[0] for part in parts[1::2]]
    joined = "".join(sign or number for sign, number in parts)
    if joined != source.replace(" ", "") or not all(numbers) or not all(signs):
        return None
    total = _value(numbers[0], True) if numbers else None
    for sign, number in zip(signs, numbers[1:], strict=False):
        value = _value(number, True)
        if total is None or value is None or (sign == "/" and value == 0):
            return None
        total = {"+": total + value, "-": total - value, "*": total * value}.get(
            sign, total / value if value else None
        )
    return total


def _unit_near(line: str, end: int) -> bool:
    """Whether the result is in a unit that others convert to, or in money."""
    word = _WORD.match(line, end)
    around = line[max(0, end - 120) : end + 20]
    return (word is not None and known_unit(word[1])) or "$" in around
