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
from functools import lru_cache

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

Monomial = tuple[tuple[str, Fraction], ...]
Poly = dict[Monomial, Fraction]

MAX_TERMS = 200
MAX_POWER = 30
"""The highest power of a sum that is multiplied out."""
MAX_KEY_CHARS = 2_000
"""What stands inside a function or a root, written out."""
MAX_BITS = 13_000
"""Of a coefficient; Python prints no larger numbers."""
_LARGEST_TRIAL = 1_000
_ZERO, _ONE = Fraction(0), Fraction(1)
_HALF, _MINUS = Fraction(1, 2), Fraction(-1)


@dataclass(frozen=True, slots=True)
class Form:
    """`top / bottom`. `bottom` is 1 or has two terms at least."""

    top: Poly
    bottom: Poly

    def constant(self) -> Fraction | None:
        """The rational number this is, or None."""
        if self.bottom != _UNIT or len(self.top) > 1:
            return None
        return self.top.get((), None if self.top else _ZERO)

    def generators(self) -> set[str]:
        """What it is made of."""
        return {name for poly in (self.top, self.bottom) for mono in poly for name, _ in mono}


_UNIT: Poly = {(): _ONE}


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
            return Form({((name, _ONE),): _ONE}, _UNIT)
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
    return _times(left.top, right.bottom) == _times(right.top, left.bottom)


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
    if len(variables) != 1 or form.bottom != _UNIT:
        return None
    (name,) = variables
    slope = form.top.get(((name, _ONE),))
    rest = {mono: value for mono, value in form.top.items() if mono != ((name, _ONE),)}
    if slope is None or any(part == name or "(" in part for mono in rest for part, _ in mono):
        return None
    return name, slope, Form(rest, _UNIT)


def divide(form: Form, value: Fraction) -> Form:
    """`form / value` for a value other than zero."""
    return Form({mono: part / value for mono, part in form.top.items()}, form.bottom)


def _is_variable(name: str) -> bool:
    return name[0] != "#" and "(" not in name and name not in CONSTANTS


def _number(value: Fraction) -> Form:
    return Form({(): value} if value else {}, _UNIT)


def _form(top: Poly, bottom: Poly) -> Form:
    if not bottom:
        raise Undefined("division by zero")
    if not top:
        return Form({}, _UNIT)
    if len(bottom) == 1:
        return Form(_times(top, _inverse(bottom)), _UNIT)
    scale = next(iter(bottom.values()))
    if top.keys() == bottom.keys():
        ratio = proportional(Form(top, _UNIT), Form(bottom, _UNIT))
        if ratio is not None:
            return _number(ratio)
    if scale == 1:
        return Form(top, bottom)
    return Form(_scaled(top, 1 / scale), _scaled(bottom, 1 / scale))


def _scaled(poly: Poly, scale: Fraction) -> Poly:
    return {mono: value * scale for mono, value in poly.items()}


def _inverse(poly: Poly) -> Poly:
    ((mono, value),) = poly.items()
    factor, turned = _joined((), tuple((name, -exponent) for name, exponent in mono))
    return {turned: factor / value}


def _sum(forms: Iterable[Form]) -> Form:
    total = Form({}, _UNIT)
    for form in forms:
        if form.bottom == total.bottom:
            total = _form(_plus(total.top, form.top), total.bottom)
        else:
            top = _plus(_times(total.top, form.bottom), _times(form.top, total.bottom))
            total = _form(top, _times(total.bottom, form.bottom))
    return total


def _product(forms: Iterable[Form]) -> Form:
    total = Form(_UNIT, _UNIT)
    for form in forms:
        if form.top == total.bottom:
            total = _form(total.top, form.bottom)
        elif form.bottom == total.top and form.bottom != _UNIT:
            total = _form(form.top, total.bottom)
        else:
            total = _form(_times(total.top, form.top), _times(total.bottom, form.bottom))
    return total


def _plus(left: Poly, right: Poly) -> Poly:
    total = dict(left)
    for mono, value in right.items():
        together = total.get(mono, _ZERO) + value
        if together:
            total[mono] = together
        else:
            del total[mono]
    if len(total) > MAX_TERMS:
        raise Unreadable("too many terms")
    return total


def _times(left: Poly, right: Poly) -> Poly:
    if right == _UNIT:
        return left
    if len(left) * len(right) > 4 * MAX_TERMS:
        raise Unreadable("too many terms")
    total: Poly = {}
    for one, first in left.items():
        for other, second in right.items():
            factor, mono = _joined(one, other)
            value = total.get(mono, _ZERO) + first * second * factor
            if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
                raise Unreadable("a coefficient too large")
            total[mono] = value
    return _without_squared_sines({mono: value for mono, value in total.items() if value})


