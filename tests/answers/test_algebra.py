"""Normal forms: equal ones are the same function, and plain ones that differ are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reason_w2s.answers.algebra.expression import Unreadable, names
from reason_w2s.answers.algebra.forms import linear, plain, proportional, same_form
from reason_w2s.answers.algebra.normal import normal_form
from reason_w2s.answers.algebra.parser import parse
from reason_w2s.answers.algebra.points import differ
from reason_w2s.answers.normalize import normalize


def form(text):
    return normal_form(parse(normalize(text)))


SAME = [
    ("(x+1)^2", "x^2+2x+1"),
    ("\\sqrt{12}", "2\\sqrt{3}"),
    ("\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt{2}}{2}"),
    ("\\frac{1}{1+\\sqrt{2}}", "\\sqrt{2}-1"),
    ("(3+4i)(1-i)", "7+i"),
    ("\\sqrt{-4}", "2i"),
    ("\\sqrt[3]{-8}", "-2"),
    ("\\ln 8", "3\\ln 2"),
    ("\\log_4 8", "3/2"),
    ("\\ln e^2", "2"),
    ("\\sin \\frac{7\\pi}{6}", "-\\frac12"),
    ("\\cos 60^\\circ", "\\frac12"),
    ("\\tan x", "\\frac{\\sin x}{\\cos x}"),
    ("\\sin^2 x + \\cos^2 x", "1"),
    ("\\sin(-x)", "-\\sin x"),
    ("|1-x|", "|x-1|"),
    ("2^{n+1}", "2 \\cdot 2^n"),
    ("4^n", "2^{2n}"),
    ("(-1)^{n+1}", "-(-1)^n"),
    ("e^{x}e^{-x}", "1"),
    ("\\binom{n}{2}", "\\frac{n(n-1)}{2}"),
    ("\\frac{x^2-1}{x-1}", "x+1"),
    ("\\sqrt{8x+4}", "2\\sqrt{2x+1}"),
    ("x^{1/2}x^{1/2}", "x"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_the_same_function_has_the_same_form(left, right):
    assert same_form(form(left), form(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [("x", "x+1"), ("\\sqrt{2}", "\\sqrt{3}"), ("\\sqrt{x^2}", "x"), ("\\pi", "3"), ("i", "-i")],
)
def test_another_function_has_another(left, right):
    assert not same_form(form(left), form(right))


@pytest.mark.parametrize(
    "text", ["1/0", "0^0", "x/(y-y)", "\\infty", "(x+y+z+1)^{30}", "9^{9^{9}}"]
)
def test_what_has_no_form(text):
    with pytest.raises(Unreadable):
        form(text)


def test_plain_forms_hold_no_functions():
    assert plain(form("\\sqrt{2}x + \\pi i"))
    assert not plain(form("\\sin x"))


def test_proportional_and_linear():
    assert proportional(form("2x+4y-6"), form("x+2y-3")) == 2
    assert proportional(form("2x+4y-6"), form("x+2y-4")) is None
    name, slope, rest = linear(form("3x - 6"))
    assert (name, slope, rest.constant()) == ("x", 3, -6)
    assert linear(form("x^2 - 1")) is None


LEAVES = st.sampled_from(["x", "y", "2", "3", "\\sqrt{2}", "\\pi", "\\frac{1}{3}", "-1"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({}+{})".format, inner, inner),
        st.builds("({}-{})".format, inner, inner),
        st.builds("({})({})".format, inner, inner),
        st.builds("\\frac{{{}}}{{{}}}".format, inner, inner),
        st.builds("({})^{{2}}".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(TREES, TREES)
def test_forms_agree_with_floats(left, right):
    trees = [parse(normalize(text)) for text in (left, right)]
    try:
        forms = [normal_form(tree) for tree in trees]
    except Unreadable:
        return
    apart = differ(*trees, names(trees[0]) | names(trees[1]))
    if apart is not None:
        assert same_form(*forms) is not apart
