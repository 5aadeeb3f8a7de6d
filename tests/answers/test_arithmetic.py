"""Equations in running text: right, wrong, and left alone."""

# ruff: noqa: RUF001 - the signs that models write.

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reason_w2s.answers import arithmetic
from reason_w2s.answers.arithmetic import equations

from .shared_data import rows

RIGHT = [
    "5 + 3 = 8 ; ",
    "Janet sold 48/2 = 24 clips.",
    "<<48/2=24>>",
    "2 x 6 = 12",
    "3 × 4 = 12",
    "12 ÷ 4 = 3",
    "She pays $2.50 * 4 = $10.",
    "1,200 * 2 = 2,400",
    "5/6 = 0.83",
    "2/3 = 0.66",
    "20% of 50 = 10",
    "0.25 * 100 = 25%",
    "16 1/2 + 24 1/2 = 41.",
    "\\frac{75}{25} = 3",
    "\\(7 \\times 8 = 56\\)",
    "\\$700 \\times 2 = \\$1,\\!400 \\text{ a year}",
    "**5 + 3 = 8**",
    "1. 5 + 3 = 8",
    "- 5 + 3 = 8",
    "2^3 = 8",
    "(5 + 3 = 8)",
    "x = 5 + 3 = 8",
    "in all 6000$ - 1500$ = 4000$ + 500$ left",
    "120 - 30 - 15 = 75",
    "<<120-30-15=75>>",
    "<<12=12>>",
    "<<+3+3=6>>",
    "8/3=2.6666666666666665",
    "it comes to a total of 95-19 = $76.00 today",
]
WRONG = [
    "5 + 3 = 9 ;",
    "so 12 * 50 = 650 apples",
    "<<48/2=25>>",
    "5/6 = 0.73",
    "15-20=5 dollars",
    "\\frac{1}{2} \\times 10 = 6 apples",
    "x = 5 + 3 = 9.",
    "the total is $20 + $40 = $70.",
    "499 * 3 = 1496.",
    "6000$ - 1500$ = 4000$ left",
    "<<120-30-15=70>>",
    "<<24+16/4=10>>",
    "<<2+2=5>>",
    "<<50=50-20-60>>",
]
LEFT_ALONE = [
    "2x + 3 = 7",
    "x+5 = 10 + 1",
    "f(3) = 3 + 4",
    "half of 6 + 4 = 10 and 6",
    "3 apples + 4 = 12",
    "Week 2 = 5 + 4 = ",
    "3 * $0.25 = 75 cents",
    "30 * 2 = 1 hour",
    "7/2 = 3",
    "7/2 = 3 remainder 1",
    "50 + 20% = 60",
    "9 + 5 = 2 pm",
    "17 + 5 = 10 (mod 12)",
    "10101_2 = 16 + 6",
    "10/3*3 = 3.33*3",
    "(10 + 20)/3 + 1 + ... + 9 = 12",
    "5 - 2 = 3 * 6 = 18",
    "24 + 16 / 4 = 10",
    "12 x 1 and 1/4 = 15",
    "1000 * 2 = 20",
    "14, 400 / 80 = 180",
    "Weeks 1-2 = 96 - 70",
    "9^9^9^9 = 5",
    "120-30-15 = 70",
    "\\frac{7}{30}@\\frac{10}{21} = 7 * 10",
    "3 @ 10/21 = 7 * 10",
    "<<x+3=5>>",
    "<<560//10=56>>",
    "<<7/2=3>>",
    "<<100/3*3=99.9>>",
]


@pytest.mark.parametrize("text", RIGHT)
def test_right(text):
    found = equations(text)
    assert found
    assert all(equation.holds for equation in found), found


@pytest.mark.parametrize("text", WRONG)
def test_wrong(text):
    assert [equation.holds for equation in equations(text)] == [False]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_left_alone(text):
    assert not [equation for equation in equations(text) if equation.holds is False]


def test_a_chain_is_one_equation_per_sign():
    found = equations("2*16+2*8=32+16=48")
    assert [(equation.text, equation.holds) for equation in found] == [
        ("2*16+2*8=32+16", True),
        ("32+16=48", True),
    ]


def test_two_bare_numbers_are_no_equation():
    assert equations("1 hour = 60 minutes, and 5 = 5") == []


def test_spans_point_into_the_text():
    text = "First 5 + 3 = 8.\nThen \\(49{,}994 + 6 = 50{,}000\\)\nso <<8*2=17>>17"
    for equation in equations(text):
        assert text[equation.start : equation.end] == equation.text
    assert [equation.text for equation in equations(text)] == [
        "5 + 3 = 8",
        "49{,}994 + 6 = 50{,}000",
        "8*2=17",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "1+" * 200_000 + "1=3",
        "=" * 400_000,
        "1=1" * 130_000,
        "(" * 5_000 + "1=1+1",
        "1 + 1 = 3 " * 9_000,
    ],
    ids=["long", "signs", "chain", "brackets", "many"],
)
def test_hostile_text_ends_quickly(text):
    started = time.perf_counter()
    equations(text)
    assert time.perf_counter() - started < 3.0


def test_human_solutions_hold():
    texts = [row["solution"] for row in rows("gair_w2s/problems.jsonl.gz")]
    found = [equation for text in texts for equation in equations(text)]
    decided = [equation for equation in found if equation.holds is not None]
    assert len(decided) / len(found) > 0.95
    # People made these few slips: each was read by eye and is wrong as written.
    assert sum(equation.holds is False for equation in decided) <= 30


PIECES = [
    *("= ", " = ", "=", "==", "<=", "3", "12", " 4", "0.5", "1,200", "x", " of ", "%", "$", "\\$"),
    *(" + ", "*", "**", "/", "-", "×", "⊗", "{", "}", "(", ")", "\\frac{1}{2}", "\\dfrac", "\\%"),
    *("\\times ", "\\,", "\\(", "\\[", "\\left(", "\\text{cm}", "1. ", "- ", "<<3*4=12>>"),
    *("so ", "a", "\n", "\t", "٣"),
]  # fmt: skip


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_no_line_with_an_equation_is_passed_over(text: str) -> None:
    found = equations(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arithmetic, "may_have_sides", lambda line: True)
        assert found == equations(text)
