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
    ("so \\fbox{5}", "auto", "5", "boxed"),
    ("so $\\boxed 5$", "auto", "5", "boxed"),
    ("so $\\boxed\\frac12$ yes", "auto", "\\frac12", "boxed"),
    ("from a string literal: \x08oxed{5}", "auto", "5", "boxed"),
    ("$\\boxed{204}_5$", "latex", "204_5", "boxed"),
    ("\\(\\boxed{28}\\%\\)", "auto", "28\\%", "boxed"),
    ("use \\boxed{} for it.\nThe answer is 5.", "auto", "5.", "the_answer_is"),
    ("<think>\\boxed{15}</think>It is \\boxed{12}", "auto", "12", "boxed"),
    ("<answer>\n\\boxed{42}\n</answer>", "auto", "42", "boxed"),
    ("**Final Answer**\n\\[ \\boxed{\\frac{1}{2}} \\]", "auto", "\\frac{1}{2}", "boxed"),
    ("\\boxed{5$. Final Answer: The final answer is $5$.", "auto", "5", "final_answer"),
    # a later statement counts if it is a sentence, and a plain answer
    ("\\boxed{6} is the side.\nThe answer is: 36", "auto", "36", "the_answer_is"),
    ("\\boxed{17}. If $n=2$, the answer is 3.", "auto", "17", "boxed"),
    ("\\boxed{17}\n\nThe answer is that we add 8 and 9.", "auto", "17", "boxed"),
    ("\\boxed{10001_2} The answer is: 10001", "auto", "10001_2", "boxed"),
    ("She adds \\boxed{40} to it.\nFinal Answer: $1,240", "auto", "$1,240", "final_answer"),
    ("\\boxed{\\frac{37\\pi}{4}}. The answer is: 37/4", "auto", "\\frac{37\\pi}{4}", "boxed"),
    ("the sine is $\\boxed{6}.$ So the answer is 36.", "auto", "36.", "the_answer_is"),
    # ####
    ("5 + 3 = 8\n#### 8 ", "auto", "8", "hashes"),
    ("5 + 3 = 8 ; 8 - 2 = 6 ; #### 6", "auto", "6", "hashes"),
    ("#### 18\n\nQuestion: Tom has 3.\nAnswer: 3\n#### 3", "auto", "18", "hashes"),
    ("#### 18\n<|im_end|>\n#### 3", "auto", "18", "hashes"),
    ("#### Step 3: add 5\nThis gives 8\n#### 8", "auto", "8", "hashes"),
    ("#### Answer: 8", "auto", "8", "hashes"),
    ("So she needs #### 762 M&Ms.", "auto", "762", "hashes"),
    ("He needs #### 36 more signatures to reach 100.", "auto", "36 more signatures", "hashes"),
    ("#### 2 + 7 = 9", "auto", "9", "hashes"),
    ("#### 12 - J", "auto", "12 - J", "hashes"),
    ("#### 2 hours 30 minutes", "auto", "2 hours 30 minutes", "hashes"),
    ("#### Evelyn", "text", "Evelyn", "hashes"),
    # headings and labels
    ("add 9\n\n**ANSWER**\n$18", "number", "$18", "final_answer"),
    ("**3. ANSWER**\n54", "number", "54", "final_answer"),
    ("## ANSWER\n\n**$18**", "number", "$18", "final_answer"),
    ("### Final Answer\n42", "number", "42", "final_answer"),
    ("**Final Answer: 18**", "number", "18", "final_answer"),
    ("**Final Answer:**\n\\[\nx = \\frac{3}{4}\n\\]", "auto", "x = \\frac{3}{4}", "final_answer"),
    ("the final answer is 2x + 20 = 36.\n\n**ANSWER**\n8", "number", "8", "final_answer"),
    ("**ANSWER**\n5 * 3 = 15\n15 + 1 = 16", "number", "16", "last_number"),
    (
        "The final answer is $\\frac{14}{3}$. I hope it is correct.",
        "auto",
        "\\frac{14}{3}",
        "final_answer",
    ),
    ("Final Answer: Ann left 4 days ago.", "auto", "4 days ago.", "final_answer"),
    ("<answer> 600", "auto", "600", "final_answer"),
    ("<answer>42</answer>", "auto", "42", "final_answer"),
    ("9 * 2 = 18\nA: 18", "auto", "18", "a_colon"),
    ("**Answer:** 12\n\n(Checked in 2 ways.)", "auto", "12", "a_colon"),
    ("> **Answer: 5**", "auto", "5", "a_colon"),
    (
        "\U0001d400\U0001d427\U0001d42c\U0001d430\U0001d41e\U0001d42b: \U0001d7d3",
        "auto",
        "5",
        "a_colon",
    ),
    ('{"steps": "3+2", "answer": "\\\\frac{1}{2}"}', "auto", "\\frac{1}{2}", "a_colon"),
    ("Answer $$ \n 9 \n $$", "auto", "9", "a_colon"),
    ("Answer: Step by step. She has 9 eggs.\nShe makes 18.", "number", "18", "last_number"),
    # sentences
    ("So the answer is 18 dollars.\nBye", "auto", "18 dollars.", "the_answer_is"),
    ("The answer is 12. Let me know if you have 3 more!", "auto", "12.", "the_answer_is"),
    (
        "The answer is not 17. The answer is 18. This answer is correct.",
        "auto",
        "18",
        "the_answer_is",
    ),
    ("The answer is 12 because 3 * 4 = 12", "auto", "12", "the_answer_is"),
    ("The answer is 5 or 6", "number", "5 or 6", "the_answer_is"),
    ("the answer is x + 1.", "latex", "x + 1.", "the_answer_is"),
    ("\u6240\u4ee5\u7b54\u6848\u662f 5\u3002", "number", "5", "the_answer_is"),
    ("La respuesta es 5", "number", "5", "the_answer_is"),
    # the closing line, and nothing else
    ("Janet makes **$18** every day.", "auto", "$18", "bold"),
    ("The total is **18**.\n\n(Note: 3 eggs were eaten.)", "auto", "18", "bold"),
    ("2 1/2", "number", "2 1/2", "whole"),
    ("(3, 4)", "latex", "(3, 4)", "whole"),
    ("Evelyn", "text", "Evelyn", "whole"),
    # guesses
    ("she pays 3 + 4 = 7 dollars", "auto", "7", "last_number"),
    ("the probability is 2/3.", "number", "2/3", "last_number"),
    ("Fred must deliver 160 roses by 5 pm.", "number", "160", "last_number"),
    ("She has 12 left.\n\nHow many did she have of 20?", "number", "12", "last_number"),
    ("Thus $x = \\frac{14}{3}$.", "number", "\\frac{14}{3}", "last_math"),
    ("which means $y < 7$.", "latex", "y < 7", "last_math"),
    ("so $(1+i)^2 = 1 + 2i - 1 = 2i$.", "latex", "2i", "last_math"),
    ("So, x = 5.", "latex", "5", "last_math"),
    ("A is too small and C too large, which leaves B", "choice", "B", "last_letter"),
    # multiple choice
    ("The answer is D, not A or C", "choice", "D", "the_answer_is"),
    ("The correct option is **C**", "choice", "C", "the_answer_is"),
    ("I would say Option D is correct", "choice", "D", "the_answer_is"),
    ("So it is B.\nAnswer: (B)", "choice", "B", "a_colon"),
    ("The answer is: B, C", "choice", "B, C", "the_answer_is"),
    ("La r\u00e9ponse est A, pas B", "choice", "A", "the_answer_is"),
    ("B: because A is wrong", "choice", "B", "whole"),
]


