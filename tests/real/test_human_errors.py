"""The step check beside people who marked the first wrong step (MR-GSM8K)."""

from __future__ import annotations

from collections import Counter

from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.stepcheck import StepcheckConfig, stepcheck
from tests.answers.shared_data import rows


def test_wrong_arithmetic_is_never_seen_before_the_first_wrong_step():
    file = rows("traces/mr_gsm8k_annotated_subset.jsonl.gz")
    assert {row["solution_correct"] for row in file} == {"wrong"}
    places = Counter(
        _place(columns["first_error"], row["first_error_step"])
        for row, columns in zip(file, stepcheck(map(_row, file), StepcheckConfig()), strict=True)
    )
    # most errors are of understanding: no sum is wrong. Where one is, it is the first error
    assert set(places) == {"unseen", "same", "after"}
    assert places["same"] >= 55
    assert places["after"] <= 9


def _row(row):
    trace = Trace(
        key=row["id"],
        problem_id=row["id"],
        model=row["model"],
        index=0,
        text=row["response"],
        finish_reason="stop",
        n_prompt=0,
        n_tokens=0,
    )
    return Row(trace, Problem(id=row["id"], question="?"))


def _place(found, marked):
    """Where ours (a step from 0) lies beside theirs (from 1)."""
    if found is None:
        return "unseen"
    return "same" if found + 1 == marked else "after" if found + 1 > marked else "before"
