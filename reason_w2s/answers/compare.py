"""Whether two values mean the same: exact numbers, then structure, then formulas.

Symmetric in its two sides. `same` gives True, False, or None where that was not decided.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from reason_w2s.answers.algebra.expression import (
    DEGREE,
    Node,
    Num,
    Product,
    Sum,
    Unreadable,
    negative,
)
from reason_w2s.answers.algebra.forms import proportional
from reason_w2s.answers.algebra.formula import Outcome, same_formula
from reason_w2s.answers.algebra.normal import normal_form
from reason_w2s.answers.groups import same_groups, same_single
from reason_w2s.answers.reading.numbers import Based, Number
from reason_w2s.answers.reading.units import exchange, unit_of
from reason_w2s.answers.reading.values import (
    Atom,
    Choice,
    Clock,
    Equation,
    Formula,
    Group,
    Opaque,
    Relation,
    Value,
    Words,
)
from reason_w2s.answers.workers.pool import SYMBOLIC_SECONDS, waited_s

# Phrases that can mean the same though their letters differ.
_NOTHING = ("none", "no solution", "no solutions", "undefined", "does not exist", "dne", "null")
_COUNTING = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|half|dozen|twice)"
)
_UNIT_LETTER = re.compile(r"^(-?\d{1,60}(?:\.\d{1,60})?)([a-zA-Z])$", re.ASCII)


@dataclass
class Comparison:
    """One comparison of two answers, or of an answer with each of its golds.

    `rel_tol`: numbers this close, relative to the larger, are the same; 0 is exact. `trouble` says
    why the symbolic layer could not answer, where that was so: timeout, memory, crashed.
    """

    rel_tol: float = 0.0
    trouble: Outcome | None = None
    spent_s: float = 0.0

    def same(self, left: Value, right: Value) -> bool | None:
        """Whether two values are the same."""
        if left == right:
            return True
        if _rank(left) > _rank(right):
            left, right = right, left
        pair = _PAIRS.get((type(left), type(right)))
        if pair is not None:
            return pair(self, left, right)
        return _MIXED.get((type(left), type(right)))

    def _numbers(self, left: Number, right: Number) -> bool | None:
        if left.percent != right.percent:
            return self._percent(*((left, right) if left.percent else (right, left)))
        worth = exchange(left.unit, right.unit)
        if worth == 0:
            return False
        if self._close(left.value * (worth or 1), right.value):
            return None if worth is None else True
        return None if worth is None and left.unit != right.unit else False

    def _percent(self, percent: Number, plain: Number) -> bool | None:
        """`50%` is 0.5; and 50 where a whole percentage was asked for, but 0.5% is not 0.5."""
        if plain.unit:
            return False if percent.value != plain.value else None
        if self._close(percent.value / 100, plain.value):
            return True
        if not self._close(percent.value, plain.value):
            return False
        return True if abs(plain.value) > 1 else None

    def _close(self, left: Fraction, right: Fraction) -> bool:
        if left == right or not self.rel_tol:
            return left == right
        return abs(left - right) <= Fraction(self.rel_tol) * max(abs(left), abs(right))

    def _formulas(self, left: Formula, right: Formula) -> bool | None:
        worth = exchange(left.unit, right.unit)
        if worth == 0:
            return False
        node = left.node if worth in (None, 1) else Product((left.node, Num(worth or Fraction(1))))
        text = left.text if worth in (None, 1) else f"({left.text})*({worth})"
        same = self._same_formula(text, node, right)
        return None if worth is None and same else same

    def _number_and_formula(self, number: Number, formula: Formula) -> bool | None:
        if _attached(formula.text) == number.value:
            return None
        worth = exchange(number.unit, formula.unit)
        if worth is None or worth == 0:
            return None if worth is None else False
        value = number.value * worth
        nodes: list[tuple[str, Node]] = [(f"({value})", Num(value))]
        if number.percent:
            nodes.append((f"({number.value})/100", Num(number.value / 100)))
        if number.unit == "degree" and not formula.unit:
            nodes.append((f"({number.value})°", Product((Num(number.value), DEGREE))))
        found = [self._same_formula(text, node, formula) for text, node in nodes]
        return True if True in found else None if None in found else False

    def _same_formula(self, text: str, node: Node, formula: Formula) -> bool | None:
        """Once one is not answered in time, or all took that long, no more go to a worker."""
        start = time.monotonic() - waited_s()
        outcome = same_formula(
            text, node, formula.text, formula.node, self.rel_tol, symbolic=self.trouble is None
        )
        self.spent_s += time.monotonic() - waited_s() - start
        if outcome in ("timeout", "memory", "crashed"):
            self.trouble = outcome
        elif self.spent_s > SYMBOLIC_SECONDS:
            self.trouble = self.trouble or "timeout"
        return {"same": True, "different": False}.get(outcome)

    def _clock_and_group(self, clock: Clock, group: Group) -> bool | None:
        if group.left == "":
            return same_single(self.same, clock, group)
        if group.left != ":" or group.right != "clock":
            return None
        parts = [int(item.value) for item in group.items if isinstance(item, Number)]
        hour, minute, second = [*parts, 0][:3]
        return hour in (clock.hour, clock.hour % 12 or 12) and (minute, second) == (
            clock.minute, clock.second)  # fmt: skip

    def _number_and_clock(self, number: Number, clock: Clock) -> bool:
        """`2` is `2:00 p.m.` where a time was asked for."""
        hours = (clock.hour, clock.hour % 12 or 12)
        return number.value in hours and not (clock.minute or clock.second)

    def _equations(self, left: Equation, right: Equation) -> bool | None:
        if left.value is not None and right.value is not None and left.name == right.name:
            return self.same(left.value, right.value)
        try:
            forms = [normal_form(_difference(one)) for one in (left, right)]
        except Unreadable:
            return None
        if proportional(*forms) is not None:
            return True
        degrees = {max((sum(part for _, part in mono) for mono in form.top), default=0)
                   for form in forms}  # fmt: skip
        return False if len(degrees) == 1 else None

    def _with_equation(self, one: Value, other: Value) -> bool | None:
        equation, single = (one, other) if isinstance(one, Equation) else (other, one)
        assert isinstance(equation, Equation)
        return None if equation.value is None else self.same(equation.value, single)

    def _relations(self, left: Relation, right: Relation) -> bool | None:
        if left.sign != right.sign:
            return False
        try:
            forms = [normal_form(one.difference.node) for one in (left, right)]
        except Unreadable:
            return None
        ratio = proportional(*forms)
        if ratio is None:
            return None
        return ratio > 0 or left.sign == "\\ne"

    def _words(self, left: Words, right: Words) -> bool | None:
        first, second = (text.replace("-", " ").split() for text in (left.text, right.text))
        plain = [" ".join(words).rstrip("s") for words in (first, second)]
        if first == second:
            return True
        if plain[0] in plain[1] or plain[1] in plain[0] or sorted(plain[0]) == sorted(plain[1]):
            return None
        return None if left.text in _NOTHING or right.text in _NOTHING else False

    def _number_and_words(self, number: Number, words: Words) -> bool | None:
        """Words without a digit or a counting word are no number."""
        return None if _COUNTING.search(words.text) else False

    def _atom_and_words(self, atom: Atom, words: Words) -> bool | None:
        nothing = atom.name == "empty" and words.text in ("none", "nothing", "null", "empty set")
        return True if nothing else None

    def _bases(self, left: Based, right: Based) -> bool | None:
        return False if left.value != right.value else None

    def _number_and_base(self, number: Number, based: Based) -> bool | None:
        """204 may be meant in base 5 or not, so may 54."""
        if number.unit or number.percent or number.value.denominator != 1:
            return False
        said = str(number.value) == based.digits, number.value == based.value
        return all(said) or (None if any(said) else False)

    def _choices(self, left: Choice, right: Choice) -> bool | None:
        return left.letter == right.letter


def _rank(value: Value) -> int:
    return _ORDER.index(type(value))


def _attached(text: str) -> Fraction | None:
    """The number of `5g` or `20m`, where the letter may be a unit or a variable."""
    match = _UNIT_LETTER.match(text)
    return Fraction(match[1]) if match and unit_of(match[2]) else None


def _difference(equation: Equation) -> Node:
    if equation.left is None or equation.right is None:
        raise Unreadable("a side that is no formula")
    return Sum((equation.left.node, negative(equation.right.node)))


def _groups(comparison: Comparison, left: Group, right: Group) -> bool | None:
    return same_groups(comparison.same, left, right)


def _with_group(comparison: Comparison, single: Value, group: Group) -> bool | None:
    return same_single(comparison.same, single, group)


_ORDER: list[type] = [
    Number, Formula, Based, Atom, Words, Clock, Choice, Relation, Equation, Group, Opaque,
]  # fmt: skip
_MIXED: dict[tuple[type, type], bool] = {
    (Number, Atom): False,
    (Atom, Atom): False,
    (Clock, Clock): False,
    (Formula, Atom): False,
}
_PAIRS: dict[tuple[type, type], Callable[..., bool | None]] = {
    (Number, Number): Comparison._numbers,
    (Number, Formula): Comparison._number_and_formula,
    (Number, Based): Comparison._number_and_base,
    (Number, Words): Comparison._number_and_words,
    (Atom, Words): Comparison._atom_and_words,
    (Formula, Formula): Comparison._formulas,
    (Based, Based): Comparison._bases,
    (Words, Words): Comparison._words,
    (Choice, Choice): Comparison._choices,
    (Relation, Relation): Comparison._relations,
    (Equation, Equation): Comparison._equations,
    (Number, Clock): Comparison._number_and_clock,
    (Number, Equation): Comparison._with_equation,
    (Formula, Equation): Comparison._with_equation,
    (Equation, Group): Comparison._with_equation,
    (Clock, Group): Comparison._clock_and_group,
    (Group, Group): _groups,
    (Number, Group): _with_group,
    (Formula, Group): _with_group,
    (Words, Group): _with_group,
    (Atom, Group): _with_group,
    (Based, Group): _with_group,
}
