"""Whether two groups of values mean the same, given what makes two of their items the same."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from reason_w2s.answers.intervals import pieces
from reason_w2s.answers.reading.numbers import Number
from reason_w2s.answers.reading.values import Atom, Formula, Group, Opaque, Value, Words

Same = Callable[[Value, Value], bool | None]

_UNORDERED = frozenset({"", "⦃"})
_TUPLES = frozenset({"(", "\\langle"})
_WHOLE_LINE = Group("(", ")", (Atom("-inf"), Atom("inf")))


def same_groups(same: Same, left: Group, right: Group) -> bool | None:
    """Compare two groups as what their brackets make them; None where that is not clear."""
    kinds = {left.left, right.left}
    for mark, compare in _MARKED.items():
        if mark in kinds:
            return compare(same, left, right)
    if kinds <= _UNORDERED:
        return _unordered(same, left, right, repeats="⦃" not in kinds)
    if kinds == _TUPLES:
        return _ordered(same, left, right)
    if kinds & (_UNORDERED | {"\\langle"}) and len(kinds) > 1:
        # A bare list and a tuple can be the same pair; so can they differ in meaning.
        return False if _unordered(same, left, right, repeats=True) is False else None
    brackets = (left.left, left.right) == (right.left, right.right)
    return _ordered(same, left, right) if brackets else False


def same_single(same: Same, single: Value, group: Group) -> bool | None:
    """Compare a group with what is no group: a list of one value said twice, a ratio with 2/3."""
    if isinstance(single, Words) or any(isinstance(item, Opaque | Words) for item in group.items):
        return None
    if group.left == ":":
        return _ratio_and_number(single, group)
    if isinstance(single, Atom):
        return group == _WHOLE_LINE if single.name == "reals" else None
    if group.left == "\\cup":
        return False if isinstance(single, Number | Formula) else None
    if group.left == "" and len(_distinct(same, group)) == 1:
        # `34 hours, 2,040 minutes` says one thing in two ways; `25, 25` may be two things
        said = len(set(group.items)) > 1 and any(same(single, item) for item in group.items)
        return True if said else None
    return None if group.left == "matrix" else False


def _ratios(same: Same, left: Group, right: Group) -> bool | None:
    """Proportional ratios are one; two that may be times of day must be the same."""
    if left.left != right.left:
        return None
    equal = _ordered(same, left, right)
    first, second = _numbers(left), _numbers(right)
    if equal is not False or len(left.items) != len(right.items):
        return equal
    if len(first) + len(second) < 2 * len(left.items) or not all(first + second):
        return None
    if len({one / other for one, other in zip(first, second, strict=True)}) > 1:
        return False
    return None if "clock" in (left.right, right.right) else True


def _ratio_and_number(single: Value, group: Group) -> bool | None:
    values = _numbers(group)
    if not isinstance(single, Number) or len(values) != 2:
        return None
    if group.right == "clock" or not values[1]:
        return True if values == [single.value, 0] else None
    return single.value == values[0] / values[1]


def _numbers(group: Group) -> list[Fraction]:
    return [item.value for item in group.items if isinstance(item, Number)]


def _matrices(same: Same, left: Group, right: Group) -> bool | None:
    if left.left == right.left:
        return _ordered(same, left, right)
    matrix, other = (left, right) if left.left == "matrix" else (right, left)
    rows = tuple(item for item in other.items if isinstance(item, Group) and item.left in "([")
    if other.left not in "([" or len(rows) < len(other.items) or matrix.left != "matrix":
        return None
    turned = tuple(Group("row", "", row.items) for row in rows)
    return _ordered(same, matrix, Group("matrix", "", turned))


def _unions(same: Same, left: Group, right: Group) -> bool | None:
    first, second = pieces(left), pieces(right)
    if first is not None and second is not None:
        return first == second
    if left.left != right.left and "" not in (left.left, right.left):
        return None
    equal = _unordered(same, left, right, repeats=False)
    return None if equal is False and len(left.items) != len(right.items) else equal


def _named(same: Same, left: Group, right: Group) -> bool | None:
    """Values with names: by name where both have them, else in order of names or as written."""
    if left.left == right.left:
        if sorted(left.right.split(",")) != sorted(right.right.split(",")):
            return None if _unordered(same, left, right, repeats=True) else False
        return _ordered(same, _by_name(left), _by_name(right))
    group, other = (left, right) if left.left == "named" else (right, left)
    if other.left != "":
        return _ordered(same, _by_name(group), other) if other.left in _TUPLES else None
    results = [_ordered(same, one, other) for one in (_by_name(group), group)]
    return True if True in results else None if None in results else False


def _by_name(group: Group) -> Group:
    pairs = zip(group.right.split(","), group.items, strict=False)
    return Group("named", "", tuple(item for _, item in sorted(pairs, key=lambda pair: pair[0])))


def _ordered(same: Same, left: Group, right: Group) -> bool | None:
    if len(left.items) != len(right.items):
        opaque = any(isinstance(item, Opaque) for item in left.items + right.items)
        return None if opaque else False
    results = [same(one, other) for one, other in zip(left.items, right.items, strict=True)]
    return False if False in results else None if None in results else True


def _unordered(same: Same, left: Group, right: Group, repeats: bool) -> bool | None:
    """As sets; with `repeats` a value said twice, as a root may be, leaves it undecided."""
    first, second = _distinct(same, left), _distinct(same, right)
    table = [[same(one, other) for other in second] for one in first]
    lines = [*table, *zip(*table, strict=True)]
    if any(all(cell is False for cell in line) for line in lines):
        return False
    if len(first) != len(second) or not _matched(table):
        return None if any(None in line for line in lines) else False
    # roots are told apart by how often they are said; points and pairs are not
    points = any(isinstance(item, Group) for item in first + second)
    repeated = len(left.items) != len(right.items) and not points
    return None if repeats and repeated else True


def _distinct(same: Same, group: Group) -> list[Value]:
    kept: list[Value] = []
    for item in group.items:
        if not any(same(item, other) for other in kept):
            kept.append(item)
    return kept


def _matched(table: list[list[bool | None]]) -> bool:
    """Whether each row has a true column of its own; the first free one does, as equality is
    transitive."""
    taken: set[int] = set()
    for row in table:
        free = next((at for at, cell in enumerate(row) if cell and at not in taken), None)
        if free is None:
            return False
        taken.add(free)
    return True


_MARKED: dict[str, Callable[[Same, Group, Group], bool | None]] = {
    ":": _ratios,
    "matrix": _matrices,
    "row": _matrices,
    "\\cup": _unions,
    "named": _named,
}
