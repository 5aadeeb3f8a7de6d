"""Functions of formulas in normal form: sines, logarithms, absolute values, whole numbers'."""

from __future__ import annotations

import math
from fractions import Fraction

from reason_w2s.answers.algebra import rational
from reason_w2s.answers.algebra.expression import Call, Num
from reason_w2s.answers.algebra.forms import (
    Form,
    added,
    key_of,
    multiplied,
    of_number,
    to_the_power,
    whole_power,
)
from reason_w2s.answers.algebra.polynomials import (
    MINUS,
    ONE,
    UNIT,
    ZERO,
    Monomial,
    Poly,
    content,
    leads_negative,
    plus,
    primes,
    scaled,
)

_HALF = Fraction(1, 2)
_SINES: dict[Fraction, Form] = {
    Fraction(0): of_number(ZERO),
    Fraction(1, 6): of_number(_HALF),
    Fraction(1, 4): to_the_power(of_number(_HALF), of_number(_HALF)),
    Fraction(1, 3): multiplied(
        [of_number(_HALF), to_the_power(of_number(Fraction(3)), of_number(_HALF))]
    ),
    Fraction(1, 2): of_number(ONE),
}
_OF_SINES = {"sec": ("cos", -1), "csc": ("sin", -1)}


def called(function: str, forms: list[Form]) -> Form:
    """A function of arguments in normal form.

    Raises:
        Unreadable: it divides by zero, or passes a cap.
    """
    if function in ("sin", "cos"):
        return _sine(function, forms[0])
    if function in _OF_SINES:
        return whole_power(_sine(_OF_SINES[function][0], forms[0]), -1)
    if function in ("tan", "cot"):
        over, under = ("sin", "cos") if function == "tan" else ("cos", "sin")
        return multiplied([_sine(over, forms[0]), whole_power(_sine(under, forms[0]), -1)])
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
    return Form({((f"{function}({key_of(argument)})", ONE),): sign}, UNIT)


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
    return Form(scaled(_SINES[turn].top, sign), UNIT)


def _logarithm(function: str, forms: list[Form]) -> Form:
    if len(forms) == 2:
        over, under = _logarithm("ln", forms[1:]), _logarithm("ln", forms[:1])
        return multiplied([over, whole_power(under, -1)])
    (argument,) = forms
    if argument.bottom != UNIT or len(argument.top) != 1:
        return Form({((f"{function}({key_of(argument)})", ONE),): ONE}, UNIT)
    ((mono, value),) = argument.top.items()
    if value <= 0 or any(name[0] != "#" and name != "e" for name, _ in mono):
        return Form({((f"{function}({key_of(argument)})", ONE),): ONE}, UNIT)
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
        return of_number(abs(value))
    common = content(form.top)
    top = scaled(form.top, 1 / (-common if leads_negative(form.top) else common))
    key = key_of(Form(top, form.bottom))
    return Form({((f"abs({key})", ONE),): common}, UNIT)


def _counted(function: str, forms: list[Form]) -> Form:
    """Functions of whole numbers where the arguments are known; else a generator."""
    values = [form.constant() for form in forms]
    if all(value is not None for value in values):
        known = [Num(value) for value in values if value is not None]
        if function in ("floor", "ceil", "factorial", "binom"):
            return of_number(rational.value(Call(function, tuple(known))))
    if function == "binom" and values[1] is not None and values[1].denominator == 1:
        k = int(values[1])
        if 0 <= k <= 6:
            steps = [added([forms[0], of_number(Fraction(-step))]) for step in range(k)]
            return multiplied([*steps, of_number(Fraction(1, math.factorial(k)))])
    keys = ";".join(key_of(form) for form in forms)
    return Form({((f"{function}({keys})", ONE),): ONE}, UNIT)
