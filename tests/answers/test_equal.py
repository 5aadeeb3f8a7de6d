"""Which answers are the same. Rows here are our own; the labelled set is measured below them."""

# ruff: noqa: RUF001 - the signs that models write.

from importlib import import_module
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reason_w2s.answers import Status, check, equal
from reason_w2s.errors import ConfigError

from .shared_data import rows

EQUAL = [
    ("18", "18.00"),
    ("18", "$18.00"),
    ("18", "x = 18"),
    ("18", "18 dollars."),
    ("1000", "1,000"),
    ("1000", "10^3"),
    ("0.0045", "4.5\\times10^{-3}"),
    ("3/4", "\\dfrac{3}{4}"),
    ("3/4", "0.75"),
    ("3/4", "75\\%"),
    ("3/4", "¾"),
    ("7/3", "2\\frac{1}{3}"),
    ("1.5", "1 1/2"),
    ("25", "25%"),
    ("5\\%", "5"),
    ("5\\%", "0.05"),
    ("-7", "−7"),
    ("42", "４２"),
    ("1/3", "0.\\overline{3}"),
    ("15 \\text{ cm}^2", "15"),
    ("15 m", "15 meters"),
    ("90^\\circ", "90"),
    ("42", "42 fish that are both red and blue."),
    ("(1,2)", "\\left(1, 2.0\\right)"),
    ("(1,2)", "y=2, x=1"),
    ("\\{1,2,3\\}", "3, 2, 1"),
    ("1,2,3", "1, 2, and 3"),
    ("(0,1)", "0 < x < 1"),
    ("(2,\\infty)", "x > 2"),
    ("[1,2]\\cup\\{3\\}", "\\{3\\}\\cup[1,2]"),
    ("\\begin{pmatrix}1\\\\1/2\\end{pmatrix}", "\\begin{bmatrix}1\\\\0.5\\end{bmatrix}"),
    ("2:3", "2 : 3"),
    ("204_5", "(204)_{5}"),
    ("\\sqrt{5}", "\\sqrt 5"),
    ("A", "(A)"),
    ("A", "A) 12"),
    ("\\text{Monday}", "monday"),
    ("2^{100}", "1267650600228229401496703205376"),
    ("x+1", "1+x"),
    ("\\sqrt{12}", "2\\sqrt{3}"),
    ("2 hours", "120 minutes"),
    ("18", "eighteen"),
    ("125", "one hundred and twenty-five"),
    ("63 inches", "5 feet 3 inches"),
    ("3:00 p.m.", "15:00"),
    ("2:3", "4:6"),
    ("1\\pm\\sqrt{2}", "1-\\sqrt2, 1+\\sqrt2"),
    ("\\log_2 8", "3"),
    ("\\sin 2x", "2\\sin x\\cos x"),
    ("\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt{2}"),
    ("2^{n+1}", "2\\cdot 2^n"),
    ("\\frac{x^2-1}{x-1}", "x+1"),
    ("2x+4y=6", "x+2y=3"),
    ("y=2x", "2x"),
    ("-x > -1", "x < 1"),
    ("(-\\infty,\\infty)", "\\mathbb{R}"),
    ("99\\pi", "99\\pi \\text{ cm}^2"),
    ("3+4i", "4i+3"),
    ("\\angle ABC = 60^\\circ", "60"),
    ("3:7", "3 to 7"),
    ("38", "> 38"),
    ("\\frac{\\pi}{4}+k\\pi, k \\in \\mathbb{Z}", "\\frac{\\pi}{4}+\\pi k"),
    ("|x| \\ge 2", "(-\\infty,-2]\\cup[2,\\infty)"),
    ("{5 \\choose 2}", "10"),
    ("\\frac{10!}{7!3!}", "120"),
    ("30^\\circ", "\\frac{\\pi}{6} \\text{ radians}"),
    ("A:B:C = 1:2:3", "1:2:3"),
    ("\\{1,2\\} \\cup \\{3\\}", "\\{1,2,3\\}"),
]
DIFFERENT = [
    ("10000", "9999"),
    ("1/2^99", "1/2^98"),
    ("2^{100}", "1267650600228229401496703205377"),
    ("1.50", "150"),
    ("5\\%", "0.5"),
    ("-7", "7"),
    ("15 m", "15 cm"),
    ("$10", "£10"),
    ("123", "1,2,3"),
    ("7", "7 or 8"),
    ("(1,2)", "(2,1)"),
    ("(0,1)", "[0,1]"),
    ("[-4,9]", "(-4,9)"),
    ("(1,2)", "(1,2,3)"),
    ("\\{1,2\\}", "\\{1,3\\}"),
    ("x > 2", "x < 2"),
    ("\\infty", "-\\infty"),
    ("204_5", "204_6"),
    ("2:3", "3:2"),
    ("A", "B"),
    ("yes", "no"),
    ("2(x+1)", "2x+1"),
    ("4", "4\\sqrt{2}"),
    ("5", "5x"),
    ("5", "5 dollars and fifty cents"),
    ("2024-01-05", "2024-01-06"),
    ("\\sqrt{2}", "1.41421356237"),
    ("\\frac{1}{2004!}", "\\frac{1}{2006!}"),
    ("3 PM", "3 AM"),
    ("15 cm^2", "15 cm^3"),
    ("x^2+1", "x^2+x"),
    ("|x-1|", "x-1"),
    ("\\sqrt{x^2}", "x"),
    ("x+2y=3", "x+2y=4"),
    ("x \\ne 2", "x > 2"),
]
UNDECIDED = [
    ("-5", "5 below zero"),
    ("18", "18 eggs, but she keeps 2, so she sells 16"),
    ("0.5", "0.5%"),
    ("A", "A, B"),
    ("204_5", "204"),
    ("10:15", "20:30"),
    ("Evelyn", "Evelyn is fastest"),
    ("x", "0/0"),
    ("3/2x", "1.5x"),
]


