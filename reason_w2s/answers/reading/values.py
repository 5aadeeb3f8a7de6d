"""What an answer can be."""

from __future__ import annotations

from dataclasses import dataclass, field

from reason_w2s.answers.algebra.expression import Node
from reason_w2s.answers.reading.numbers import Based, Number


@dataclass(frozen=True, slots=True)
class Formula:
    """Anything that parses. `text` is normalised; `unit` as `units.read_unit` gives it."""

    text: str
    node: Node = field(compare=False)
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Equation:
    """`left = right`. `value`: what is said of `name`, where the left side is a mere name."""

    left: Formula | None
    right: Formula | None
    name: str = ""
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    r"""`difference` `sign` 0 with a sign `<`, `\le` or `\ne`, where that is no interval."""

    sign: str
    difference: Formula


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a multiple choice, by letter, with the content written beside it."""

    letter: str
    content: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. `hour` 0-23 where `half` is known (am, pm), else as written."""

    hour: int
    minute: int
    second: int = 0
    half: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A plain word or phrase, casefolded."""

    text: str


@dataclass(frozen=True, slots=True)
class Atom:
    """A symbol with one meaning: an infinity, the reals, the empty set."""

    name: str


@dataclass(frozen=True, slots=True)
class Group:
    r"""Several values. `left` and `right`: the brackets.

    `left` is "" for a bare list, `\cup` for a union, ":" for a ratio (`right` is "clock" where it
    may be a time of day), `named` for values with names (`right`: the names, joined by commas), or
    `matrix` and `row`.
    """

    left: str
    right: str
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """What cannot be read, without its loose spaces."""

    text: str


Value = (
    Number | Based | Formula | Equation | Relation | Choice | Clock | Words | Atom | Group | Opaque
)
