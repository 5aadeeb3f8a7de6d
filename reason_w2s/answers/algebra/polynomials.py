"""Polynomials with exact coefficients, and exponents that are fractions.

A monomial is its generators (see `forms`) with their exponents, in order of their names; `#3` is
the prime 3, whose whole powers become numbers, as those of `i` do.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

from reason_w2s.answers.algebra import rational
from reason_w2s.answers.algebra.expression import Unreadable

Monomial = tuple[tuple[str, Fraction], ...]
Poly = dict[Monomial, Fraction]

MAX_TERMS = 200
MAX_KEY_CHARS = 2_000
"""What stands inside a function or a root, written out."""
MAX_BITS = 13_000
"""Of a coefficient; Python prints no larger numbers."""
_LARGEST_TRIAL = 1_000
ZERO, ONE, MINUS = Fraction(0), Fraction(1), Fraction(-1)
UNIT: Poly = {(): ONE}


def scaled(poly: Poly, scale: Fraction) -> Poly:
    """A polynomial times a number."""
    return {mono: value * scale for mono, value in poly.items()}


def inverse(poly: Poly) -> Poly:
    """One over a polynomial of one term."""
    ((mono, value),) = poly.items()
    factor, turned = joined((), tuple((name, -exponent) for name, exponent in mono))
    return {turned: factor / value}


def plus(left: Poly, right: Poly) -> Poly:
    """The sum.

    Raises:
        Unreadable: it has too many terms.
    """
    total = dict(left)
    for mono, value in right.items():
        together = total.get(mono, ZERO) + value
        if together:
            total[mono] = together
        else:
            del total[mono]
    if len(total) > MAX_TERMS:
        raise Unreadable("too many terms")
    return total


def times(left: Poly, right: Poly) -> Poly:
    """The product.

    Raises:
        Unreadable: it has too many terms, or a coefficient too large.
    """
    if right == UNIT:
        return left
    if len(left) * len(right) > 4 * MAX_TERMS:
        raise Unreadable("too many terms")
    total: Poly = {}
    for one, first in left.items():
        for other, second in right.items():
            factor, mono = joined(one, other)
            value = total.get(mono, ZERO) + first * second * factor
            if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
                raise Unreadable("a coefficient too large")
            total[mono] = value
    return without_squared_sines({mono: value for mono, value in total.items() if value})


def joined(one: Monomial, other: Monomial) -> tuple[Fraction, Monomial]:
    """The product of two monomials, and the number that whole powers of primes and `i` give."""
    exponents = dict(one)
    for name, exponent in other:
        exponents[name] = exponents.get(name, ZERO) + exponent
    factor, kept = ONE, []
    for name, exponent in exponents.items():
        number, rest = _reduced(name, exponent)
        factor *= number
        if rest:
            kept.append((name, rest))
    kept.sort()
    return factor, tuple(kept)


def _reduced(name: str, exponent: Fraction) -> tuple[Fraction, Fraction]:
    """The number in `name ** exponent`, and the exponent that is left."""
    if name[0] == "#":
        whole = Fraction(exponent.__floor__())
        number = rational.power(Fraction(int(name[1:])), whole) if whole else ONE
        return number, exponent - whole
    if name == "i" and exponent.denominator == 1:
        exponent %= 4
        return (MINUS, exponent - 2) if exponent >= 2 else (ONE, exponent)
    return ONE, exponent % 2 if name.startswith("-1^(") else exponent


def without_squared_sines(poly: Poly) -> Poly:
    """`sin(u)^2` as `1 - cos(u)^2`."""
    for mono, value in poly.items():
        for name, exponent in mono:
            if exponent >= 2 and exponent.denominator == 1 and name.startswith("sin("):
                rest = {mono: value}
                kept = {other: part for other, part in poly.items() if other != mono}
                other = {(): ONE, (("cos" + name[3:], Fraction(2)),): MINUS}
                lowered = times({((name, Fraction(-2)),): ONE}, rest)
                return without_squared_sines(plus(kept, times(lowered, other)))
    return poly


def content(poly: Poly) -> Fraction:
    """The positive rational that all coefficients have in common."""
    top = math.gcd(*(value.numerator for value in poly.values()))
    return Fraction(top, math.lcm(*(value.denominator for value in poly.values())))


def leads_negative(poly: Poly) -> bool:
    """Whether its first term is negative."""
    return bool(poly) and poly[min(poly)] < 0


def text_of(poly: Poly) -> str:
    """A polynomial written out, the same for equal ones.

    Raises:
        Unreadable: that is too long.
    """
    return _capped(
        "+".join(f"{value}*{monomial_text(mono)}" for mono, value in sorted(poly.items()))
    )


def monomial_text(mono: Monomial) -> str:
    """A monomial written out."""
    return _capped("*".join(f"{name}^{exponent}" for name, exponent in mono))


def _capped(text: str) -> str:
    if len(text) > MAX_KEY_CHARS:
        raise Unreadable("too long inside a function")
    return text


@lru_cache(maxsize=4096)
def primes(number: int) -> tuple[tuple[int, int], ...]:
    """The prime factors with their multiplicities.

    Raises:
        Unreadable: it has two prime factors beyond the trial division.
    """
    found, rest, divisor = [], number, 2
    while divisor <= _LARGEST_TRIAL and divisor * divisor <= rest:
        times = 0
        while rest % divisor == 0:
            rest //= divisor
            times += 1
        if times:
            found.append((divisor, times))
        divisor += 1 if divisor == 2 else 2
    if rest > 1:
        root = math.isqrt(rest)
        if root * root == rest and root <= _LARGEST_TRIAL**2:
            found.append((root, 2))
        elif rest <= _LARGEST_TRIAL**2:
            found.append((rest, 1))
        else:
            raise Unreadable("too large to factor")
    return tuple(found)
