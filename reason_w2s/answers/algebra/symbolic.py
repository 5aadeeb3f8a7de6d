"""Whether two formulas are the same, as sympy can show it: for those too large to be computed.

Runs in a worker that may be killed (`pool.symbolic`). Trees become sympy objects by construction:
no text reaches sympy but the names of variables.
"""

from __future__ import annotations

from typing import Any

import sympy

from reason_w2s.answers.algebra.expression import Call, Name, Node, Num, Power, Product, Sum
from reason_w2s.answers.algebra.precise import said

# A power of more bits, or a factorial or binomial of a number of more, is not worked out.
MAX_BITS = 20_000
MAX_ARGUMENT_BITS = 10


def answer(request: list[str] | None) -> str:
    """The service of a worker: `same`, `different` or `unknown` for two normalised formulas."""
    return said(same, request or ["x + 1", "2^{x}"])


def same(left: Node, right: Node) -> bool | None:
    """Whether the difference of two trees is zero (True), another number (False), or not known."""
    if left == right:
        return True
    try:
        first, second = _sympy(left), _sympy(right)
        if first == second:
            return True
        for rewrite in (sympy.expand, sympy.powsimp, sympy.simplify):
            difference = rewrite(first - second)
            if difference.is_finite and difference.is_number and difference.is_zero is not None:
                return bool(difference.is_zero)
    except MemoryError:
        raise
    except Exception:
        # sympy raises what it likes on what it cannot do.
        return None
    return None


def _sympy(node: Node) -> Any:
    result: Any
    match node:
        case Num(value):
            result = sympy.Rational(value.numerator, value.denominator)
        case Name(name):
            constants = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "inf": sympy.oo}
            result = constants.get(name) or sympy.Symbol(name, real=True)
        case Sum(terms):
            result = sympy.Add(*map(_sympy, terms))
        case Product(factors):
            result = sympy.Mul(*map(_sympy, factors))
        case Power(base, exponent):
            result = _sympy_power(_sympy(base), _sympy(exponent))
        case Call("log", (_,)):
            raise ValueError("a logarithm of any base")
        case Call("log", (base, argument)):
            result = sympy.log(_sympy(argument)) / sympy.log(_sympy(base))
        case Call(function, arguments):
            result = _sympy_call(function, [_sympy(one) for one in arguments])
    return result


def _sympy_power(base: Any, exponent: Any) -> Any:
    if exponent.is_Rational and exponent.q % 2 and exponent.q > 1 and base.is_negative is not False:
        return sympy.real_root(base, exponent.q) ** exponent.p
    if base.is_Rational and exponent.is_Rational and abs(exponent) * _bits(base) > MAX_BITS:
        if base.is_negative:
            raise ValueError("too large a power of a negative number")
        return _huge("power", [base, exponent])
    return sympy.Pow(base, exponent)


def _sympy_call(function: str, arguments: list[Any]) -> Any:
    large = any(one.is_Rational and _bits(one) > MAX_ARGUMENT_BITS for one in arguments)
    if large and function in ("factorial", "binom"):
        return _huge(function, arguments)
    known = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "abs": "Abs", "ceil": "ceiling"}
    known |= {"binom": "binomial", "ln": "log"}
    return getattr(sympy, known.get(function, function))(*arguments)


def _bits(number: Any) -> int:
    return max(int(number.p).bit_length(), int(number.q).bit_length())


def _huge(function: str, arguments: list[Any]) -> Any:
    """A positive number of which nothing else is known. Sympy works out any other form of it."""
    return sympy.Symbol(f"{function}{tuple(arguments)}", positive=True)
