"""Closed arithmetic, worked out exactly as a fraction.

Every size is capped before the number is computed, so `9^9^9^9` costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from reason_w2s.answers.algebra.expression import Call, Node, Num, Power, Product, Sum, Unreadable
from reason_w2s.answers.algebra.parser import parse
from reason_w2s.answers.algebra.plain import plain

MAX_EXPONENT = 10_000
MAX_RESULT_DIGITS = 2_000
MAX_FACTORIAL = 200
MAX_ROOT = 10
"""The highest degree of a root that is taken."""

_BITS_PER_DIGIT = 3.3219280948873626


def evaluate(text: str) -> Fraction:
    r"""The exact value of `text`, plain (`2 1/3 + 4*5`) or LaTeX (`\frac{1}{2}`, `3!`, `2^{10}`).

    A percent sign divides by 100. A root is read where it is rational.

    Raises:
        Unreadable: it is something else, is ambiguous (`6/2(3)`), divides by zero, or passes a cap.
    """
    found = plain(text)
    return value(parse(text)) if found is None else found


def value(node: Node) -> Fraction:
    """The exact value of a tree without names.

    Raises:
        Unreadable: it is not rational, divides by zero, or passes a cap.
    """
    match node:
        case Num(number):
            return number
        case Sum(terms):
            return _small(sum((value(term) for term in terms), Fraction(0)))
        case Product(factors):
            return _product(factors)
        case Power(base, exponent):
            return power(value(base), value(exponent))
        case Call(function, arguments) if function in _WHOLE:
            return _WHOLE[function](*(value(argument) for argument in arguments))
        case _:
            raise Unreadable("not rational")


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """`base ** exponent` where that is rational and small enough.

    Raises:
        Unreadable: otherwise.
    """
    if exponent.denominator != 1:
        return power(root(base, exponent.denominator), Fraction(exponent.numerator))
    if abs(exponent) > MAX_EXPONENT or digits(base) * abs(exponent) > MAX_RESULT_DIGITS:
        raise Unreadable("power too large")
    if base == 0 and exponent <= 0:
        raise Unreadable("zero to a power that is not positive")
    return Fraction(base ** int(exponent))


def root(value: Fraction, degree: int) -> Fraction:
    """The rational `degree`-th root; of a negative value the real one, where the degree is odd.

    Raises:
        Unreadable: there is none.
    """
    if value < 0 and degree % 2:
        return -root(-value, degree)
    if value < 0 or not 2 <= degree <= MAX_ROOT or digits(value) > MAX_RESULT_DIGITS:
        raise Unreadable("no rational root")
    top, bottom = (_integer_root(part, degree) for part in value.as_integer_ratio())
    return Fraction(top, bottom)


def factorial(n: Fraction) -> Fraction:
    """`n!`.

    Raises:
        Unreadable: `n` is no small whole number.
    """
    if n.denominator != 1 or not 0 <= n <= MAX_FACTORIAL:
        raise Unreadable("factorial too large")
    return Fraction(math.factorial(int(n)))


def binomial(n: Fraction, k: Fraction) -> Fraction:
    """`n` choose `k`.

    Raises:
        Unreadable: they are no small whole numbers.
    """
    if n.denominator != 1 or k.denominator != 1 or not 0 <= k <= n <= MAX_FACTORIAL:
        raise Unreadable("binomial coefficient too large")
    return Fraction(math.comb(int(n), int(k)))


def digits(value: Fraction) -> float:
    """About how many decimal digits the larger of numerator and denominator has."""
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    return bits / _BITS_PER_DIGIT


def _product(factors: tuple[Node, ...]) -> Fraction:
    total = Fraction(1)
    for factor in factors:
        if isinstance(factor, Power) and factor.exponent == _INVERSE:
            divisor = value(factor.base)
            if divisor == 0:
                raise Unreadable("division by zero")
            total = _small(total / divisor)
        else:
            total = _small(total * value(factor))
    return total


_INVERSE = Num(Fraction(-1))


def _small(number: Fraction) -> Fraction:
    if digits(number) > MAX_RESULT_DIGITS:
        raise Unreadable("result too large")
    return number


def _integer_root(value: int, degree: int) -> int:
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    if low**degree != value:
        raise Unreadable("no rational root")
    return low


_WHOLE: dict[str, Callable[..., Fraction]] = {
    "factorial": factorial,
    "binom": binomial,
    "abs": abs,
    "floor": lambda number: Fraction(math.floor(number)),
    "ceil": lambda number: Fraction(math.ceil(number)),
}
