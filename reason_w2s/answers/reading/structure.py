"""Answers of several parts: lists, tuples, sets, unions, ratios, matrices, plus-minus."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from reason_w2s.answers.normalize import NEW_ROW, SET_CLOSE, SET_OPEN, key
from reason_w2s.answers.reading.numbers import Number, read_number
from reason_w2s.answers.reading.parts import JOINED, Read, closes, items_of, parts_of, split
from reason_w2s.answers.reading.relations import NAME, assignments, equation, inequality
from reason_w2s.answers.reading.units import exchange
from reason_w2s.answers.reading.values import Atom, Formula, Group, Opaque, Value
from reason_w2s.answers.verdict import MAX_ITEMS

_PAIRS = {"(": ")", "[": "]", SET_OPEN: SET_CLOSE, "{": "}", "\\langle": "\\rangle"}
_DIGITAL = re.compile(r"^\d{1,2}(?::\d\d){1,2}$")
_RATIO = re.compile(r"\s?:\s?|(?<=\d) to (?=\d)")
_SIGNS = re.compile(r"\\(pm|mp)(?![a-zA-Z])\s?")
_PLAIN_PLUS = re.compile(r"^\+|(?<=[({=,])\s?\+")
_TWO_QUANTITIES = re.compile(r"^(\d[^,]*? ?[A-Za-z]{1,10}\.?),?(?:\sand)?\s(\S.*)$", re.DOTALL)
_MATRIX = re.compile(
    r"^([^=(&]{0,60})\(?\s?\\begin\{(matrix|pmatrix|bmatrix|array|smallmatrix)\}"
    r"(?:\{[lcr|]{1,20}\})?(.*)\\end\{\2\}\s?\)?$",
    re.DOTALL,
)
# Some data sets have lost one of the two backslashes between rows.
_LOST_ROW = re.compile(r"\\(?![a-zA-Z])")
_CASES = re.compile(
    r"^(?:⦃|\{)?\s?\\begin\{(cases|array|aligned|align\*?)\}(?:\{[lcr|]{1,9}\})?(.*)"
    r"\\end\{\1\}$",
    re.DOTALL,
)
_WITHOUT = re.compile(
    r"^(?:\\mathbb\{R\}|\(-\\infty,\s?\\infty\))\s?(?:\\setminus|-)\s?(⦃.*⦄)$", re.DOTALL
)
_FRENCH = re.compile(r"^([\[\]])([^\[\]()]*)([\[\]])$")
_SUCH_THAT = re.compile(
    r"^([a-zA-Z])(?:\s?\\in\s?\\mathbb\{R\})?\s?(?::|\\mid|\|)\s?(.*)$", re.DOTALL
)
MAX_SIGNS = 3
"""So many plus-minus signs are spelled out."""


def read_structure(normal: str, read: Read) -> Value | None:
    """What a normalised answer of several parts says, or None where it has one part."""
    for reader in _READERS:
        value = reader(normal, read)
        if value is not None:
            return value
    return None


def _cases(normal: str, read: Read) -> Value | None:
    r"""The lines of `\begin{cases} x=1 \\\\ y=2 \end{cases}` as a list."""
    match = _CASES.match(normal)
    rows = [row.replace("&", " ").strip(" ,") for row in match[2].split(NEW_ROW)] if match else []
    rows = [row for row in rows if row]
    if not rows or not all("=" in row for row in rows) or len(rows) > MAX_ITEMS:
        return None
    return read(", ".join(rows))


def _matrix(normal: str, read: Read) -> Value | None:
    match = _MATRIX.match(normal)
    if match is None or "\\begin" in match[3]:
        return None
    rows = [row for row in _LOST_ROW.sub(NEW_ROW, match[3]).split(NEW_ROW) if row.strip()]
    if sum(row.count("&") + 1 for row in rows) > MAX_ITEMS:
        return None
    cells = [items_of(row.split("&"), read) for row in rows]
    factor = read(match[1]) if match[1].strip() else Number(Fraction(1))
    if match[1].strip():
        cells = [tuple(_scaled(cell, factor) for cell in row) for row in cells]
    return Group("matrix", "", tuple(Group("row", "", row) for row in cells))


def _scaled(cell: Value, factor: Value) -> Value:
    """A cell of a matrix with a number before it."""
    if isinstance(cell, Number) and isinstance(factor, Number):
        return Number(cell.value * factor.value)
    return Opaque(f"{factor} {cell}")


def _without(normal: str, read: Read) -> Value | None:
    r"""`\mathbb{R} \setminus \{0\}` as a union of intervals."""
    match = _WITHOUT.match(normal)
    left_out = read(match[1]) if match else None
    if not isinstance(left_out, Group):
        return None
    numbers = [item for item in left_out.items if isinstance(item, Number)]
    if len(numbers) < len(left_out.items):
        return None
    numbers.sort(key=lambda number: number.value)
    ends: list[Value] = [Atom("-inf"), *numbers, Atom("inf")]
    return Group("\\cup", "", tuple(Group("(", ")", pair) for pair in pairwise(ends)))


def _union(normal: str, read: Read) -> Value | None:
    parts = split(normal, "\\cup")
    return Group("\\cup", "", items_of(parts, read)) if len(parts) > 1 else None


def _signs(normal: str, read: Read) -> Value | None:
    r"""`1 \pm \sqrt{2}` as its two values; with `\mp` among the signs they turn together."""
    count = len(_SIGNS.findall(normal))
    if not 0 < count <= MAX_SIGNS or len(parts_of(normal)) > 1:
        return None
    together = count == 1 or "\\mp" in normal
    choices = (0, 2**count - 1) if together else range(2**count)
    texts = [_spell(normal, bits, together) for bits in choices]
    values = tuple(dict.fromkeys(read(text) for text in texts))
    return Group("", "", values)


def _spell(normal: str, bits: int, together: bool) -> str:
    position = iter(range(MAX_SIGNS))

    def sign(match: re.Match[str]) -> str:
        minus = bool(bits >> next(position) & 1)
        return "-" if minus != (together and match[1] == "mp") else "+"

    return _PLAIN_PLUS.sub("", _SIGNS.sub(sign, normal))


def _list(normal: str, read: Read) -> Value | None:
    parts = parts_of(normal)
    if len(parts) < 2:
        return None
    found = [match[1] for match in map(NAME.match, parts) if match]
    if len(found) > len(set(found)) and len(found) == len(parts) and len(set(found)) > 1:
        return _solutions(normal, found, read)
    return Group("", "", _flat(items_of(parts, read)))


def _solutions(normal: str, found: list[str], read: Read) -> Value | None:
    """`p=5, q=2 and p=7, q=2`: two pairs, where every one names the same."""
    width = len(set(found))
    parts = [part for half in split(JOINED.sub(";", normal), ";") for part in parts_of(half)]
    groups = [parts[at : at + width] for at in range(0, len(parts), width)]
    if len(parts) % width or any(set(found[:width]) != set(found[at : at + width])
                                 for at in range(0, len(found), width)):  # fmt: skip
        return Opaque(key(normal))
    return Group("", "", tuple(read(", ".join(group)) for group in groups))


def _flat(items: tuple[Value, ...]) -> tuple[Value, ...]:
    """Items without the bare lists among them (`\\pm 1, 2` is three numbers)."""
    flat: list[Value] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Group) and item.left == "" else [item])
    return tuple(flat)


def _compound(normal: str, read: Read) -> Value | None:
    """`5 feet 3 inches`, `2 dollars and fifty cents`: one quantity in two units, in the first."""
    match = _TWO_QUANTITIES.match(normal)
    first, second = (read_number(match[1]), read_number(match[2])) if match else (None, None)
    if first is None or second is None or not first.unit or not second.unit:
        return None
    worth = exchange(second.unit, first.unit)
    if first.percent or not worth or worth >= 1:
        return None
    return Number(first.value + second.value * worth, first.unit)


def _ratio(normal: str, read: Read) -> Value | None:
    parts = _RATIO.split(normal)
    if not 1 < len(parts) <= MAX_ITEMS:
        return None
    items = items_of(parts, read)
    if any(getattr(item, "unit", "") or not isinstance(item, Number | Formula) for item in items):
        return None
    return Group(":", "clock" if _DIGITAL.match(normal) else "", items)


def _bracketed(normal: str, read: Read) -> Value | None:
    french = _FRENCH.match(normal)
    if french and (french[1], french[3]) != ("[", "]"):
        normal = f"{'(' if french[1] == ']' else '['}{french[2]}{')' if french[3] == '[' else ']'}"
    left = "\\langle" if normal.startswith("\\langle") else normal[:1]
    if left == "]" or left not in _PAIRS or closes(normal) != len(normal) - 1:
        return None
    right = normal[-1]
    inner = normal[len(left) : -1].removesuffix("\\rangl").strip()
    if left == SET_OPEN and (match := _SUCH_THAT.match(inner)):
        return read(match[2])
    parts = parts_of(inner)
    if len(parts) == 1 and left in "([{":
        return read(inner) if _PAIRS[left] == right and inner else None
    if inner.startswith("$") and (price := read_number(inner)):
        return price
    if left == "{":
        left, right = SET_OPEN, SET_CLOSE
    items = items_of(parts, read)
    return Group(left, right, _flat(items) if left == SET_OPEN else items)


_READERS = (
    assignments,
    inequality,
    _cases,
    _matrix,
    _without,
    _union,
    _signs,
    _bracketed,
    _compound,
    _list,
    equation,
    _ratio,
)
