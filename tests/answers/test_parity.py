"""The fixed rules of others. What they say of each text was found by running the published code."""

import time

import pytest

from reason_w2s.answers.minerva import minerva_normal
from reason_w2s.answers.parity import hendrycks_normal, parity, parity_equal
from reason_w2s.answers.verdict import PARITY_KINDS
from reason_w2s.errors import ConfigError

GSM8K = [
    # response, gold, what each extracts and whether it is right: strict, flexible
    ("so #### 5 or 6", "5", ("5", True), ("6", False)),
    ("#### 1,234.", "1234", ("1,234.", True), ("1,234.", True)),
    ("#### -7\n#### 8", "-7", ("-7", True), ("8", False)),
    ("the answer is 5", "5", (None, False), ("5", True)),
    ("#### $5", "5", (None, False), ("$5", True)),
    ("it costs $5.50.", "5.50", (None, False), ("$5.50.", True)),
    ("a $ sign.", "5", (None, False), (None, False)),
    ("#### 12", "He has 12.\n#### 12", ("12", True), ("12", True)),
    ("5.0", "5", (None, False), ("5.0", False)),
]


@pytest.mark.parametrize(("response", "gold", "strict", "flexible"), GSM8K)
def test_gsm8k(response, gold, strict, flexible):
    for kind, expected in (("strict", strict), ("flexible", flexible)):
        verdict = parity(response, gold, f"lm_eval_gsm8k_{kind}")
        assert (verdict.answer, verdict.correct) == expected
        assert verdict.status == (
            "no_answer" if expected[0] is None else "correct" if expected[1] else "wrong"
        )
        assert verdict.rule == (None if expected[0] is None else f"lm_eval_gsm8k_{kind}")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("x = 5", "5"),
        ("12 cm", "12"),
        ("\\frac12", "\\frac{1}{2}"),
        ("\\sqrt3", "\\sqrt{3}"),
        ("\\sqrt[3]8", "\\sqrt[3]{8}"),
        ("\\text{12} \\text{ cm}", "12"),
        ("1,234,567", "1234567"),
        ("0,1", "0,1"),
        ("the value is $3$ or $4$", "3"),
        ("\\textbf{(A)} 5", "(A)5"),
        ("0.\\overline{3}", "0.3"),
        ("\\boxed{7}.", "7."),
        ("a square of 5 ft", "of5"),
        ("2\\left(x\\right)", "2\\left(x\\right)"),
        ("90^\\circ", "90"),
        ("\\$12{,}000", "12000"),
        ("\\frac{a}{b}{c", "\\frac{a}{b}{c"),
        ("\\text{never", "\\text{never"),
        ("x=y=3\\text{ m}", "3"),
    ],
)
def test_minervas_text(text, normal):
    assert minerva_normal(text) == normal


def test_minerva_reads_one_sentence_only():
    said = "So \\boxed{7}.\nFinal Answer: The final answer is ${}$. I hope it is correct."
    for answer, gold, correct in (
        ("12", "12", True),
        ("\\frac{1}{2}", "0.5", True),
        ("2(x+1)", "2x+2", True),
        ("x(x+1)", "x^2+x", False),
        ("x^2", "x", False),
    ):
        verdict = parity(said.replace("{}", answer), gold, "lm_eval_minerva")
        assert (verdict.correct, verdict.answer) == (correct, f"${answer}$")
    assert parity("The final answer is 12.", "12", "lm_eval_minerva").status == "no_answer"
    # a sentence that was cut off right before its end still counts
    cut = "Final Answer: The final answer is 3. "
    assert parity(cut, "3", "lm_eval_minerva").correct is True


MINERVA = [
    # what theirs said of each
    ("4:30 \\text{ p.m.}", "4:30p..", True),  # read up to the dot, a ratio times a letter
    ("\\frac{1}{216}", "\\frac{1}{{}216}", False),  # a group of nothing is not read
    ("$\\displaystyle\\frac{3}{4}$", "\\frac{3}{4}", False),  # an unknown command is a letter
    ("\\displaystyle 0, \\frac{1}{2}", "0, \\frac{1}{2}", True),
    ("3.0 \\pm 2 \\sqrt{2}", "3 \\pm 2 \\sqrt{2}", True),
    ("-\\arcsin 1", "-\\frac{\\pi}{2}", False),  # and so are pi, e and i
    ("0.25\\pi", "\\frac{\\pi}{4}", True),
    ("\\pi r^2", "r^2\\pi", False),  # \pir, for blanks are gone
    ("i^2", "-1", False),
    ("e^0", "1", True),
    ("\\frac{183803159792058355}{562949953421312}", "326.5", True),  # equal as floats
    ("0.1+0.2", "0.3", False),
    ("0.333333333333333333333", "\\frac13", False),
    ("0.1x", "\\frac{x}{10}", True),
    ("0.5\\sqrt{3}", "\\frac{\\sqrt{3}}{2}", True),
    ("5%", "0.05", False),
    ("070", "70", False),
    ("00", "0", True),
    ("5.", "5", False),
    ("187.5.", "187.5", True),
    ("8.18.", "8.18", False),
    ("12men", "12nem", True),  # letters are factors
    ("a(b+c)", "ab+ac", False),  # but before a bracket a function
    ("2(3)", "6", True),
    ("x2", "2x", True),
    ("(3,\\frac{\\pi}{2}).", "(3,\\frac{\\pi}{2})", False),
]


