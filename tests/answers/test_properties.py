"""What holds for every answer: equality is symmetric, and reflexive wherever the answer is read."""

# ruff: noqa: RUF001 - look-alike digits are among the answers.

from hypothesis import given, settings
from hypothesis import strategies as st

from reason_w2s.answers import equal
from reason_w2s.answers.reading.read import read
from reason_w2s.answers.reading.values import Opaque

NUMBERS = st.one_of(
    st.integers(-10_000, 10_000).map(str),
    st.decimals(-100, 100, places=2).map(str),
    st.builds("\\frac{{{}}}{{{}}}".format, st.integers(-20, 20), st.integers(1, 20)),
    st.builds("{}/{}".format, st.integers(-20, 20), st.integers(1, 20)),
    st.builds("{} \\frac{{1}}{{{}}}".format, st.integers(1, 20), st.integers(2, 9)),
    st.integers(0, 100).map("{}\\%".format),
    st.integers(0, 100).map("{}%".format),
    st.integers(0, 200).map("${}".format),
    st.integers(0, 400).map("{}^\\circ".format),
    st.builds("{}_{{{}}}".format, st.integers(0, 222), st.integers(2, 12)),
    st.builds("0.\\overline{{{}}}".format, st.integers(1, 99)),
    st.builds("{}\\times 10^{{{}}}".format, st.integers(1, 9), st.integers(-5, 5)),
    st.sampled_from(["three", "twenty-five", "one hundred", "1,234", "1 234", "½", "１２", "-0"]),
)
UNITS = st.sampled_from(
    [
        "",
        " cm",
        "\\text{ cm}",
        "\\text{ cm}^2",
        " meters",
        " dollars",
        " apples",
        " hours",
        "m",
        "g",
    ]
)
ATOMS = st.one_of(
    NUMBERS,
    st.builds("{}{}".format, NUMBERS, UNITS),
    st.sampled_from(["x", "y", "n", "\\pi", "e", "i", "\\infty", "-\\infty", "a_1"]),
    st.sampled_from(["A", "(B)", "C) 5"]),
    st.builds("\\sqrt{{{}}}".format, st.integers(0, 50)),
    st.builds("\\sqrt[3]{{{}}}".format, st.integers(-30, 30)),
    st.builds("\\{} {}".format, st.sampled_from(["sin", "cos", "ln", "log", "tan"]),
              st.sampled_from(["x", "2", "\\frac{\\pi}{6}", "30^\\circ"])),
    st.sampled_from(["yes", "no solution", "Evelyn", "June 20", "all real numbers"]),
    st.sampled_from(["3:15", "4 p.m."]),
)  # fmt: skip
FORMS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{}+{}".format, inner, inner),
        st.builds("{}-{}".format, inner, inner),
        st.builds("{}({})".format, inner, inner),
        st.builds("{}^{{{}}}".format, inner, inner),
        st.builds("\\frac{{{}}}{{{}}}".format, inner, inner),
        st.builds("({}, {})".format, inner, inner),
        st.builds("[{}, {})".format, inner, inner),
        st.builds("\\{{{}, {}\\}}".format, inner, inner),
        st.builds("{}, {}".format, inner, inner),
        st.builds("{} and {}".format, inner, inner),
        st.builds("x = {}".format, inner),
        st.builds("y = {}, x = {}".format, inner, inner),
        st.builds("{} < x".format, inner),
        st.builds("{} \\le x < {}".format, inner, inner),
        st.builds("{} \\pm {}".format, inner, inner),
        st.builds("{}:{}".format, inner, inner),
        st.builds("{} \\cup {}".format, inner, inner),
        st.builds("|{}|".format, inner),
        st.builds("\\begin{{pmatrix}}{} \\\\ {}\\end{{pmatrix}}".format, inner, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=1_500, deadline=None)
@given(FORMS, FORMS)
def test_equality_is_symmetric(left, right):
    assert equal(left, right).correct is equal(right, left).correct


@settings(max_examples=500, deadline=None)
@given(st.sampled_from([0.0, 1e-3]), ATOMS, ATOMS)
def test_simple_answers_are_compared_alike_both_ways(rel_tol, left, right):
    there, back = (equal(*pair, rel_tol=rel_tol) for pair in ((left, right), (right, left)))
    assert there.correct is back.correct


@settings(max_examples=1_000, deadline=None)
@given(FORMS)
def test_what_is_read_equals_itself_in_other_spaces(answer):
    again = answer.replace(", ", " ,  ").replace("+", " + ") + " "
    if not isinstance(read(answer), Opaque) and not isinstance(read(again), Opaque):
        assert equal(again, answer).correct is not False
    assert equal(answer, answer).correct is True


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_are_compared_alike_both_ways(left, right):
    if left.strip() and right.strip():
        assert equal(left, right).correct is equal(right, left).correct


RELATED = ["x = {}", "({})", "{}, {}", "{}+0", "{} cm", "\\{{{}\\}}", "-{}", "{}\\%", "[{}, {}]",
    "{} or {}", "\\text{{{}}}", "{}:1", "{} \\cup {}", "|{}|", "0 < x < {}", "y = {}"]  # fmt: skip


@settings(max_examples=1_000, deadline=None)
@given(FORMS, st.sampled_from(RELATED), st.sampled_from(RELATED))
def test_related_answers_are_compared_alike_both_ways(answer, first, second):
    left = first.replace("{}", answer).replace("{{", "{").replace("}}", "}")
    right = second.replace("{}", answer).replace("{{", "{").replace("}}", "}")
    assert equal(left, right).correct is equal(right, left).correct
    assert equal(left, answer).correct is equal(answer, left).correct
