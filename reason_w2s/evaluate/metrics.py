"""From graded traces to scores.

Accuracy is the mean over problems of the mean over that problem's samples. What could not be
decided counts as not correct, and its rate is shown beside it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from reason_w2s.evaluate.statistics import Interval, pass_at_k, wilson
from reason_w2s.records import FinishReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One graded trace. `first_correct`: the verdict on its first marked answer, not its last."""

    problem_id: str
    correct: bool | None
    finish_reason: FinishReason
    n_tokens: int
    status: str
    level: int | None
    first_correct: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Scores of one model on one set.

    `n` problems, `samples` traces, `correct` of them. `accuracy` and its 95% interval (`low`,
    `high`) are shares of problems; the rates are shares of traces. `mean_tokens`: per trace.
    `first_accuracy`: as `accuracy`, by each trace's first marked answer. `by_level` holds the same
    for each level, named as text; there `by_level` is empty.
    """

    n: int
    samples: int
    correct: int
    accuracy: float
    low: float
    high: float
    stop_rate: float
    truncation_rate: float
    no_answer_rate: float
    undecided_rate: float
    mean_tokens: float
    first_accuracy: float
    by_level: dict[str, Score] = field(default_factory=dict)


def score(graded: Sequence[Graded]) -> Score:
    """The scores of graded traces, with the same for each level.

    The interval is Wilson's where every problem has one trace. Otherwise it is normal, from the
    spread of the problems' means (their samples are not independent), cut to 0..1.

    Raises:
        ValueError: there are no traces.
    """
    whole = _score(graded)
    levels = sorted({one.level for one in graded if one.level is not None})
    by_level = {str(at): _score([one for one in graded if one.level == at]) for at in levels}
    return replace(whole, by_level=by_level)


def problem_scores(graded: Sequence[Graded]) -> dict[str, float]:
    """Each problem's mean over its samples, in order of first appearance; for paired tests."""
    return {name: sum(marks) / len(marks) for name, marks in _marks(graded).items()}


def average_pass_at_k(graded: Sequence[Graded], k: int) -> float:
    """Unbiased pass@k, averaged over problems; pass@1 is the accuracy.

    Raises:
        ValueError: there are no traces, or a problem has fewer than `k`.
    """
    if not graded:
        raise ValueError("average_pass_at_k: got no graded traces")
    marks = _marks(graded).values()
    return float(np.mean([pass_at_k(len(one), sum(one), k) for one in marks]))


def _score(graded: Sequence[Graded]) -> Score:
    if not graded:
        raise ValueError("score: got no graded traces; expected at least one")
    marks = list(_marks(graded).values())
    firsts = _marks([replace(one, correct=one.first_correct) for one in graded]).values()
    means = [sum(one) / len(one) for one in marks]
    interval = _interval(marks, means)
    samples = len(graded)
    finish = Counter(one.finish_reason for one in graded)
    return Score(
        n=len(marks),
        samples=samples,
        correct=sum(map(sum, marks)),
        accuracy=float(np.mean(means)),
        low=interval.low,
        high=interval.high,
        stop_rate=finish["stop"] / samples,
        truncation_rate=finish["length"] / samples,
        no_answer_rate=sum(one.status == "no_answer" for one in graded) / samples,
        undecided_rate=sum(one.correct is None for one in graded) / samples,
        mean_tokens=sum(one.n_tokens for one in graded) / samples,
        first_accuracy=float(np.mean([sum(one) / len(one) for one in firsts])),
    )


def _marks(graded: Sequence[Graded]) -> dict[str, list[bool]]:
    marks: dict[str, list[bool]] = defaultdict(list)
    for one in graded:
        marks[one.problem_id].append(one.correct is True)
    return marks


def _interval(marks: Sequence[Sequence[bool]], means: Sequence[float]) -> Interval:
    n = len(means)
    if all(len(one) == 1 for one in marks):
        return wilson(sum(map(sum, marks)), n)
    if n == 1:
        return Interval(0.0, 1.0)
    half = float(stats.norm.ppf(0.975)) * float(np.std(means, ddof=1)) / math.sqrt(n)
    middle = float(np.mean(means))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))
