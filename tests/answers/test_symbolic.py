"""Formulas by many digits and by sympy. Here in this process: the inputs are known to end."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

from reason_w2s.answers.algebra import precise, symbolic
from reason_w2s.answers.algebra.expression import Call, Name, Num, Power, Product, Sum
from reason_w2s.answers.algebra.parser import parse

SAME = [
    ("\\sqrt{3 + 2\\sqrt{2}}", "1 + \\sqrt{2}"),
    ("(x - 1)(x + 1)", "x^{2} - 1"),
    ("\\ln 6", "\\ln 2 + \\ln 3"),
    ("\\log 6", "\\log 2 + \\log 3"),
    ("\\log_{2} 8", "3"),
    ("\\sin^{2} x + \\cos^{2} x", "1"),
    ("\\cos(n\\pi)", "(-1)^{n}"),
    ("2^{n + 1}", "2 * 2^{n}"),
    ("n!", "n(n - 1)!"),
    ("\\binom{n}{2}", "\\frac{n(n - 1)}{2}"),
    ("\\sqrt[3]{-8}", "-2"),
    ("(-8)^{2/3}", "4"),
    ("\\sqrt{-4}", "2i"),
    ("e^{i\\pi}", "-1"),
    ("\\arctan 1 + \\arctan 2 + \\arctan 3", "\\pi"),
    ("\\frac{x^{2}}{x}", "x"),
    ("\\ln(x^{2})", "2\\ln x"),
    ("|x|", "\\sqrt{x^{2}}"),
    ("\\lfloor\\sqrt{2} * \\sqrt{2}\\rfloor", "2"),
    ("2^{3000000000}", "4^{1500000000}"),
    ("1000000!", "1000000 * 999999!"),
    ("\\cos 36°", "\\frac{1 + \\sqrt{5}}{4}"),
]
DIFFERENT = [
    ("\\sqrt{x^{2}}", "x"),
    ("e^{\\pi\\sqrt{163}}", "262537412640768744"),
    ("\\sqrt{2} + 10^{-300}", "\\sqrt{2}"),
    ("\\sqrt{2}", "1.41421356237309504880168872420969807856967187537694807317667973799"),
    ("\\frac{1}{2004!}", "\\frac{1}{2006!}"),
    ("\\sin(10^{100})", "0"),
    ("2^{3000000000}", "4^{1500000001}"),
    ("\\log_{2} 8", "\\log_{8} 2"),
    ("\\ln(x + 1)", "\\ln x + 1"),
    ("x + y", "x - y"),
    ("a_{1}", "a_{2}"),
]
UNKNOWN = [("\\log 100", "2"), ("\\tan 90°", "1"), ("\\frac{1}{0}", "1"), ("9^{9^{9^9}}", "x")]


@pytest.mark.parametrize("left, right", SAME)
def test_same(left, right):
    assert precise.same(parse(left), parse(right)) is True
    assert precise.same(parse(right), parse(left)) is True


@pytest.mark.parametrize("left, right", DIFFERENT)
def test_different(left, right):
    assert precise.same(parse(left), parse(right)) is False
    assert precise.same(parse(right), parse(left)) is False


@pytest.mark.parametrize("left, right", UNKNOWN)
def test_unknown(left, right):
    assert precise.same(parse(left), parse(right)) is None


@pytest.mark.parametrize(
    "left, right, expected",
    [
        ("9^{9^{9^9}} + 1", "1 + 9^{9^{9^9}}", True),
        ("2 * 9^{9^{9^9}}", "9^{9^{9^9}} + 9^{9^{9^9}}", True),
        ("9^{9^{9^9}} + 1", "9^{9^{9^9}}", False),
        ("9^{9^{9^{9^9}}}", "3^{2 * 9^{9^{9^9}}}", True),
        ("(10^9)! + 9^{9^{9^9}}", "9^{9^{9^9}}", None),
        ("(x + 1)^{2}", "x^{2} + 2x + 1", True),
        ("\\sqrt[3]{-8}", "-2", True),
        ("\\log 100", "2", None),
        ("\\infty - \\infty", "0", None),
        ("x", "y", None),
    ],
)
def test_what_sympy_shows(left, right, expected):
    assert symbolic.same(parse(left), parse(right)) is expected


@pytest.mark.parametrize("function", ["sin", "tan", "cosh"])
def test_no_function_of_a_huge_number_is_worked_out(function):
    assert precise.same(parse(f"\\{function}(9^{{9^{{9}}}})"), parse("1")) is None
    assert precise.same(parse(f"\\{function}(9^{{99}})"), parse("1")) is False


def test_nothing_huge_is_built():
    factorial = Call("factorial", (Num(Fraction(10**9)),))
    power = Power(Num(Fraction(9)), Num(Fraction(10**12)))
    assert symbolic.same(Sum((factorial, power)), Sum((power, factorial))) is True


def test_a_tree_is_enough():
    x = Name("x")
    twice = Product((Num(Fraction(2)), x))
    assert precise.same(Sum((x, x)), twice) is True
    assert precise.same(Sum((x, x)), x) is False


def test_the_answers_of_the_services():
    for module in (precise, symbolic):
        assert module.answer(["x + x", "2x"]) == "same"
        assert module.answer(["x", "("]) == "unknown"
    assert precise.answer(["x", "2x"]) == "different"


def test_values_load_no_sympy():
    program = "import sys, reason_w2s.answers.algebra.precise; print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"
