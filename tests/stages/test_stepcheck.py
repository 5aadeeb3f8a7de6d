"""What is seen in a trace without gold."""

import random
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
from pydantic import ValidationError

from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.stepcheck import FLAGS, StepcheckConfig, stepcheck
from reason_w2s.stages.table import STAGES
from tests.answers.shared_data import rows

GOOD = "5 + 3 = 8\n\n8 - 2 = 6\n#### 6"


def row(text, question="Tom has 5 apples.", finish="stop", gold="6"):
    problem = Problem(id="p1", question=question, gold=gold)
    trace = Trace(
        key=f"k{len(text)}",
        problem_id="p1",
        model="m",
        index=0,
        text=text,
        finish_reason=finish,
        n_prompt=3,
        n_tokens=9,
    )
    return Row(trace, problem)


def look(text, cfg=None, **more):
    (found,) = stepcheck([row(text, **more)], cfg or StepcheckConfig())
    return found


def test_a_good_trace():
    assert look(GOOD) == {
        "key": f"k{len(GOOD)}",
        "flags": (),
        "reasons": (),
        "n_steps": 3,
        "ends": (11, 21, 27),
        "verdicts": (True, True, None),
        "n_equations": 2,
        "n_wrong_equations": 0,
        "first_error": None,
        "wrong_share": 0.0,
        "think": None,
    }


def test_the_first_wrong_step_counts_lines_that_are_not_empty():
    found = look("5 + 3 = 8\n\n8 - 2 = 5\n5 + 5 = 11\n#### 11")
    assert found["flags"] == ("wrong_arithmetic",)
    assert found["reasons"] == ("8 - 2 = 5",)
    assert (found["n_equations"], found["n_wrong_equations"], found["first_error"]) == (3, 2, 1)
    assert found["verdicts"] == (True, False, False, None)
    assert found["wrong_share"] == 0.5


STEPS = {
    "lines": ((False, None), 0.5),
    "marks": ((False,), 1.0),
    "sentences": ((True, False, None), 1 / 3),
    "equations": ((True, False, None), 1 / 3),
    "auto": ((False, None), 0.5),
}


@pytest.mark.parametrize(("by", "expected"), STEPS.items())
def test_what_a_step_is(by, expected):
    found = look("He has 5 + 3 = 8. Then 8 - 2 = 5.\n#### 5", StepcheckConfig(steps=by))
    assert (found["verdicts"], found["wrong_share"]) == expected
    assert found["n_steps"] == len(found["ends"]) == len(expected[0])


def test_a_step_with_a_right_and_a_wrong_equation_is_wrong():
    for text in ("5 + 3 = 8, then 1 + 1 = 3, then 2 + 2 = 4", "5 + 3 = 9, then 1 + 1 = 2"):
        assert look(text, StepcheckConfig(steps="lines"))["verdicts"] == (False,)
    # a step that is not read is not judged
    assert look("5 + 3 = 8\n2x + 3 = 7")["verdicts"] == (True, None)


def test_no_steps_have_no_share():
    assert (look("")["wrong_share"], look("")["verdicts"]) == (None, ())
    assert (look(" \n")["wrong_share"], look(" \n")["verdicts"]) == (0.0, (None,))


EACH_CASE = "".join(
    f"The number {n} is neither a factor of 34 nor a multiple of 7.\n" for n in (3, 4)
)
ENUMERATED = f"The numbers are 3, 4, 8 and 29. {EACH_CASE}14 is two times 7.\n" * 2
LOOP = "wait, let me check this once more now. "
WORDS = [f"w{at}" for at in range(300)]
LETTERS = ["".join(two) for two in product("abc", repeat=2)] * 20
random.Random(0).shuffle(LETTERS)

CASES = {
    "  \n": ("empty", "no_answer"),
    "5 + 3 = 8 so": ("no_answer",),
    "5 + 3 = 8\nSo she has 8 of them.": (),
    "5 + 3 = 8\nSo we need to add 8.": ("no_answer",),
    "5 + 3 = 8\nShe has 8 of them.": ("no_answer",),
    "it is \\boxed{6": ("no_answer", "unclosed_box"),
    "so we add 5 + 3 =": ("unfinished", "no_answer"),
    f"{GOOD}\n\nNow to be sure,": ("unfinished",),
    f"{GOOD}\nSo \\(x + 8": ("unfinished",),
    f"{GOOD}\n```python\nprint(6)": ("unfinished",),
    f"{GOOD}\n```python\nprint(6)\n```\n---": (),
    f"{GOOD}\n**so it is 6**": (),
    f"{GOOD}\n\\[ 8 - 2 = 6 \\]": (),
    "<think>5 + 3 = 8\n#### 8": ("unclosed_think",),
    "<think>5 + 3 = 8</think>\n#### 8": (),
    "5 + 3 = 9\n#### 9": ("wrong_arithmetic",),
    LOOP * 4 + "no answer": ("no_answer", "repetition"),
    LOOP * 3 + "no answer": ("no_answer",),
    # where an answer follows, nearly all must be repetition
    LOOP * 4 + GOOD: (),
    LOOP * 9 + GOOD: ("repetition",),
    LOOP * 4 + " ".join(WORDS) + " no answer": ("no_answer",),
    # a right solution says the same of each case (six words of it four times), a loop little else
    f"{ENUMERATED}{' '.join(WORDS[:40])}\n{GOOD}": (),
    f"{' '.join(WORDS[:60])} {' '.join(LETTERS)} no": ("no_answer", "repetition"),
    f"{' '.join(WORDS[:60])} {' '.join(LETTERS)} {GOOD}": (),
    "so x = 0." + "72" * 150: ("no_answer", "repetition"),
    "so x = 0." + "72" * 90 + f"\n{GOOD}": (),
    "see https://example.com\n" + GOOD: ("noise",),
    "5 &lt; 6\n" + GOOD: ("noise",),
    "caf\ufffd\n" + GOOD: ("noise",),
    "see <br/>5\n" + GOOD: ("noise",),
    "see <p> and a <b> c\n" + GOOD: ("noise",),
    "a <b and c> d\n" + GOOD: (),
    "所以 " + GOOD: ("foreign_script",),
    "итак " + GOOD: ("foreign_script",),
    "π + θ, naïve \U0001d465 → ½ 😀\n" + GOOD: (),
    "R&D; profit & loss; café; 5 ≤ 6\n" + GOOD: (),
}