@pytest.mark.parametrize(("response", "kind", "answer", "rule"), CASES)
def test_found(response, kind, answer, rule):
    found = extract(response, kind)
    assert found is not None
    assert (found.answer, found.rule) == (answer, rule)


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("\\boxed{15 \\text{ slices left}}\n\\(\\boxed{15}\\)", "15"),
        ("\\boxed{x=5}\n\n\\boxed{5}", "5"),
        ("$\\boxed{\\frac{1}{2}}$ or $\\boxed{0.5}$", "0.5"),
        ("$\\boxed{1}$ and $\\boxed{2}$", "1, 2"),
        ("\\boxed{1}, \\boxed{2}, \\boxed{1}", "1, 2"),
        ("\\boxed{1}. But it is \\boxed{2}", "2"),
    ],
)
def test_boxes_side_by_side_are_a_list_of_what_differs(response, answer):
    assert set(extract(response).answer.split(", ")) == set(answer.split(", "))


@pytest.mark.parametrize(
    "response",
    [
        "",
        "   ",
        "I cannot solve this.",
        "it is \\boxed{18",
        "\\boxed{17} no: \\boxed{1",
        "\\boxed{}",
        # cut off
        "<think>so 5 and 6 make 11",
        "That gives 5 + 6 =",
        "That gives \\[ 5 + 6",
        "There are 5 apples, and the",
        "x = 5\ny = 6\nprint(x * y)",
        "It gives 5.\n\nTherefore, the number of apples he",
        "Solve:\n6. Add 5: 54x = 74.\n7.",
        # going round in circles
        "It is 5. " + "Wait, let me count the apples in the other box. " * 8,
        "5 / 3 = 1." + "6" * 300,
    ],
)
def test_no_answer(response):
    assert extract(response) is None
    assert check(response, "18").status == "no_answer"


