r"""A normal form for formulas: quotients of polynomials with exact coefficients.

What a polynomial is made of (its *generators*): variables, `pi`, `e`, `i`, primes under a root
(`\sqrt{12}` is 2 times the prime 3 to the power 1/2), and whatever cannot be taken apart, as
`sin(x)` or `2^(n)`. Exponents are fractions. Roots of distinct primes are independent over the
rationals (Besicovitch, 1940), so two forms of plain generators are equal only if they are the
same function; where both sides are defined, that is: `x^2/x` is `x`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from reason_w2s.answers.algebra import rational
from reason_w2s.answers.algebra.expression import (
    CONSTANTS,
    Call,
    Name,
    Node,
    Num,
    Power,
    Product,
    Sum,
    Undefined,
    Unreadable,
)
from reason_w2s.answers.algebra.polynomials import (
    MINUS,
    ONE,
    UNIT,
    ZERO,
    Monomial,
    Poly,
    content,
    inverse,
    joined,
    leads_negative,
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
_HALF = Fraction(1, 2)


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


def normal_form(node: Node) -> Form:
    """The normal form of a tree.

    Raises:
        Unreadable: it divides by zero, holds an infinity, or passes a cap.
    """
    match node:
        case Num(value):
            return _number(value)
        case Name("inf"):
            raise Undefined("infinity in a formula")
        case Name(name):
            return Form({((name, ONE),): ONE}, UNIT)
        case Sum(terms):
            return _sum(normal_form(term) for term in terms)
        case Product(factors):
            return _product(normal_form(factor) for factor in factors)
        case Power(base, exponent):
            return _power(normal_form(base), normal_form(exponent))
        case Call():
            return _call(node)


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


def _number(value: Fraction) -> Form:
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
            return _number(ratio)
    if scale == 1:
        return Form(top, bottom)
    return Form(scaled(top, 1 / scale), scaled(bottom, 1 / scale))


def _sum(forms: Iterable[Form]) -> Form:
    total = Form({}, UNIT)
    for form in forms:
        if form.bottom == total.bottom:
            total = _form(plus(total.top, form.top), total.bottom)
        else:
            top = plus(times(total.top, form.bottom), times(form.top, total.bottom))
            total = _form(top, times(total.bottom, form.bottom))
    return total


def _product(forms: Iterable[Form]) -> Form:
    total = Form(UNIT, UNIT)
    for form in forms:
        if form.top == total.bottom:
            total = _form(total.top, form.bottom)
        elif form.bottom == total.top and form.bottom != UNIT:
            total = _form(form.top, total.bottom)
        else:
            total = _form(times(total.top, form.top), times(total.bottom, form.bottom))
    return total


def _power(base: Form, exponent: Form) -> Form:
    value = exponent.constant()
    if value is None:
        return _symbolic_power(base, exponent)
    if value.denominator == 1:
        return _whole_power(base, int(value))
    top = _root(base.top, value)
    return top if base.bottom == UNIT else _product([top, _root(base.bottom, -value)])


def _whole_power(base: Form, exponent: int) -> Form:
    if exponent < 0:
        return _whole_power(_form(base.bottom, base.top), -exponent)
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
        return _product([number, Form({((f"({text_of(rest)})", exponent),): ONE}, UNIT)])
    ((mono, sign),) = rest.items()
    if any(not _splits(name, part, exponent) for name, part in mono) or (sign < 0 and mono):
        number = _number_root(common, exponent)
        return _product([number, Form({((f"({text_of(rest)})", exponent),): ONE}, UNIT)])
    factor, raised = joined((), tuple((name, part * exponent) for name, part in mono))
    return _product([_number_root(common * sign, exponent), Form({raised: factor}, UNIT)])


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
        return _product([_negative_root(exponent), _number_root(-value, exponent)])
    powers: dict[str, Fraction] = {}
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        for prime, power in primes(number):
            powers[f"#{prime}"] = powers.get(f"#{prime}", ZERO) + exponent * power * sign
    factor, mono = joined((), tuple(powers.items()))
    return Form({mono: factor}, UNIT)


def _negative_root(exponent: Fraction) -> Form:
    if exponent.denominator % 2:
        return _number(MINUS if exponent.numerator % 2 else ONE)
    if exponent.denominator == 2:
        factor, mono = joined((), (("i", Fraction(exponent.numerator % 4)),))
        return Form({mono: factor}, UNIT)
    raise Unreadable("a root that is not real")


def _symbolic_power(base: Form, exponent: Form) -> Form:
    """`2^{n+1}` as `2 * 2^(n)`: every term of the exponent is a generator of its own."""
    if exponent.bottom != UNIT or base.bottom != UNIT or len(base.top) != 1:
        name = f"({_key(base)})^({_key(exponent)})"
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
    return _product(parts)


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


_SINES: dict[Fraction, Node] = {
    Fraction(0): Num(ZERO),
    Fraction(1, 6): Num(_HALF),
    Fraction(1, 4): Power(Num(_HALF), Num(_HALF)),
    Fraction(1, 3): Product((Num(_HALF), Power(Num(Fraction(3)), Num(_HALF)))),
    Fraction(1, 2): Num(ONE),
}
_OF_SINES = {"sec": ("cos", -1), "csc": ("sin", -1)}


def _call(node: Call) -> Form:
    function = node.function
    forms = [normal_form(argument) for argument in node.arguments]
    if function in ("sin", "cos"):
        return _sine(function, forms[0])
    if function in _OF_SINES:
        return _whole_power(_sine(_OF_SINES[function][0], forms[0]), -1)
    if function in ("tan", "cot"):
        over, under = ("sin", "cos") if function == "tan" else ("cos", "sin")
        return _product([_sine(over, forms[0]), _whole_power(_sine(under, forms[0]), -1)])
    if function in ("ln", "log"):
        return _logarithm(function, forms)
    if function == "abs":
        return _absolute(forms[0])
    return _counted(function, forms)


def _sine(function: str, argument: Form) -> Form:
    turn = _of_pi(argument)
    if turn is not None:
        turn = turn if function == "sin" else turn + _HALF
        exact = _exact_sine(turn % 2)
        if exact is not None:
            return exact
    sign = ONE
    if leads_negative(argument.top):
        argument = Form(scaled(argument.top, MINUS), argument.bottom)
        sign = MINUS if function == "sin" else ONE
    return Form({((f"{function}({_key(argument)})", ONE),): sign}, UNIT)


def _of_pi(form: Form) -> Fraction | None:
    """`q` of an argument `q * pi`."""
    if not form.top:
        return ZERO
    if form.bottom != UNIT or form.top.keys() != {(("pi", ONE),)}:
        return None
    return next(iter(form.top.values()))


def _exact_sine(turn: Fraction) -> Form | None:
    """`sin(turn * pi)` for 0 <= turn < 2, where it is one of the well-known values."""
    sign = ONE if turn <= 1 else MINUS
    turn = turn % 1
    turn = min(turn, 1 - turn)
    if turn not in _SINES:
        return None
    value = normal_form(_SINES[turn])
    return Form(scaled(value.top, sign), UNIT)


def _logarithm(function: str, forms: list[Form]) -> Form:
    if len(forms) == 2:
        over, under = _logarithm("ln", forms[1:]), _logarithm("ln", forms[:1])
        return _product([over, _whole_power(under, -1)])
    (argument,) = forms
    if argument.bottom != UNIT or len(argument.top) != 1:
        return Form({((f"{function}({_key(argument)})", ONE),): ONE}, UNIT)
    ((mono, value),) = argument.top.items()
    if value <= 0 or any(name[0] != "#" and name != "e" for name, _ in mono):
        return Form({((f"{function}({_key(argument)})", ONE),): ONE}, UNIT)
    terms: Poly = {}
    for name, exponent in mono:
        of_e = name == "e" and function == "ln"
        terms = plus(terms, {() if of_e else _log_of(function, name): exponent})
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        for prime, power in primes(number):
            terms = plus(terms, {_log_of(function, f"#{prime}"): Fraction(power * sign)})
    return Form(terms, UNIT)


def _log_of(function: str, name: str) -> Monomial:
    return ((f"{function}({name})", ONE),)


def _absolute(form: Form) -> Form:
    value = form.constant()
    if value is not None:
        return _number(abs(value))
    common = content(form.top)
    top = scaled(form.top, 1 / (-common if leads_negative(form.top) else common))
    key = _key(Form(top, form.bottom))
    return Form({((f"abs({key})", ONE),): common}, UNIT)


def _counted(function: str, forms: list[Form]) -> Form:
    """Functions of whole numbers where the arguments are known; else a generator."""
    values = [form.constant() for form in forms]
    if all(value is not None for value in values):
        known = [Num(value) for value in values if value is not None]
        if function in ("floor", "ceil", "factorial", "binom"):
            return _number(rational.value(Call(function, tuple(known))))
    if function == "binom" and values[1] is not None and values[1].denominator == 1:
        k = int(values[1])
        if 0 <= k <= 6:
            steps = [_sum([forms[0], _number(Fraction(-step))]) for step in range(k)]
            return _product([*steps, _number(Fraction(1, math.factorial(k)))])
    keys = ";".join(_key(form) for form in forms)
    return Form({((f"{function}({keys})", ONE),): ONE}, UNIT)


def _key(form: Form) -> str:
    return text_of(form.top) + ("" if form.bottom == UNIT else f"|{text_of(form.bottom)}")
