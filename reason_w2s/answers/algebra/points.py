"""A formula's value at a few points, in floats: two that differ there by far are different."""

from __future__ import annotations

import cmath
import math
import random
from collections.abc import Callable, Iterator

from reason_w2s.answers.algebra.expression import (
    Call,
    Name,
    Node,
    Num,
    Power,
    Product,
    Sum,
    Unreadable,
)

Float = float | complex

CLOSE = 1e-9
"""Relative to the largest intermediate value; floats keep about 1e-16, the rest is for rounding."""
MAX_POINTS = 24
ENOUGH = 4
"""So many points where both sides are defined and agree are taken for agreement."""

_CONSTANTS: dict[str, Float] = {"pi": math.pi, "e": math.e, "i": 1j}


def differ(left: Node, right: Node, variables: set[str]) -> bool | None:
    """Whether two trees have clearly different values at some point where both are real.

    None where too few points could be computed. With `i` among the constants values may be complex.
    """
    agreeing = 0
    for point in _points(sorted(variables)):
        first, second = value_at(left, point), value_at(right, point)
        if first is None or second is None:
            if not variables:
                return None
            continue
        scale = max(first[1], second[1])
        if abs(first[0] - second[0]) > CLOSE * scale:
            return True
        agreeing += 1
        if agreeing == ENOUGH or not variables:
            return False
    return False if agreeing else None


def value_at(node: Node, point: dict[str, float]) -> tuple[Float, float] | None:
    """The value of a tree and the largest value met on the way; None where it is undefined."""
    walk = _Walk(point)
    try:
        value = walk.value(node)
    except (ArithmeticError, ValueError, Unreadable):
        return None
    if isinstance(value, complex) and not walk.complex:
        if abs(value.imag) > CLOSE * walk.scale:
            return None
        value = value.real
    return (value, walk.scale) if math.isfinite(abs(value)) else None


def _points(variables: list[str]) -> Iterator[dict[str, float]]:
    """The same points in every run: both signs, later ones larger, the last ones whole numbers."""
    draw = random.Random(20)
    for index in range(MAX_POINTS if variables else 1):
        if index >= MAX_POINTS - 6:
            yield {name: float(draw.randint(2, 7)) for name in variables}
        else:
            low, high = (0.2, 2.9) if index % 3 != 2 else (-2.9, -0.2)
            spread = 1 + index / 6
            yield {name: draw.uniform(low, high) * spread for name in variables}


class _Walk:
    """One evaluation. `scale`: the largest absolute value so far; `complex`: whether `i` occurs."""

    def __init__(self, point: dict[str, float]) -> None:
        self.point = point
        self.scale = 1e-30
        self.complex = False

    def value(self, node: Node) -> Float:
        result = self._value(node)
        size = abs(result)
        self.scale = max(self.scale, size)
        return result

    def _value(self, node: Node) -> Float:
        match node:
            case Num(number):
                return number.numerator / number.denominator
            case Name(name):
                return self.name(name)
            case Sum(terms):
                return sum(self.value(term) for term in terms)
            case Product(factors):
                return _prod(self.value(factor) for factor in factors)
            case Power(base, exponent):
                return self.power(self.value(base), self.value(exponent), exponent)
            case Call(function, arguments):
                return _FUNCTIONS[function](*(self.value(one) for one in arguments))

    def name(self, name: str) -> Float:
        if name == "i":
            self.complex = True
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name not in self.point:
            raise Unreadable("infinity")
        return self.point[name]

    def power(self, base: Float, exponent: Float, written: Node) -> Float:
        odd = isinstance(written, Num) and written.value.denominator % 2
        if odd and isinstance(written, Num) and not isinstance(base, complex) and base < 0:
            size: float = abs(base) ** abs(exponent)
            size = size if written.value >= 0 else 1 / size
            return -size if written.value.numerator % 2 else size
        result: Float = base**exponent
        return result


def _real(value: Float) -> float:
    if isinstance(value, complex):
        if value.imag:
            raise ValueError("not real")
        return value.real
    return float(value)


def _between(value: Float) -> float:
    """A real value that rounding cannot carry over a whole number."""
    number = _real(value)
    if abs(number - round(number)) < CLOSE * max(1.0, abs(number)):
        raise ValueError("too close to a whole number")
    return number


def _prod(values: Iterator[Float]) -> Float:
    """`math.prod` that takes complex numbers."""
    total: Float = 1.0
    for value in values:
        total *= value
    return total


def _log(first: Float, of: Float | None = None) -> Float:
    """The natural logarithm, or that of `of` to the base `first`."""
    if of is not None:
        return _log(of) / _log(first)
    value = first
    return math.log(value) if not isinstance(value, complex) and value > 0 else cmath.log(value)


def _binomial(n: Float, k: Float) -> Float:
    top, under = _real(n), _real(k)
    return math.gamma(top + 1) / math.gamma(under + 1) / math.gamma(top - under + 1)


_FUNCTIONS: dict[str, Callable[..., Float]] = {
    "sin": cmath.sin,
    "cos": cmath.cos,
    "tan": cmath.tan,
    "cot": lambda value: 1 / cmath.tan(value),
    "sec": lambda value: 1 / cmath.cos(value),
    "csc": lambda value: 1 / cmath.sin(value),
    "arcsin": cmath.asin,
    "arccos": cmath.acos,
    "arctan": cmath.atan,
    "sinh": cmath.sinh,
    "cosh": cmath.cosh,
    "tanh": cmath.tanh,
    "ln": _log,
    "log": _log,
    "abs": abs,
    "floor": lambda value: float(math.floor(_between(value))),
    "ceil": lambda value: float(math.ceil(_between(value))),
    "factorial": lambda value: math.gamma(_real(value) + 1),
    "binom": _binomial,
}