@pytest.mark.parametrize(("answer", "gold", "same"), MINERVA)
def test_minerva_reads_as_sympys_parser_does(answer, gold, same):
    assert parity_equal(answer, gold, "lm_eval_minerva").correct is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("\\frac12", "1/2", True),
        ("0.5", "\\frac{1}{2}", True),
        ("0.50", "\\frac{1}{2}", False),
        ("x=3", "3", True),
        ("abc=3", "3", False),
        ("12\\text{ cm}", "12", True),
        ("12\\text{cm}", "12", False),
        ("\\sqrt3", "\\sqrt{3}", True),
        ("90^\\circ", "90", True),
        ("50\\%", "50", True),
        ("\\frac", "\\frac", True),
        ("\\frac", "\\frac ", False),
        ("1,2", "1, 2", True),
        ("-1/2", "-\\frac{1}{2}", False),
        ("01/2", "\\frac{1}{2}", False),
        (".5", "0.5", True),
        ("\\dfrac{1}{2}", "\\tfrac{1}{2}", True),
        ("1\\text{ a}\\text{ b}", "1", False),
    ],
)
def test_hendrycks(one, other, same):
    for left, right in ((one, other), (other, one)):
        assert parity_equal(left, right, "hendrycks").correct is same


def test_hendrycks_reads_the_last_box():
    for response, answer in (
        ("\\boxed{1} or \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("\\boxed{1} or \\boxed{\\frac{1}{2}", None),
        ("\\fbox{3}", None),
        ("\\boxed 3", None),
        ("3", None),
    ):
        assert parity(response, "3", "hendrycks").answer == answer


def test_several_golds_and_numbers_as_gold():
    assert parity("#### 18", 18, "lm_eval_gsm8k_strict").correct is True
    assert parity("#### 18", ["17", "18"], "lm_eval_gsm8k_strict").correct is True
    assert parity("#### 19", ["17", "18"], "lm_eval_gsm8k_strict").correct is False


@pytest.mark.parametrize("kind", PARITY_KINDS)
def test_odd_inputs_have_a_verdict(kind):
    for response in (None, 5, b"5", ["5"], ""):
        assert parity(response, "5", kind).status == "no_answer"
    said = "\\boxed{5} #### 5\nFinal Answer: The final answer is 5. I hope it is correct."
    for gold in (None, [], float("nan"), {}, b"5"):
        verdict = parity(said, gold, kind)
        assert (verdict.status, verdict.correct) == ("unparseable_gold", None)
    for gold in ("", " "):
        assert parity(said, gold, kind).status == "wrong", "theirs compare an empty gold"
    assert parity(said, "5", kind).correct is True


def test_an_unknown_rule_is_named():
    with pytest.raises(
        ConfigError, match="unknown 'minerva'; expected one of lm_eval_gsm8k_strict"
    ):
        parity("5", "5", "minerva")


BAIT = (
    *("#### ", "1", "1,", "-", "$", "$.", "{", "}", "\\boxed{", "\\boxed{}", "\\text{", "\\text{}"),
    *("\\sqrt[", "\\sqrt[3]a", "\\frac", "\\frac1", "=", "a ", " ", "\n", "\0", "\ud800"),
    *(
        "Final Answer: The final answer is",
        " I hope it is correct",
        "ft",
        "\\left",
        "1/2",
        "\\overline{",
    ),
)


@pytest.mark.parametrize("bait", BAIT)
def test_any_text_takes_time_in_its_length_only(bait):
    text = bait * (300_000 // len(bait))
    marked = f"{text}\nFinal Answer: The final answer is{text}. I hope it is correct."
    for kind in PARITY_KINDS:
        for response in (text, marked, f"\\boxed{{{text}}}"):
            began = time.process_time()
            assert parity(response, "5", kind).correct is not True or bait == "1"
            assert time.process_time() - began < 2


def test_normal_texts_of_long_bait_end():
    for bait in BAIT:
        began = time.process_time()
        minerva_normal(bait * 20_000)
        if "frac" not in bait and "sqrt" not in bait:
            hendrycks_normal(bait * 20_000)
        assert time.process_time() - began < 2