def _joined(one: Monomial, other: Monomial) -> tuple[Fraction, Monomial]:
    """The product of two monomials, and the number that whole powers of primes and `i` give."""
    exponents = dict(one)
    for name, exponent in other:
        exponents[name] = exponents.get(name, _ZERO) + exponent
    factor, kept = _ONE, []
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
        number = rational.power(Fraction(int(name[1:])), whole) if whole else _ONE
        return number, exponent - whole
    if name == "i" and exponent.denominator == 1:
        exponent %= 4
        return (_MINUS, exponent - 2) if exponent >= 2 else (_ONE, exponent)
    return _ONE, exponent % 2 if name.startswith("-1^(") else exponent


def _without_squared_sines(poly: Poly) -> Poly:
    """`sin(u)^2` as `1 - cos(u)^2`."""
    for mono, value in poly.items():
        for name, exponent in mono:
            if exponent >= 2 and exponent.denominator == 1 and name.startswith("sin("):
                rest = {mono: value}
                kept = {other: part for other, part in poly.items() if other != mono}
                other = {(): _ONE, (("cos" + name[3:], Fraction(2)),): _MINUS}
                lowered = _times({((name, Fraction(-2)),): _ONE}, rest)
                return _without_squared_sines(_plus(kept, _times(lowered, other)))
    return poly


def _power(base: Form, exponent: Form) -> Form:
    value = exponent.constant()
    if value is None:
        return _symbolic_power(base, exponent)
    if value.denominator == 1:
        return _whole_power(base, int(value))
    top = _root(base.top, value)
    return top if base.bottom == _UNIT else _product([top, _root(base.bottom, -value)])


def _whole_power(base: Form, exponent: int) -> Form:
    if exponent < 0:
        return _whole_power(_form(base.bottom, base.top), -exponent)
    if not base.top and exponent == 0:
        raise Undefined("zero to the power of zero")
    if len(base.top) == 1 and base.bottom == _UNIT:
        ((mono, value),) = base.top.items()
        factor, raised = _joined((), tuple((name, part * exponent) for name, part in mono))
        value = rational.power(value, Fraction(exponent))
        return Form(_without_squared_sines({raised: factor * value}), _UNIT)
    if exponent > MAX_POWER:
        raise Unreadable("power too large")
    result = Form(_UNIT, _UNIT)
    for _ in range(exponent):
        result = Form(_times(result.top, base.top), _times(result.bottom, base.bottom))
    return _form(result.top, result.bottom) if exponent else result


def _root(poly: Poly, exponent: Fraction) -> Form:
    """`poly ** exponent` for an exponent that is not whole."""
    if not poly:
        if exponent < 0:
            raise Undefined("division by zero")
        return Form({}, _UNIT)
    content = _content(poly)
    rest = _scaled(poly, 1 / content)
    if len(poly) > 1:
        number = _number_root(content, exponent)
        return _product([number, Form({((f"({_text(rest)})", exponent),): _ONE}, _UNIT)])
    ((mono, sign),) = rest.items()
    if any(not _splits(name, part, exponent) for name, part in mono) or (sign < 0 and mono):
        number = _number_root(content, exponent)
        return _product([number, Form({((f"({_text(rest)})", exponent),): _ONE}, _UNIT)])
    factor, raised = _joined((), tuple((name, part * exponent) for name, part in mono))
    return _product([_number_root(content * sign, exponent), Form({raised: factor}, _UNIT)])


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
        for prime, times in _primes(number):
            powers[f"#{prime}"] = powers.get(f"#{prime}", _ZERO) + exponent * times * sign
    factor, mono = _joined((), tuple(powers.items()))
    return Form({mono: factor}, _UNIT)


def _negative_root(exponent: Fraction) -> Form:
    if exponent.denominator % 2:
        return _number(_MINUS if exponent.numerator % 2 else _ONE)
    if exponent.denominator == 2:
        factor, mono = _joined((), (("i", Fraction(exponent.numerator % 4)),))
        return Form({mono: factor}, _UNIT)
    raise Unreadable("a root that is not real")


@lru_cache(maxsize=4096)
def _primes(number: int) -> tuple[tuple[int, int], ...]:
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


def _content(poly: Poly) -> Fraction:
    """The positive rational that all coefficients have in common."""
    top = math.gcd(*(value.numerator for value in poly.values()))
    return Fraction(top, math.lcm(*(value.denominator for value in poly.values())))


def _symbolic_power(base: Form, exponent: Form) -> Form:
    """`2^{n+1}` as `2 * 2^(n)`: every term of the exponent is a generator of its own."""
    if exponent.bottom != _UNIT or base.bottom != _UNIT or len(base.top) != 1:
        name = f"({_key(base)})^({_key(exponent)})"
        return Form({((name, _ONE),): _ONE}, _UNIT)
    ((mono, value),) = base.top.items()
    parts = [_base_power(name, part, exponent.top) for name, part in mono]
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        parts += [
            _base_power(f"#{prime}", Fraction(times * sign), exponent.top)
            for prime, times in _primes(abs(number))
        ]
    if value < 0:
        parts.append(_sign_power(exponent.top))
    return _product(parts)


