"""What sampling until a verifier accepts is worth, for each verifier a run measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from reason_w2s.evaluate.attempts import Tried, verified
from reason_w2s.evaluate.curves import doubled
from reason_w2s.recipe.plan import Measured, Plan
from reason_w2s.records import Row
from reason_w2s.runs.graded import answers
from reason_w2s.runs.run import Run

KEY = 12
"""Letters of a store key that are shown."""


def resampled(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    """A row per verifier and suite, over the problems that have samples; the others are counted."""
    for one in plan.verifiers:
        drawn = [group for _, group in answers(run, one, one.graded)]
        asked = [group for group in drawn if group]
        if not asked:
            continue
        accepted = {row.trace.key for row in run.rows(one.step, ())}
        tried = [_tried(group, accepted, one) for group in asked]
        ks = doubled(min(problem.drawn for problem in tried))
        yield {
            "name": one.model,
            "suite": one.suite,
            "step": one.step,
            "key": f"{run.items[one.step].key[:KEY]} {run.items[one.graded].key[:KEY]}",
            "undrawn": len(drawn) - len(asked),
            **asdict(verified(tried, ks, plan.seed)),
        }


def _tried(group: Sequence[Row], accepted: set[str], one: Measured) -> Tried:
    right = [row.columns[f"{one.graded}.correct"] is True for row in group]
    kept = [row.trace.key in accepted for row in group]
    both = sum(a and b for a, b in zip(right, kept, strict=True))
    return Tried(len(group), sum(kept), both, sum(right))
