"""From a tree to its normal form."""

from __future__ import annotations

from reason_w2s.answers.algebra.expression import (
    Call,
    Name,
    Node,
    Num,
    Power,
    Product,
    Sum,
    Undefined,
)
from reason_w2s.answers.algebra.forms import Form, added, multiplied, of_number, to_the_power
from reason_w2s.answers.algebra.functions import called
from reason_w2s.answers.algebra.polynomials import ONE, UNIT


def normal_form(node: Node) -> Form:
    """The normal form of a tree.

    Raises:
        Unreadable: it divides by zero, holds an infinity, or passes a cap.
    """
    match node:
        case Num(value):
            return of_number(value)
        case Name("inf"):
            raise Undefined("infinity in a formula")
        case Name(name):
            return Form({((name, ONE),): ONE}, UNIT)
        case Sum(terms):
            return added(normal_form(term) for term in terms)
        case Product(factors):
            return multiplied(normal_form(factor) for factor in factors)
        case Power(base, exponent):
            return to_the_power(normal_form(base), normal_form(exponent))
        case Call(function, arguments):
            return called(function, [normal_form(argument) for argument in arguments])
