"""What answers are read as."""

from fractions import Fraction

import pytest

from reason_w2s.answers.reading.numbers import Based, Number
from reason_w2s.answers.reading.read import read
from reason_w2s.answers.reading.values import (
    Atom,
    Choice,
    Clock,
    Equation,
    Formula,
    Group,
    Opaque,
    Relation,
    Words,
)


def interval(left, low, high, right):
    return Group(left, right, (low, high))


def number(value, unit="", percent=False):
    return Number(Fraction(value), unit, percent)


VALUES = {
    "$1,234.50": number("1234.5", "dollar"),
    "Rs. 500": number(500, "rupee"),
    "12k": Formula,
    "$12k": number(12_000, "dollar"),
    "33\\frac{1}{3}\\%": number("100/3", percent=True),
    "two thirds of the class": number("2/3", "clas"),
    "a dozen": number(12),
    "5 feet 3 inches": number("21/4", "foot"),
    "6th place": number(6, "place"),
    "0.(3)": number("1/3"),
    "0.\\dot{1}4285\\dot{7}": number("1/7"),
    "2¹⁰": number(1024),
    "7 \\pmod{5}": number(2, "mod 5"),
    "204_5": Based("204", 5, 54),
    "x = 2 + 3 = 5": number(5),
    "\\angle ABC = 60^\\circ": number(60, "degree"),
    "4:30 p.m.": Clock(16, 30, 0, "pm"),
    "12:30": Group(":", "clock", (number(12), number(30))),
    "3:4": Group(":", "", (number(3), number(4))),
    "-x > -1": interval("(", Atom("-inf"), number(1), ")"),
    "|x| \\le 2": interval("[", number(-2), number(2), "]"),
    "0 < 2x \\le 4": interval("(", number(0), number(2), "]"),
    "]0, 1[": interval("(", number(0), number(1), ")"),
    "\\{x \\in \\mathbb{R} : x > 2\\}": interval("(", number(2), Atom("inf"), ")"),
    "\\pm 3": Group("", "", (number(3), number(-3))),
    "\\begin{cases} x=1 \\\\ y=2 \\end{cases}": Group("named", "x,y", (number(1), number(2))),
    "x + y > 2": Relation,
    "2x + y = 6": Equation,
    "y = 2x": Equation,
    "ab": Formula,
    "99\\pi \\text{ cm}^2": Formula,
    "all real numbers": Atom("reals"),
    "no solution": Atom("empty"),
    "\\text{(A) } 5": Choice("A", "5"),
    "Option B": Choice("B"),
    "June 20": Words("june 20"),
    "one or two": Group("", "", (number(1), number(2))),
    "@@": Opaque("@@"),
}


@pytest.mark.parametrize(("answer", "value"), VALUES.items())
def test_value(answer, value):
    found = read(answer)
    assert isinstance(found, value) if isinstance(value, type) else found == value


def test_units_of_formulas():
    assert read("99\\pi \\text{ square inches}").unit == "square inch"
    assert read("x^2 \\text{ units}").unit == "unit"
