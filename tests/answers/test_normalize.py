"""One spelling, and nothing more."""

# ruff: noqa: RUF001 - the signs that models write.

import pytest

from reason_w2s.answers.normalize import close, key, normalize

SAME = [
    ("\\dfrac34", "\\frac{3}{4}"),
    ("\\tfrac 3 4", "\\frac{3}{4}"),
    ("{3 \\over 4}", "\\frac{3}{4}"),
    ("$\\boxed{\\text{18}}$.", "18"),
    ("\\(18\\)", "18"),
    ("**18**", "18"),
    ("x²", "x^2"),
    ("√5", "\\sqrt{5}"),
    ("１２", "12"),
    ("−7", "-7"),
    ("32,\\! 349", "32,349"),
    ("1{,}000", "1,000"),
    ("90^{\\circ}", "90°"),
    ("\\left( 1,\\, 2 \\right)", "(1,2)"),
    ("\\text{odd}", "odd"),
    ("x\\leq 2", "x <= 2"),
    ("0.333...", "0.\\bar{3}"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_same_key(left, right):
    assert key(normalize(left)) == key(normalize(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [("1 1/2", "11/2"), ("2^{n+1}", "2^n+1"), ("(1,2)", "[1,2]"), ("\\{1\\}", "{1}"), ("a", "A")],
)
def test_different_key(left, right):
    assert key(normalize(left)) != key(normalize(right))


def test_close_skips_escaped_braces():
    assert close("{a\\}b{c}d}", 0) == 9
    assert close("{{}", 0) == -1
