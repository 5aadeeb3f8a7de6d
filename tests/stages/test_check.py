"""Grading traces."""

from __future__ import annotations

import dataclasses

import pytest

from reason_w2s.stages.check import CheckConfig, check
from reason_w2s.stages.table import STAGES
from tests.stages.traces import group


def graded(text, gold="7", kind="number", **changes):
    (row,) = group("p", 1, texts=[text])
    problem = dataclasses.replace(row.problem, gold=gold)
    trace = dataclasses.replace(row.trace, **changes)
    (found,) = check(
        [dataclasses.replace(row, problem=problem, trace=trace)], CheckConfig(kind=kind)
    )
    assert set(found) == {"key", *STAGES["check"].columns}
    assert found["key"] == row.trace.key
    return found


@pytest.mark.parametrize(
    ("text", "gold", "correct", "status", "answer"),
    [
        ("The answer is \\boxed{7}.", "7", True, "correct", "7"),
        ("The answer is \\boxed{8}.", "7", False, "wrong", "8"),
        ("#### 7.0", "7", True, "correct", "7.0"),
        ("The answer is \\boxed{7}.", ("6", "7"), True, "correct", "7"),
        ("", "7", False, "no_answer", None),
        ("I do not know.", "7", False, "no_answer", None),
    ],
)
def test_verdicts(text, gold, correct, status, answer):
    found = graded(text, gold)
    assert (found["correct"], found["status"], found["answer"]) == (correct, status, answer)


def test_without_gold_nothing_is_right_or_wrong():
    found = graded("The answer is \\boxed{7}.", gold=None)
    assert (found["correct"], found["status"], found["answer"]) == (None, None, "7")
    assert "no gold" in found["reason"]


def test_a_failed_request_is_no_wrong_answer():
    found = graded("out of memory", finish_reason="error")
    assert (found["correct"], found["status"]) == (None, "error")
    assert found["reason"] == "out of memory"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("It is \\boxed{7}.", True, True),
        # right, and then it did not stop
        ("It is \\boxed{7}. Wait, \\boxed{8}. Wait, \\boxed{9}", True, False),
        ("It is \\boxed{7}. And now \\boxed{8", True, False),
        ("#### 7\nTom buys 3 more.\n#### 10", True, False),
        ("First \\boxed{3}, so \\boxed{4} more make 7.\n#### 7", False, True),
        ("so 7 apples", True, True),
        ("nothing", False, False),
    ],
)
def test_the_first_marked_answer_is_graded_too(text, first, last):
    found = graded(text)
    assert (found["first_correct"], found["correct"]) == (first, last)


def test_a_failed_request_and_a_missing_gold_have_no_first_verdict_either():
    assert graded("out of memory", finish_reason="error")["first_correct"] is None
    assert graded("The answer is \\boxed{7}.", gold=None)["first_correct"] is None
