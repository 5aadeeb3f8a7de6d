"""Whether two formulas are the same function, by values of hundreds of digits.

Runs in a worker that may be killed (`pool.symbolic`). Trees become mpmath numbers by construction:
no text reaches it. mpmath alone loads in a tenth of the time that sympy takes.

Both sides are computed at rational points, each time with growing precision until the gap between
them either stays what it is, then they differ for certain, or vanishes with the precision. **A gap
that vanishes at every point is taken for equality**: no proof, but no two short formulas are known
to agree so far and differ, and the precision starts beyond all digits written in them.

Variables are real, roots of odd degree of a negative number too; sides are compared where both are
real, and as complex values where `i` occurs or where nothing is real. `log` without a base may be
of any base: decided only where base 10 and base e decide alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import mp

from reason_w2s.answers.algebra.expression import (
    Call,
    Name,
    Node,
    Num,
    Power,
    Product,
    Sum,
    Unreadable,
    names,
)
from reason_w2s.answers.algebra.parser import parse

# Digits to start with, beside those that the formulas themselves hold, and how often they double.
DIGITS = 60
MAX_WRITTEN_DIGITS = 2_000
DOUBLINGS = 4
# So many points are tried, so many must agree.
POINTS = 40
ENOUGH_POINTS = 6
FEWEST_POINTS = 3
# Nothing above 2^(2^MAX_LOG2_LOG2), or as far below 1, is computed.
MAX_LOG2_LOG2 = 4_096
_SPARE_BITS = 40

Value = Any  # an mpf or mpc; mpmath has no types
_NOT_COMPUTED = (ArithmeticError, ValueError, TypeError, Unreadable, mp.NoConvergence)


def answer(request: list[str] | None) -> str:
    """The service of a worker: `same`, `different` or `unknown` for two normalised formulas."""
    return said(same, request or ["x + 1", "x"])


def said(decide: Callable[[Node, Node], bool | None], request: list[str]) -> str:
    """What `decide` makes of two formulas, in a word that survives a pipe."""
    try:
        decided = decide(*map(parse, request))
    except (Unreadable, RecursionError):
        decided = None
    return {True: "same", False: "different", None: "unknown"}[decided]


def same(left: Node, right: Node) -> bool | None:
    """Whether two trees have the same values wherever both are defined; None where unknown."""
    if not (_has_bare_log(left) or _has_bare_log(right)):
        return _agree(left, right, log_base=0)
    either = {_agree(left, right, log_base=base) for base in (10, 0)}
    return either.pop() if len(either) == 1 else None


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Sum(parts) | Product(parts) | Call(_, parts):
            return parts
        case Power(base, exponent):
            return (base, exponent)
        case _:
            return ()


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _has_bare_log(tree: Node) -> bool:
    calls = (one for one in _nodes(tree) if isinstance(one, Call))
    return any(one.function == "log" and len(one.arguments) == 1 for one in calls)


def _agree(left: Node, right: Node, log_base: int) -> bool | None:
    nodes = [*_nodes(left), *_nodes(right)]
    digits = DIGITS + min(sum(map(_written_digits, nodes)), MAX_WRITTEN_DIGITS)
    imaginary = Name("i") in nodes
    variables = sorted(names(left) | names(right))
    for real in (False,) if imaginary else (True, False):
        walks = (_Pair(left, right, point, real, log_base) for point in _points(variables))
        decided = _count((walk.agree(digits) for walk in walks), bool(variables))
        if decided is not None:
            return decided
    return None


def _count(agreements: Iterator[bool | None], variable: bool) -> bool | None:
    agreed = 0
    for agrees in agreements:
        if agrees is False:
            return False
        agreed += agrees is True
        if agreed >= (ENOUGH_POINTS if variable else 1):
            return True
    return True if agreed >= FEWEST_POINTS else None


def _points(variables: list[str]) -> Iterator[dict[str, Fraction]]:
    """The same points in every run: between 0 and 1, above, negative, and whole numbers."""
    draw = random.Random(7)
    for index in range(POINTS if variables else 1):
        if index % 4 == 3:
            yield {name: Fraction(draw.randint(2, 9)) for name in variables}
        else:
            low, high = ((1, 100), (101, 499), (-400, -1))[index % 4]
            yield {name: Fraction(draw.randint(low, high), 101) for name in variables}


def _written_digits(node: Node) -> int:
    match node:
        case Num(value):
            return len(str(value.numerator)) + len(str(value.denominator))
        case Power(Num(base), Num(exponent)):
            return int(min(abs(exponent), Fraction(MAX_WRITTEN_DIGITS))) * len(str(base.numerator))
        case _:
            return 0


class _Pair:
    """Two trees at one point. `real`: whether only real values are compared."""

    def __init__(
        self, left: Node, right: Node, point: dict[str, Fraction], real: bool, log_base: int
    ) -> None:
        self.sides = (left, right)
        self.point, self.real, self.log_base = point, real, log_base
        self.absorbed = False

    def agree(self, digits: int) -> bool | None:
        """Whether the values agree; None where they cannot be computed or that stays unclear."""
        before = self._gap(digits)
        for _ in range(DOUBLINGS):
            if before is None:
                return None
            after = self._gap(2 * digits)
            if after is None:
                return None
            if after <= before * mpmath.mpf(10) ** (-digits // 2):
                if not self.absorbed:
                    return True
            elif abs(after - before) * 100 <= after:
                return False
            before, digits = after, 2 * digits
        return None

    def _gap(self, digits: int) -> Value | None:
        self.absorbed = False
        with mp.workdps(digits):
            try:
                left, right = (self._checked(_value(side, self), digits) for side in self.sides)
                return abs(left - right)
            except _NOT_COMPUTED:
                return None

    def _checked(self, value: Value, digits: int) -> Value:
        if not mp.isfinite(value):
            raise ValueError("not finite")
        if not self.real or not isinstance(value, mpmath.mpc):
            return value
        if abs(value.imag) > abs(value) * mpmath.mpf(10) ** (-digits // 2):
            raise ValueError("not real")
        return value.real


def _value(node: Node, at: _Pair) -> Value:
    result: Any
    match node:
        case Num(value):
            result = _number(value)
        case Name(name):
            constants = {"pi": mp.pi, "e": mp.e, "i": mpmath.mpc(0, 1)}
            result = +constants[name] if name in constants else _number(at.point[name])
        case Sum(terms):
            values = [_value(term, at) for term in terms]
            sizes = [mp.mag(value) for value in values if value]
            # at this precision the sum is the same without its smallest term
            at.absorbed |= bool(sizes) and max(sizes) - min(sizes) > mp.prec - _SPARE_BITS
            result = mp.fsum(values)
        case Product(factors):
            result = mp.fprod(_value(factor, at) for factor in factors)
        case Power(base, exponent):
            result = _power(_value(base, at), _value(exponent, at), exponent)
        case Call("log", (argument,)) if at.log_base:
            result = mp.log(_value(argument, at)) / mp.log(at.log_base)
        case Call("log", (base, argument)):
            result = mp.log(_value(argument, at)) / mp.log(_value(base, at))
        case Call(function, arguments):
            result = _call(function, [_value(one, at) for one in arguments])
    return result


def _number(value: Fraction) -> Value:
    return mpmath.mpf(value.numerator) / value.denominator


def _power(base: Value, exponent: Value, written: Node) -> Value:
    if base == 0 and exponent == 0:
        raise ValueError("zero to the power of zero")
    if base != 0:
        _check_size(exponent * mp.log(abs(base), 2))
    odd = isinstance(written, Num) and written.value.denominator % 2
    if odd and not isinstance(base, mpmath.mpc) and base < 0:
        size = mp.power(-base, exponent)
        return -size if written.value.numerator % 2 else size  # type: ignore[union-attr]
    return mp.power(base, exponent)


def _check_size(log2: Value) -> None:
    if abs(log2) > mpmath.mpf(2) ** MAX_LOG2_LOG2:
        raise OverflowError("too large")


def _call(function: str, values: list[Value]) -> Value:
    if function in _CYCLES:
        _check_size(abs(values[0]))
    return _FUNCTIONS[function](*values)


def _whole(value: Value, up: bool) -> Value:
    if isinstance(value, mpmath.mpc):
        raise ValueError("not real")
    near = mp.nint(value)
    if abs(value - near) <= mpmath.mpf(10) ** (-mp.dps // 2):
        return near
    return mp.ceil(value) if up else mp.floor(value)


def _factorial(value: Value) -> Value:
    if isinstance(value, mpmath.mpc):
        raise ValueError("not real")
    _check_size(value)
    return mp.factorial(value)


# Of a larger number they need as many digits as it has.
_CYCLES = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "exp"})
_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "cot": mp.cot,
    "sec": mp.sec,
    "csc": mp.csc,
    "arcsin": mp.asin,
    "arccos": mp.acos,
    "arctan": mp.atan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "ln": mp.ln,
    "log": mp.ln,
    "exp": mp.exp,
    "abs": abs,
    "floor": lambda value: _whole(value, up=False),
    "ceil": lambda value: _whole(value, up=True),
    "factorial": _factorial,
    "binom": mp.binomial,
}