@pytest.mark.parametrize(("text", "flags"), CASES.items())
def test_flags(text, flags):
    assert look(text)["flags"] == flags


@pytest.mark.parametrize(
    ("text", "think"),
    [
        ("<think>a</think> b", "whole"),
        ("a</think> b", "unopened"),
        ("a</think> b <think>c</think>", "unopened"),
        ("<think>a</think> b <think> c", "unclosed"),
        ("a</think> b <think> c", "unclosed"),
        ("a", None),
    ],
)
def test_thinking_marks(text, think):
    assert look(text)["think"] == think


def test_real_loops_and_real_solutions():
    """Read from the shared traces: what ends in the same line for pages, and what does not."""
    seen = Counter()
    for trace in rows("traces/hawkeye_gsm8k_r1distill.jsonl.gz"):
        text = trace["response"]
        loop = len(set(text[-400:].split())) <= 4
        flagged = "repetition" in look(text)["flags"]
        assert flagged or not loop, text[-400:]
        seen[loop, flagged] += 1
    assert seen == {(True, True): 40, (False, True): 1, (False, False): 2597}
    good = [one for one in rows("traces/gsmplus_gsm8k_outputs.jsonl.gz") if one["model"] == "gpt4"]
    assert len(good) == 1319
    assert not any("repetition" in look(one["response"])["flags"] for one in good)


def test_truncation_is_what_the_engine_says():
    assert look(GOOD, finish="length")["flags"] == ("truncated",)


def test_cjk_and_urls_of_the_question_are_no_noise():
    assert look("所以\n" + GOOD, question="小明有几个苹果?")["flags"] == ()
    assert look("www.a.com\n" + GOOD, question="How long is www.a.com?")["flags"] == ()


def test_thresholds():
    wrong = "5 + 3 = 9\n#### 9"
    assert look(wrong, StepcheckConfig(max_wrong_equations=1))["flags"] == ()
    assert look("so 8", StepcheckConfig(accept_guesses=True))["flags"] == ()
    assert look(LOOP * 9 + GOOD, StepcheckConfig(repeats=10))["flags"] == ()
    assert look(LOOP * 4 + GOOD, StepcheckConfig(max_repeated_answered=0.7))["flags"] != ()
    assert look("所以 " + GOOD, StepcheckConfig(max_foreign_share=0.5))["flags"] == ()


def test_one_dict_per_row_in_order_with_the_columns():
    texts = [GOOD, "", "5 + 3 = 9"]
    found = list(stepcheck(map(row, texts), StepcheckConfig()))
    assert [one["key"] for one in found] == [f"k{len(text)}" for text in texts]
    assert all(set(one) == {"key", *STAGES["stepcheck"].columns} for one in found)


def test_gold_is_never_read():
    for text in CASES:
        blind = replace(row(text), problem=Problem(id="p1", question="Tom has 5 apples."))
        (without,) = stepcheck([blind], StepcheckConfig())
        assert without == look(text)


def test_reasons_say_what_was_seen():
    seen = {
        "所以 и 因 " + GOOD: "Han 3, Cyrillic 1",
        "see https://example.com/a\n" + GOOD: "a URL: https://",
        "5 &lt; 6\n" + GOOD: "an HTML entity: &lt;",
        "a<br/>b\n" + GOOD: "an HTML tag: <br/>",
        "caf\ufffd\n" + GOOD: "a lost byte",
        "7 * 8 = 54\n#### 54": "7 * 8 = 54",
        f"{GOOD} and 5 +": "ends with +",
        f"{GOOD} and \\[ 5": "ends behind \\[",
        LOOP * 9 + GOOD: "86% of its end are runs of 6 words that repeat",
        GOOD + "\n" + "72" * 150: "300 characters of the same again and again",
    }
    for text, reason in seen.items():
        assert look(text)["reasons"] == (reason,), text
    both = look("", finish="length")
    assert len(both["flags"]) == len(both["reasons"]) == 3


def test_flags_come_in_one_order():
    assert look("  \n", finish="length")["flags"] == ("empty", "truncated", "no_answer")
    places = [FLAGS.index(name) for name in ("empty", "truncated", "no_answer")]
    assert places == sorted(places)


def test_unknown_key_is_refused():
    with pytest.raises(ValidationError):
        StepcheckConfig(repeat=3)
