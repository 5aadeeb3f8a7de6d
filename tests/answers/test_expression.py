"""Formulas as trees, and what is refused."""

from fractions import Fraction

import pytest

from reason_w2s.answers.algebra.expression import (
    Call,
    Name,
    Num,
    Power,
    Product,
    Sum,
    Unreadable,
    names,
)
from reason_w2s.answers.algebra.parser import parse
from reason_w2s.answers.normalize import normalize

X, TWO = Name("x"), Num(Fraction(2))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("2x", Product((TWO, X))),
        ("x-2", Sum((X, Num(Fraction(-2))))),
        ("\\frac{1}{2}", Num(Fraction(1, 2))),
        ("\\frac{x}{2}", Product((X, Power(TWO, Num(Fraction(-1)))))),
        ("\\sqrt[3]{x}", Power(X, Num(Fraction(1, 3)))),
        ("x_1", Name("x_1")),
        ("\\alpha_{2}", Name("\\alpha_2")),
        ("xy", Product((X, Name("y")))),
        ("\\sin^2 x", Power(Call("sin", (X,)), TWO)),
        ("\\sin^{-1} x", Call("arcsin", (X,))),
        ("\\log_2 x", Call("log", (TWO, X))),
        ("|x|", Call("abs", (X,))),
        ("x!", Call("factorial", (X,))),
        ("\\exp x", Power(Name("e"), X)),
        ("-3", Num(Fraction(-3))),
    ],
)
def test_tree(text, tree):
    assert parse(normalize(text)) == tree


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("\\sin 2x \\cos x", "(\\sin(2x))(\\cos(x))"),
        ("\\sin x + 1", "(\\sin(x)) + 1"),
        ("2|x|+1", "2(|x|)+1"),
        ("-x^2", "-(x^2)"),
        ("2^3^2", "2^{3^{2}}"),
        ("3\\frac{3}{4}", "15/4"),
    ],
)
def test_precedence(text, same):
    assert parse(normalize(text)) == parse(normalize(same))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dogs",
        "x dogs",
        "3/2x",
        "5!!",
        "\\sin x/2",
        "(x",
        "x)",
        "\\foo",
        "x_{",
        "1 2",
        "()",
        "+",
    ],
)
def test_refused(text):
    with pytest.raises(Unreadable):
        parse(normalize(text))


def test_names_are_variables_only():
    assert names(parse("x + e + \\pi + i + \\sin y_{1}")) == {"x", "y_1"}