def test_a_statement_in_a_thought_that_never_ends_counts():
    assert extract("<think>So the answer is \\boxed{12}").answer == "12"


def test_what_takes_back_an_answer_is_no_plain_answer():
    text = "The answer is 18 eggs, but she keeps 2, so she sells 16."
    assert check(text, "18").correct is not True


def test_spaced_hashes_and_headings_are_no_mark():
    assert extract("8 - 2 = 6 dollars ; # # # # 6").rule == "last_number"
    assert extract("#### Step 2: add 5 and 3\nThis gives 8").rule == "last_number"
    assert extract("#### 2. Add\nThis gives 8").rule == "last_number"
    assert extract("#### Conclusion\nThis gives 8").rule == "last_number"


def test_a_question_ends_a_response_only_behind_a_solution():
    assert extract("Sure, let me solve it.\nQuestion: Tom?\nAnswer: 18").answer == "18"
    assert extract("She has 18 dollars.\n\nQuestion: Tom?\nAnswer: 3").answer == "18"


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("\\boxed{1} and \\boxed{2}. Wait. So \\boxed{3}", "1, 2"),
        ("\\boxed{1}. I go on \\boxed{2", "1"),
        ("\\boxed{1 never closes, \\boxed{2}", "2"),
        ("#### Step 1\nadd\n#### 5\nNew: add 1\n#### 6", "5"),
        ("Final Answer: The final answer is $5$. I hope it is correct.\n\nFinal Answer: 6", "5"),
        ("**ANSWER**\n5\n\n**PLAN**\nadd 1\n\n**ANSWER**\n6", "5"),
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
        if text.count("boxed") + text.count("####") == 1 and "nswer" not in text:
            assert extract_first(text) == extract(text)


def test_unclosed_box():
    assert unclosed_box("it is \\boxed{18")
    assert not unclosed_box("it is \\boxed{1} and {")
    assert not unclosed_box("<think>\\boxed{1</think> \\boxed{2}")


def test_the_text_after_a_thought_is_all_that_counts():
    assert extract("<think>the answer is 5</think> Hm.") is None


HOSTILE = [
    *(char * 1_000_000 for char in "x \n\\1{}#$*(=-:\x00\ud800"),
    *(
        part * 100_000
        for part in (
            *("\\boxed{", "\\boxed{5}$,", "\\boxed 5", "\\fbox", "box", "\\(", "\\[", "$5 ", "<<"),
            *(
                "#### ",
                "#### 5\n",
                "**5** ",
                "**Final Answer** \n",
                "A: ",
                "A. ",
                ". ",
                "1,",
                "= 5 ",
            ),
            *(
                "answer is ",
                "answer\n",
                "Answer: ",
                "answer (",
                "answer to ",
                '"answer": "\\',
                "(\n",
            ),
            *("the answer is 5. ", "\nQuestion: ", "<think>", "</think>", "option "),
            *("\u7b54\u6848", "\U0001d400", "\u0130 answer is "),
        )
    ),
    "\\boxed{" + "{" * 10_000 + "5" + "}" * 10_000 + "}",
    "The answer is " + "1" * 400_000,
    "The answer is " + "is " * 100_000,
    "The answer is 5 " + "but " * 100_000,
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["number", "latex", "choice", "text"])
def test_hostile_input_is_read_in_linear_time(kind):
    for text in HOSTILE:
        for found in (extract(text, kind), extract_first(text, kind)):
            assert found is None or found.answer
        assert unclosed_box(text) in (True, False)


def test_real_traces_that_mark_an_answer_are_read_by_their_mark():
    """yks23's prompts ask for `**ANSWER**`, `<answer>` or a box; openai's models end in `A: x`."""
    for name, least in (("yks23_gsm8k", 0.97), ("openai_gsm8k_gpt3", 0.99)):
        rows = shared_data.rows(f"traces/{name}.jsonl.gz")
        rules = [found.rule for row in rows if (found := extract(row["response"], "number"))]
        marked = sum(rule in ("boxed", "hashes", "final_answer", "a_colon") for rule in rules)
        assert marked >= least * len(rows)
