r"""A normal form for formulas: quotients of polynomials with exact coefficients.

What a polynomial is made of (its *generators*): variables, `pi`, `e`, `i`, primes under a root
(`\sqrt{12}` is 2 times the prime 3 to the power 1/2), and whatever cannot be taken apart, as
`sin(x)` or `2^(n)`. Exponents are fractions. Roots of distinct primes are independent over the
rationals (Besicovitch, 1940), so two forms of plain generators are equal only if they are the
same function; where both sides are defined, that is: `x^2/x` is `x`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from reason_w2s.answers.algebra import rational
from reason_w2s.answers.algebra.expression import (
    CONSTANTS,
    Undefined,
    Unreadable,
)
from reason_w2s.answers.algebra.polynomials import (
    MINUS,
    ONE,
    UNIT,
    ZERO,
    Poly,
    content,
    inverse,
    joined,
    monomial_text,
    plus,
    primes,
    scaled,
    text_of,
    times,
    without_squared_sines,
)

MAX_POWER = 30
"""The highest power of a sum that is multiplied out."""


@dataclass(frozen=True, slots=True)
class Form:
    """`top / bottom`. `bottom` is 1 or has two terms at least."""

    top: Poly
    bottom: Poly

    def constant(self) -> Fraction | None:
        """The rational number this is, or None."""
        if self.bottom != UNIT or len(self.top) > 1:
            return None
        return self.top.get((), None if self.top else ZERO)

    def generators(self) -> set[str]:
        """What it is made of."""
        return {name for poly in (self.top, self.bottom) for mono in poly for name, _ in mono}


def same_form(left: Form, right: Form) -> bool:
    """Whether two forms are the same function."""
    if left.bottom == right.bottom:
        return left.top == right.top
    return times(left.top, right.bottom) == times(right.top, left.bottom)


def proportional(left: Form, right: Form) -> Fraction | None:
    """The constant `c` with `left = c * right`, of the tops alone (the zeros are then the same)."""
    if left.top.keys() != right.top.keys() or not left.top:
        return None
    ratios = {left.top[mono] / right.top[mono] for mono in left.top}
    return ratios.pop() if len(ratios) == 1 else None


def plain(form: Form) -> bool:
    """Whether forms of these generators are equal only if they are the same."""
    return all("(" not in name for name in form.generators())


def linear(form: Form) -> tuple[str, Fraction, Form] | None:
    """`(x, a, b)` of `a x + b` with one variable, `a` rational and `b` constant; else None."""
    variables = {name for name in form.generators() if _is_variable(name)}
    if len(variables) != 1 or form.bottom != UNIT:
        return None
    (name,) = variables
    slope = form.top.get(((name, ONE),))
    rest = {mono: value for mono, value in form.top.items() if mono != ((name, ONE),)}
    if slope is None or any(part == name or "(" in part for mono in rest for part, _ in mono):
        return None
    return name, slope, Form(rest, UNIT)


def _is_variable(name: str) -> bool:
    return name[0] != "#" and "(" not in name and name not in CONSTANTS


def of_number(value: Fraction) -> Form:
    """A rational number."""
    return Form({(): value} if value else {}, UNIT)


def _form(top: Poly, bottom: Poly) -> Form:
    if not bottom:
        raise Undefined("division by zero")
    if not top:
        return Form({}, UNIT)
    if len(bottom) == 1:
        return Form(times(top, inverse(bottom)), UNIT)
    scale = next(iter(bottom.values()))
    if top.keys() == bottom.keys():
        ratio = proportional(Form(top, UNIT), Form(bottom, UNIT))
        if ratio is not None:
            return of_number(ratio)
    if scale == 1:
        return Form(top, bottom)
    return Form(scaled(top, 1 / scale), scaled(bottom, 1 / scale))


def added(forms: Iterable[Form]) -> Form:
    """Their sum."""
    total = Form({}, UNIT)
    for form in forms:
        if form.bottom == total.bottom:
            total = _form(plus(total.top, form.top), total.bottom)
        else:
            top = plus(times(total.top, form.bottom), times(form.top, total.bottom))
            total = _form(top, times(total.bottom, form.bottom))
    return total


def multiplied(forms: Iterable[Form]) -> Form:
    """Their product."""
    total = Form(UNIT, UNIT)
    for form in forms:
        if form.top == total.bottom:
            total = _form(total.top, form.bottom)
        elif form.bottom == total.top and form.bottom != UNIT:
            total = _form(form.top, total.bottom)
        else:
            total = _form(times(total.top, form.top), times(total.bottom, form.bottom))
    return total


def to_the_power(base: Form, exponent: Form) -> Form:
    """`base ** exponent`.

    Raises:
        Unreadable: it divides by zero, is not real, or passes a cap.
    """
    value = exponent.constant()
    if value is None:
        return _symbolic_power(base, exponent)
    if value.denominator == 1:
        return whole_power(base, int(value))
    top = _root(base.top, value)
    return top if base.bottom == UNIT else multiplied([top, _root(base.bottom, -value)])


def whole_power(base: Form, exponent: int) -> Form:
    """`base ** exponent` of a whole exponent; errors as `to_the_power`."""
    if exponent < 0:
        return whole_power(_form(base.bottom, base.top), -exponent)
    if not base.top and exponent == 0:
        raise Undefined("zero to the power of zero")
    if len(base.top) == 1 and base.bottom == UNIT:
        ((mono, value),) = base.top.items()
        factor, raised = joined((), tuple((name, part * exponent) for name, part in mono))
        value = rational.power(value, Fraction(exponent))
        return Form(without_squared_sines({raised: factor * value}), UNIT)
    if exponent > MAX_POWER:
        raise Unreadable("power too large")
    result = Form(UNIT, UNIT)
    for _ in range(exponent):
        result = Form(times(result.top, base.top), times(result.bottom, base.bottom))
    return _form(result.top, result.bottom) if exponent else result


def _root(poly: Poly, exponent: Fraction) -> Form:
    """`poly ** exponent` for an exponent that is not whole."""
    if not poly:
        if exponent < 0:
            raise Undefined("division by zero")
        return Form({}, UNIT)
    common = content(poly)
    rest = scaled(poly, 1 / common)
    if len(poly) > 1:
        number = _number_root(common, exponent)
        return multiplied([number, Form({((f"({text_of(rest)})", exponent),): ONE}, UNIT)])
    ((mono, sign),) = rest.items()
    if any(not _splits(name, part, exponent) for name, part in mono) or (sign < 0 and mono):
        number = _number_root(common, exponent)
        return multiplied([number, Form({((f"({text_of(rest)})", exponent),): ONE}, UNIT)])
    factor, raised = joined((), tuple((name, part * exponent) for name, part in mono))
    return multiplied([_number_root(common * sign, exponent), Form({raised: factor}, UNIT)])


def _splits(name: str, part: Fraction, exponent: Fraction) -> bool:
    """Whether `(name^part)^exponent` is `name^(part * exponent)` wherever it is real."""
    if name[0] == "#" or name in ("pi", "e"):
        return True
    if name == "i" or name.startswith("-1^("):
        return False
    return not (exponent.denominator % 2 == 0 and part.numerator % 2 == 0)


def _number_root(value: Fraction, exponent: Fraction) -> Form:
    """A rational number to a power that is not whole, as a product of roots of primes."""
    if value == 0:
        raise Unreadable("zero in a root")
    if value < 0:
        return multiplied([_negative_root(exponent), _number_root(-value, exponent)])
    powers: dict[str, Fraction] = {}
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        for prime, power in primes(number):
            powers[f"#{prime}"] = powers.get(f"#{prime}", ZERO) + exponent * power * sign
    factor, mono = joined((), tuple(powers.items()))
    return Form({mono: factor}, UNIT)


def _negative_root(exponent: Fraction) -> Form:
    if exponent.denominator % 2:
        return of_number(MINUS if exponent.numerator % 2 else ONE)
    if exponent.denominator == 2:
        factor, mono = joined((), (("i", Fraction(exponent.numerator % 4)),))
        return Form({mono: factor}, UNIT)
    raise Unreadable("a root that is not real")


def _symbolic_power(base: Form, exponent: Form) -> Form:
    """`2^{n+1}` as `2 * 2^(n)`: every term of the exponent is a generator of its own."""
    if exponent.bottom != UNIT or base.bottom != UNIT or len(base.top) != 1:
        name = f"({key_of(base)})^({key_of(exponent)})"
        return Form({((name, ONE),): ONE}, UNIT)
    ((mono, value),) = base.top.items()
    parts = [_base_power(name, part, exponent.top) for name, part in mono]
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        parts += [
            _base_power(f"#{prime}", Fraction(power * sign), exponent.top)
            for prime, power in primes(abs(number))
        ]
    if value < 0:
        parts.append(_sign_power(exponent.top))
    return multiplied(parts)


def _base_power(name: str, part: Fraction, exponent: Poly) -> Form:
    powers = {}
    for mono, value in exponent.items():
        # a prime to an unknown power is a generator of its own
        generator = f"{name.lstrip('#')}^({monomial_text(mono)})" if mono else name
        powers[generator] = value * part
    factor, mono = joined((), tuple(powers.items()))
    return Form({mono: factor}, UNIT)


def _sign_power(exponent: Poly) -> Form:
    if any(value.denominator != 1 for value in exponent.values()):
        raise Unreadable("a root that is not real")
    powers = {f"-1^({monomial_text(mono)})": value for mono, value in exponent.items() if mono}
    sign = MINUS if exponent.get((), ZERO) % 2 else ONE
    factor, mono = joined((), tuple(powers.items()))
    return Form({mono: factor * sign}, UNIT)


def key_of(form: Form) -> str:
    """The text that a form is told apart by inside a generator."""
    return text_of(form.top) + ("" if form.bottom == UNIT else f"|{text_of(form.bottom)}")