@pytest.mark.parametrize(("gold", "prediction"), EQUAL)
def test_equal(gold, prediction):
    assert equal(prediction, gold).status == "correct"
    assert equal(gold, prediction).correct is not False


@pytest.mark.parametrize(("gold", "prediction"), DIFFERENT)
def test_different(gold, prediction):
    assert equal(prediction, gold).status == "wrong"


@pytest.mark.parametrize(("gold", "prediction"), UNDECIDED)
def test_undecided_is_never_wrong(gold, prediction):
    verdict = equal(prediction, gold)
    assert verdict.correct is None
    assert verdict.status in ("unparseable_prediction", "unparseable_gold")
    assert verdict.reason


def test_golds_of_every_type():
    assert equal("5", 5).correct
    assert equal(5, 5.0).correct
    assert equal("7", ("5", "7")).correct
    assert equal("8", ("5", "7")).correct is False
    assert equal("8", ("5", "0/0")).correct is None
    assert equal("5", "").status == "unparseable_gold"
    assert equal("5", ()).status == "unparseable_gold"
    assert equal("5", float("nan")).status == "unparseable_gold"
    assert equal(None, "5").status == "no_answer"
    assert equal("x", list(range(2_000))).correct is None
    assert equal("7", list(range(2_000))).correct


def test_options():
    options = ("A)12", "B)15", "C)18")
    assert equal("15", "B", options=options).correct
    assert equal("18", "B", options=options).correct is False
    assert equal("b", "B", kind="choice").correct
    assert equal("(C)", "18", options=options).correct
    assert equal("34, 62", "A", options=("62, 34", "34, 62")).correct is False
    assert equal("none of these", "B", options=("18", "None of these")).correct


def test_an_unknown_kind_is_a_config_error():
    with pytest.raises(ConfigError, match="expected one of auto"):
        check("#### 1", "1", kind="maths")


def test_check_names_the_rule():
    verdict = check("5 + 3 = 8\n#### 8", "8")
    assert (verdict.correct, verdict.answer, verdict.rule) == (True, "8", "hashes")


