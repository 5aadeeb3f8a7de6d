"""Where the answer is."""

import pytest

from reason_w2s.answers import check, extract, extract_first, unclosed_box
from tests.answers import shared_data

CASES = [
    # response, kind, answer, rule
    ("so \\boxed{\\frac{1}{2}} is it", "auto", "\\frac{1}{2}", "boxed"),
    ("\\boxed{17}... wait, no. It is \\boxed{18}.", "auto", "18", "boxed"),
    ("$n=\\boxed{1}$ and $n=\\boxed{-2}$", "auto", "1, -2", "boxed"),
    ("so $c = -\\boxed{37}$.", "auto", "-37", "boxed"),
    ("so $x - \\boxed{37}$.", "auto", "37", "boxed"),
    ("<think>\\boxed{15}</think>It is \\boxed{12}", "auto", "12", "boxed"),
    ("5 + 3 = 8\n#### 8 ", "auto", "8", "hashes"),
    ("5 + 3 = 8 ; 8 - 2 = 6 ; #### 6", "auto", "6", "hashes"),
    ("#### 18\n\nQuestion: Tom has 3.\nAnswer: 3\n#### 3", "auto", "18", "hashes"),
    ("She adds \\boxed{40} to it.\nFinal Answer: $1,240", "auto", "$1,240", "final_answer"),
    (
        "The final answer is $\\frac{14}{3}$. I hope it is correct.",
        "auto",
        "\\frac{14}{3}",
        "final_answer",
    ),
    ("Final Answer: Ann left 4 days ago.", "auto", "4 days ago.", "final_answer"),
    ("<answer> 600", "auto", "600", "final_answer"),
    ("So the answer is 18 dollars.\nBye", "auto", "18 dollars.", "the_answer_is"),
    ("9 * 2 = 18\nA: 18", "auto", "18", "a_colon"),
    ("**Answer:** 12\n\n(Checked in 2 ways.)", "auto", "12", "a_colon"),
    ("Janet makes **$18** every day.", "auto", "$18", "bold"),
    ("she pays 3 + 4 = 7 dollars", "auto", "7", "last_number"),
    ("the probability is 2/3.", "number", "2/3", "last_number"),
    ("which means $y < 7$.", "latex", "y < 7", "last_math"),
    ("A is too small and C too large, which leaves B", "choice", "B", "last_letter"),
    ("The answer is D, not A or C", "choice", "D", "the_answer_is"),
]


@pytest.mark.parametrize(("response", "kind", "answer", "rule"), CASES)
def test_found(response, kind, answer, rule):
    found = extract(response, kind)
    assert found is not None
    assert (found.answer, found.rule) == (answer, rule)


@pytest.mark.parametrize(
    "response",
    [
        "",
        "   ",
        "I cannot solve this.",
        "it is \\boxed{18",
        "\\boxed{17} no: \\boxed{1",
        "\\boxed{}",
    ],
)
def test_no_answer(response):
    assert extract(response) is None
    assert check(response, "18").status == "no_answer"


def test_spaced_hashes_and_headings_are_no_mark():
    assert extract("8 - 2 = 6 ; # # # # 6").rule == "last_number"
    assert extract("#### Step 2: add 5 and 3\nThis gives 8").rule == "last_number"
    assert extract("#### 2. Add\nThis gives 8").rule == "last_number"


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("\\boxed{1} and \\boxed{2}. Wait. So \\boxed{3}", "1, 2"),
        ("\\boxed{1}. I go on \\boxed{2", "1"),
        ("\\boxed{1 never closes, \\boxed{2}", "2"),
        ("#### Step 1\nadd\n#### 5\nNew: add 1\n#### 6", "5"),
        ("Final Answer: The final answer is $5$. I hope it is correct.\n\nFinal Answer: 6", "5"),
        ("<think>\\boxed{9}</think> \\boxed{5} <think> no </think> \\boxed{6}", "5"),
        ("the answer is 5. Then the answer is 6", "6"),
        ("so 5 and 6", "6"),
    ],
)
def test_the_first_mark(response, answer):
    assert extract_first(response).answer == answer


def test_the_first_mark_is_the_last_where_there_is_one():
    for row in shared_data.rows("fixtures/traces_mixed_permissive.jsonl"):
        text = row["response"]
        if text.count("boxed") + text.count("####") == 1 and "inal" not in text:
            assert extract_first(text) == extract(text)


def test_unclosed_box():
    assert unclosed_box("it is \\boxed{18")
    assert not unclosed_box("it is \\boxed{1} and {")
    assert not unclosed_box("<think>\\boxed{1</think> \\boxed{2}")


def test_the_text_after_a_thought_is_all_that_counts():
    assert extract("<think>the answer is 5</think> Hm.") is None
