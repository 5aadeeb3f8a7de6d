"""Equations, assignments and inequalities."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from reason_w2s.answers.algebra.expression import Call, Node, Num, Sum, Unreadable, names, negative
from reason_w2s.answers.algebra.forms import linear
from reason_w2s.answers.algebra.normal import normal_form
from reason_w2s.answers.algebra.points import differ
from reason_w2s.answers.reading.numbers import Number
from reason_w2s.answers.reading.parts import Read, closes, formula_of, items_of, parts_of, split
from reason_w2s.answers.reading.values import Atom, Equation, Formula, Group, Relation, Value

SUBSCRIPT = r"(?:_\{?\w{1,6}\}?)?"
_NAMES = (
    r"[a-zA-Z]'{0,2}",
    r"\\(?!pi\b)[a-z]{2,8}",
    r"[A-Z]{2,4}",
    r"(?:[A-Za-z][a-z']*\s){0,4}[A-Za-z][a-z]{2,20}",
    r"m?\s?\\angle\s?[A-Z]{1,3}",
    r"\\overline\{[A-Z]{2}\}",
    r"\|[A-Z]{2}\|",
    r"\[[A-Z]{3,4}\]",
    r"P\([^()]{1,30}\)",
    r"\\frac\{d[a-z]?\}\{d[a-z]\}",
    r"[a-z]\^\{-1\}",
    r"\\(?:vec|overrightarrow)\{[a-zA-Z]{1,2}\}",
)
_NAMED = re.compile(
    rf"^\(?(?:{'|'.join(_NAMES)}){SUBSCRIPT}"
    rf"(?:\([a-zA-Z](?:,\s?[a-z])*\)|(?:[,:]\s?[a-zA-Z]{SUBSCRIPT}){{1,5}}\)?)?\s?"
    r"(?:=|\\in(?![a-zA-Z])|\\approx|\\equiv)\s?"
)
NAME = re.compile(r"^([a-zA-Z]" + SUBSCRIPT + r")\s?=\s?(?=[^=])")
_RELATION = re.compile(r"\s?(<|>|\\le(?![a-z])|\\ge(?![a-z])|\\ne(?![a-z]))\s?")
_MIRRORED = {"<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le", "\\ne": "\\ne"}
_VARIABLE = re.compile(r"^(?:[a-zA-Z]" + SUBSCRIPT + r"|\\[a-z]{2,8})$")
_WITHIN = re.compile(r"^\|([^|]+)\|$")
MAX_SIDES = 6
"""Of a chain `a = b = c`."""


def assignments(normal: str, read: Read) -> Value | None:
    """`x = 5` as 5, `(x, y) = (1, 2)` as the pair, `y=2, x=1` as values with their names."""
    match = _NAMED.match(normal)
    if match is None or (normal[0] in "([" and closes(normal) == len(normal) - 1):
        return None
    parts = parts_of(normal)
    found = [NAME.match(part) for part in parts]
    if len(parts) > 1 and all(found):
        pairs = [(m[1], part[m.end() :]) for m, part in zip(found, parts, strict=True) if m]
        if len(dict(pairs)) == len(pairs):
            return Group(
                "named", ",".join(dict(pairs)), items_of([rest for _, rest in pairs], read)
            )
    rest = normal[match.end() :].strip()
    if not rest or any(found[1:]) or "=" in rest:
        return None
    value = read(rest)
    if isinstance(value, Formula) and names(value.node) and "=" in match[0]:
        name = normal[: match.end()].rstrip(" =").strip()
        return Equation(formula_of(name), value, name, value)
    return value


def equation(normal: str, read: Read) -> Value | None:
    """`2x + y = 6` as an equation; `x = 2 + 3 = 5` as its last value, where the others agree."""
    sides = [side.strip() for side in split(normal, "=")]
    if not 2 <= len(sides) <= MAX_SIDES or not all(sides):
        return None
    if len(sides) > 2 and _NAMED.match(sides[0] + "="):
        sides = sides[1:]
    values = [read(side) for side in sides]
    if all(isinstance(value, Number) for value in values):
        same = len({value.value for value in values if isinstance(value, Number)}) == 1
        return values[-1] if same else None
    if _all_one(values):
        return values[-1]
    if len(sides) != 2:
        return None
    left, right = (value if isinstance(value, Formula) else formula_of(side)
                   for side, value in zip(sides, values, strict=True))  # fmt: skip
    if left is None or right is None or not (names(left.node) | names(right.node)):
        return None
    # `\sin A = 3/5` states the sine
    said = values[1] if isinstance(left.node, Call) and not names(right.node) else None
    return Equation(left, right, left.text if said else "", said)


def _all_one(values: list[Value]) -> bool:
    """Whether a chain of constants (`\\arcsin 1 = \\pi/2`) is true, as far as floats show."""
    nodes = [
        Num(value.value) if isinstance(value, Number) else value.node
        for value in values
        if isinstance(value, Number | Formula) and not value.unit
    ]
    if len(nodes) < len(values) or any(names(node) for node in nodes):
        return False
    return all(differ(node, nodes[-1], set()) is False for node in nodes[:-1])


def inequality(normal: str, read: Read) -> Value | None:
    r"""`0 < x \le 1`, `x > 2`, `-x > 1` and `|x| < 3` as intervals, `x + y > 2` as a relation."""
    parts = [part.strip() for part in _RELATION.split(normal)]
    if len(parts) not in (3, 5) or not all(parts):
        return None
    within = _WITHIN.match(parts[0]) if len(parts) == 3 else None
    if within and parts[1] in (">", "\\ge"):
        return _outside(within[1], parts[1], parts[2], read)
    if within and parts[1] in ("<", "\\le"):
        parts = [f"-({parts[2]})", parts[1], within[1], parts[1], parts[2]]
    parts = _solved(parts)
    return _one_sided(parts, read) if len(parts) == 3 else _two_sided(parts, read)


def _outside(inner: str, sign: str, bound: str, read: Read) -> Value | None:
    """`|x| > 2` as two half-lines."""
    ends = read(f"{inner} {_MIRRORED[sign]} -({bound})"), read(f"{inner} {sign} {bound}")
    both = all(isinstance(end, Group) and end.left in "([" for end in ends)
    return Group("\\cup", "", ends) if both else None


def _one_sided(parts: list[str], read: Read) -> Value | None:
    left, sign, right = parts
    if _VARIABLE.match(left):
        left, sign, right = right, _MIRRORED[sign], left
    if _VARIABLE.match(right):
        return _half_line(read(left), sign)
    return _relation(parts)


def _two_sided(parts: list[str], read: Read) -> Value | None:
    if not _VARIABLE.match(parts[2]):
        return None
    if parts[1] in (">", "\\ge"):
        parts = [_MIRRORED.get(part, part) for part in reversed(parts)]
    if not {parts[1], parts[3]} <= {"<", "\\le"}:
        return None
    bounds = read(parts[0]), read(parts[4])
    return Group("(" if parts[1] == "<" else "[", ")" if parts[3] == "<" else "]", bounds)


def _half_line(bound: Value, sign: str) -> Value:
    """`bound sign x` as an interval."""
    below, above = Group("(", ")", (Atom("-inf"), bound)), Group("(", ")", (bound, Atom("inf")))
    if sign == "\\ne":
        return Group("\\cup", "", (below, above))
    if sign in ("<", "\\le"):
        return above if sign == "<" else replace(above, left="[")
    return below if sign == ">" else replace(below, right="]")


def _solved(parts: list[str]) -> list[str]:
    """The parts of an inequality with its variable alone, where that takes one rational step."""
    two_sided = len(parts) == 5
    if any(_VARIABLE.match(part) for part in (parts[2:3] if two_sided else parts[::2])):
        return parts
    texts = parts[2:3] if two_sided else [parts[0], f"-({parts[2]})"]
    step = _step(texts)
    if step is None:
        return parts
    name, slope, offset = step
    signs = [sign if slope > 0 else _MIRRORED[sign] for sign in parts[1::2]]
    bounds = parts[::4] if two_sided else ["0"]
    moved = [f"({bound} - ({offset})) / ({slope})" for bound in bounds]
    return [moved[0], signs[0], name, signs[1], moved[1]] if two_sided else [name, *signs, *moved]


def _step(texts: list[str]) -> tuple[str, Fraction, Fraction] | None:
    """`(x, a, b)` where the sum of the texts is `a x + b`."""
    terms = [formula.node for formula in map(formula_of, texts) if formula is not None]
    try:
        solved = linear(normal_form(Sum(tuple(terms)))) if len(terms) == len(texts) else None
    except Unreadable:
        return None
    offset = solved[2].constant() if solved else None
    return None if solved is None or offset is None else (solved[0], solved[1], offset)


def _relation(parts: list[str]) -> Value | None:
    left, sign, right = parts
    if sign in (">", "\\ge"):
        left, sign, right = right, _MIRRORED[sign], left
    sides = formula_of(left), formula_of(right)
    if sides[0] is None or sides[1] is None:
        return None
    node: Node = Sum((sides[0].node, negative(sides[1].node)))
    if not names(node):
        return None
    return Relation(sign, Formula(f"{sides[0].text}-({sides[1].text})", node))
