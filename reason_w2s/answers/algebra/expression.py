"""A formula as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


class Unreadable(ValueError):
    """Not a formula, or larger than the caps allow."""


class Undefined(Unreadable):
    """A formula without a value, as 1/0."""


@dataclass(frozen=True, slots=True)
class Num:
    """An exact number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A variable (`x`, `x_1`, `\\alpha`), or one of `CONSTANTS`."""

    name: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Two terms or more."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Two factors or more."""

    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """A quotient has the exponent -1, a square root 1/2."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `FUNCTIONS`, `log` of (base, x), `log` of x alone (no base said), or `abs`,
    `floor`, `ceil`, `factorial`, `binom`."""

    function: str
    arguments: tuple[Node, ...]


Node = Num | Name | Sum | Product | Power | Call

CONSTANTS = frozenset({"pi", "e", "i", "inf"})
ONE, MINUS_ONE, HALF = Num(Fraction(1)), Num(Fraction(-1)), Num(Fraction(1, 2))
DEGREE = Product((Name("pi"), Num(Fraction(1, 180))))
_FUNCTIONS_TEXT = "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp"
FUNCTIONS = frozenset(_FUNCTIONS_TEXT.split())


def names(node: Node) -> set[str]:
    """The variables of a tree, without its constants."""
    match node:
        case Name(name):
            return set() if name in CONSTANTS else {name}
        case Num():
            return set()
        case Sum(parts) | Product(parts) | Call(_, parts):
            return set().union(*(names(part) for part in parts))
        case Power(base, exponent):
            return names(base) | names(exponent)


def negative(node: Node) -> Node:
    """The tree of `-node`."""
    return Num(-node.value) if isinstance(node, Num) else Product((MINUS_ONE, node))
