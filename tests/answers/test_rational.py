"""Exact values, and what is refused."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reason_w2s.answers.algebra.expression import Unreadable
from reason_w2s.answers.algebra.parser import parse
from reason_w2s.answers.algebra.plain import plain
from reason_w2s.answers.algebra.rational import evaluate, value

VALUES = {
    "42": 42,
    "1,234.50": Fraction("1234.5"),
    ".5": Fraction(1, 2),
    "4.5e-3": Fraction(45, 10_000),
    "2 1/3": Fraction(7, 3),
    "2\\frac{1}{3}": Fraction(7, 3),
    "-3^{2}": -9,
    "2^{3^{2}}": 512,
    "2^{-2}": Fraction(1, 4),
    "4^{1/2}": 2,
    "27^{2/3}": 9,
    "5!": 120,
    "\\binom{5}{2}": 10,
    "\\sqrt{49/4}": Fraction(7, 2),
    "0.\\overline{3}": Fraction(1, 3),
    "0.1\\overline{6}": Fraction(1, 6),
    "10 - 2 - 3": 5,
    "12 / 3 / 2": 2,
    "2 + 3 * 4": 14,
    "3(4+1)": 15,
    "20% * 50": 10,
    "\\frac{\\frac{1}{2}}{3}": Fraction(1, 6),
    "6.02 \\times 10^{2}": 602,
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_value(text, value):
    assert evaluate(text) == value


REFUSED = [
    "",
    "x",
    "1 +",
    "1 2",
    "(1",
    "1)",
    "1,00",
    "1/0",
    "0^{-1}",
    "\\sqrt{2}",
    "(-1)^{1/2}",
    "3 4/2",
    "6/2(3)",
    "5/6!!!!!!!",
    "9^9^9^9",
    "10^{99999999}",
    "(10^{1000})^{1000}",
    "1e999999",
    "1" * 201,
    "201!",
    "\\binom{999}{3}",
    "(" * 21 + "1" + ")" * 21,
    "1+" * 300 + "1",
    "__import__('os')",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    with pytest.raises(Unreadable):
        evaluate(text)


PARTS = ["0", "2", "12", "1,200", "1,20", "0.5", ".5", "-", "+", " ", "*", "/", "%", "(", ")", "^2"]
FRACTIONS = ["\\frac{2}{3}", "\\frac{1.5}{7}", "\\frac{1}{0}", "\\frac{-1}{2}", "\\frac12", "{3}"]


@settings(max_examples=2000, deadline=None)
@given(st.lists(st.sampled_from(PARTS + FRACTIONS), max_size=8).map("".join))
def test_what_is_read_without_a_tree_is_what_the_tree_is_worth(text: str) -> None:
    found = plain(text)
    if found is not None:
        assert found == value(parse(text))