def _base_power(name: str, part: Fraction, exponent: Poly) -> Form:
    powers = {}
    for mono, value in exponent.items():
        # a prime to an unknown power is a generator of its own
        generator = f"{name.lstrip('#')}^({_mono_text(mono)})" if mono else name
        powers[generator] = value * part
    factor, mono = _joined((), tuple(powers.items()))
    return Form({mono: factor}, _UNIT)


def _sign_power(exponent: Poly) -> Form:
    if any(value.denominator != 1 for value in exponent.values()):
        raise Unreadable("a root that is not real")
    powers = {f"-1^({_mono_text(mono)})": value for mono, value in exponent.items() if mono}
    sign = _MINUS if exponent.get((), _ZERO) % 2 else _ONE
    factor, mono = _joined((), tuple(powers.items()))
    return Form({mono: factor * sign}, _UNIT)


_SINES: dict[Fraction, Node] = {
    Fraction(0): Num(_ZERO),
    Fraction(1, 6): Num(_HALF),
    Fraction(1, 4): Power(Num(_HALF), Num(_HALF)),
    Fraction(1, 3): Product((Num(_HALF), Power(Num(Fraction(3)), Num(_HALF)))),
    Fraction(1, 2): Num(_ONE),
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
    sign = _ONE
    if _leads_negative(argument.top):
        argument = Form(_scaled(argument.top, _MINUS), argument.bottom)
        sign = _MINUS if function == "sin" else _ONE
    return Form({((f"{function}({_key(argument)})", _ONE),): sign}, _UNIT)


def _of_pi(form: Form) -> Fraction | None:
    """`q` of an argument `q * pi`."""
    if not form.top:
        return _ZERO
    if form.bottom != _UNIT or form.top.keys() != {(("pi", _ONE),)}:
        return None
    return next(iter(form.top.values()))


def _exact_sine(turn: Fraction) -> Form | None:
    """`sin(turn * pi)` for 0 <= turn < 2, where it is one of the well-known values."""
    sign = _ONE if turn <= 1 else _MINUS
    turn = turn % 1
    turn = min(turn, 1 - turn)
    if turn not in _SINES:
        return None
    value = normal_form(_SINES[turn])
    return Form(_scaled(value.top, sign), _UNIT)


def _leads_negative(poly: Poly) -> bool:
    return bool(poly) and poly[min(poly)] < 0


def _logarithm(function: str, forms: list[Form]) -> Form:
    if len(forms) == 2:
        over, under = _logarithm("ln", forms[1:]), _logarithm("ln", forms[:1])
        return _product([over, _whole_power(under, -1)])
    (argument,) = forms
    if argument.bottom != _UNIT or len(argument.top) != 1:
        return Form({((f"{function}({_key(argument)})", _ONE),): _ONE}, _UNIT)
    ((mono, value),) = argument.top.items()
    if value <= 0 or any(name[0] != "#" and name != "e" for name, _ in mono):
        return Form({((f"{function}({_key(argument)})", _ONE),): _ONE}, _UNIT)
    terms: Poly = {}
    for name, exponent in mono:
        of_e = name == "e" and function == "ln"
        terms = _plus(terms, {() if of_e else _log_of(function, name): exponent})
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        for prime, times in _primes(number):
            terms = _plus(terms, {_log_of(function, f"#{prime}"): Fraction(times * sign)})
    return Form(terms, _UNIT)


def _log_of(function: str, name: str) -> Monomial:
    return ((f"{function}({name})", _ONE),)


def _absolute(form: Form) -> Form:
    value = form.constant()
    if value is not None:
        return _number(abs(value))
    content = _content(form.top)
    top = _scaled(form.top, 1 / (-content if _leads_negative(form.top) else content))
    key = _key(Form(top, form.bottom))
    return Form({((f"abs({key})", _ONE),): content}, _UNIT)


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
    return Form({((f"{function}({keys})", _ONE),): _ONE}, _UNIT)


def _key(form: Form) -> str:
    return _text(form.top) + ("" if form.bottom == _UNIT else f"|{_text(form.bottom)}")


def _text(poly: Poly) -> str:
    return _capped("+".join(f"{value}*{_mono_text(mono)}" for mono, value in sorted(poly.items())))


def _mono_text(mono: Monomial) -> str:
    return _capped("*".join(f"{name}^{exponent}" for name, exponent in mono))


def _capped(text: str) -> str:
    if len(text) > MAX_KEY_CHARS:
        raise Unreadable("too long inside a function")
    return text