@settings(deadline=None)  # the first to need a worker waits for it to start
@given(st.text(max_size=60) | st.text("0123456789.,-+*/^(){}[]\\\\$%x= ", max_size=40))
def test_a_text_equals_itself_and_nothing_raises(text):
    assert equal(text, text).status == ("correct" if text.strip() else "no_answer")
    assert check(text, "5").status in get_args(Status)
    assert equal("5", text).correct == equal(text, "5").correct or not text.strip()


HOSTILE = {
    "digits": "9" * 100_000,
    "tower": "9^{9^{9^{9}}}",
    "parens": "(" * 5_000 + "1" + ")" * 5_000,
    "braces": "\\boxed{" * 5_000 + "1" + "}" * 5_000,
    "boxes": "\\boxed{1} " * 100_000,
    "letters": "a" * 1_000_000,
    "spaces": " " * 1_000_000,
    "lines": "\n" * 1_000_000,
    "backslashes": "\\" * 1_000_000,
    "dollars": "$" * 1_000_000,
    "commas": "1," * 500_000,
    "hashes": "#### " * 200_000,
    "marks": "Final Answer: " * 70_000,
    "fractions": "\\frac{1}{" * 2_000 + "1" + "}" * 2_000,
    "list": ",".join(map(str, range(3_000))),
    "surrogates": "\ud800" * 1_000,
    "factorials": "9!!!!!!!!",
    "exponent": "1e999999999",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_ends_quickly(text):
    assert check(text, "42").correct is not True
    assert check("\\boxed{" + text + "}", "42").correct is not True
    assert equal("42", text).correct is not True
    assert equal(text[:500], text[:499] + "x").correct is not True


@pytest.mark.parametrize(
    "response", [None, 5, 5.0, True, b"5", [], 10**20_000], ids=lambda value: type(value).__name__
)
def test_never_raises(response):
    assert check(response, "5").status in ("correct", "no_answer")


@pytest.mark.parametrize("name", ["graders_dev.jsonl", "graders_real_dev.jsonl"])
def test_labelled_pairs(name):
    clear = [row for row in rows(name) if not row.get("ambiguous")]
    marks = []
    for row in clear:
        grade = check if row["kind"] == "response" else equal
        marks.append((grade(row["pred"], row["gold"]).correct, row["equal"]))
    accepted = [is_equal for correct, is_equal in marks if correct]
    assert sum(accepted) / len(accepted) >= 0.995
    assert sum(accepted) / sum(is_equal for _, is_equal in marks) >= 0.97
    assert not [mark for mark in marks if mark == (False, True)]


@pytest.mark.parametrize(
    ("weak", "accuracy"), [("gemma_2b", 0.329), ("llama2_7b", 0.416), ("mistral_7b", 0.660)]
)
def test_weak_teachers_of_a_published_run(weak, accuracy):
    gold = {int(row["id"]): row["answer"] for row in rows("gair_w2s/problems.jsonl.gz")}
    traces = rows(f"gair_w2s/{weak}_weak.jsonl.gz")
    verdicts = [check(row["response"], gold[row["id"]]) for row in traces]
    marked = [one.correct is True and one.rule == "hashes" for one in verdicts]
    assert sum(marked) / len(traces) == pytest.approx(accuracy, abs=0.0015)


def test_a_fault_of_ours_is_an_undecided_error(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    # the package's `equal` is the function of that module
    monkeypatch.setattr(import_module("reason_w2s.answers.equal"), "read", broken)
    verdict = equal("5", "6")
    assert (verdict.status, verdict.correct) == ("error", None)
    assert "ZeroDivisionError" in verdict.reason


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("10^{5000}-1", "10^{5000}"),
        ("(1000)!", "(1000)!+1"),
        ("e^{5000}", "e^{5000}+1"),
        ("\\binom{5000}{2500}", "\\binom{5000}{2500}+1"),
    ],
)
def test_huge_values_that_differ_by_little_are_not_the_same(left, right):
    assert equal(left, right).correct is not True
    assert equal(left, left + "+0").correct is not False
