"""From graded traces to scores.

Accuracy is the mean over problems of the mean over that problem's samples. What could not be
decided counts as not correct, and its rate is shown beside it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from reason_w2s.evaluate.statistics import mean_interval
from reason_w2s.records import FinishReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One graded trace. `first_correct`: the verdict on its first marked answer, not its last.

    `steps`: how many steps its problem takes, where that is known. `answer`: what was extracted;
    None where nothing was found. finish_reason: None where there is no trace: of a problem that
    nothing was chosen for, which counts as wrong and without an answer.
    """

    problem_id: str
    correct: bool | None
    finish_reason: FinishReason | None
    n_tokens: int
    status: str
    level: int | None
    first_correct: bool | None
    subject: str | None = None
    steps: int | str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Standard errors of an accuracy, in shares; None where there is nothing to measure it by.

    `total`: over problems, each with its samples: what other problems and other samples would
    change. `samples`: what sampling the same problems again would change. `problems`: what would
    be left with samples without end; total^2 = problems^2 + samples^2, `problems` not below 0.
    """

    total: float | None
    problems: float | None
    samples: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Scores of one model on one set.

    `n` problems, `samples` traces, `correct` of them. `accuracy` and its 95% interval (`low`,
    `high`) are shares of problems; the rates are shares of traces. `mean_tokens`: per trace.
    `first_accuracy`: as `accuracy`, by each trace's first marked answer. With k samples for each
    problem `accuracy` is what is called avg@k. `by_level` holds the same for each level, named as
    text, `by_subject` and `by_steps` the same again, the last where levels are not steps already;
    inside them all three are empty.
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
    errors: Errors
    by_level: dict[str, Score] = field(default_factory=dict)
    by_subject: dict[str, Score] = field(default_factory=dict)
    by_steps: dict[str, Score] = field(default_factory=dict)


def score(graded: Sequence[Graded]) -> Score:
    """The scores of graded traces, with the same for each level, subject and number of steps.

    The interval is that of `mean_interval`: Wilson's where every problem has one trace.

    Raises:
        ValueError: there are no traces.
    """
    both = {(one.level, one.steps) for one in graded}
    same = len(both) == len({level for level, _ in both}) == len({steps for _, steps in both})
    return replace(
        _score(graded),
        by_level=breakdown(graded, lambda one: one.level),
        by_subject=breakdown(graded, lambda one: one.subject),
        by_steps={} if same else breakdown(graded, lambda one: one.steps),
    )


def breakdown(
    graded: Sequence[Graded], key: Callable[[Graded], str | int | None]
) -> dict[str, Score]:
    """The scores of each group that `key` makes (level, subject, steps, ...), named as text.

    In order, numbers before texts. Traces without a key are in no group: compare `n`.
    """
    groups: dict[str | int, list[Graded]] = defaultdict(list)
    for one in graded:
        name = key(one)
        if name is not None:
            groups[name].append(one)
    order = sorted(groups, key=lambda name: (isinstance(name, str), name))
    return {str(name): _score(groups[name]) for name in order}


def standard_errors(graded: Sequence[Graded]) -> Errors:
    """Standard errors of the accuracy, over problems and over samples.

    Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640. `total` is the standard error of
    the mean of the problems' means, sd / sqrt(n). `samples` is the part of it that comes from
    within problems: sqrt(sum of s_i^2 / m_i) / n, with s_i^2 the unbiased variance of problem i's
    m_i samples; the paper's variance of the mean is that of the problems' chances plus the mean of
    the samples' variance over K, all over n. `total` is None for one problem, `samples` and
    `problems` where a problem has a single sample.

    Raises:
        ValueError: there are no traces.
    """
    if not graded:
        raise ValueError("standard_errors: got no graded traces; expected at least one")
    marks = list(_marks(graded).values())
    n = len(marks)
    shares = np.array([sum(one) / len(one) for one in marks])
    counts = np.array([len(one) for one in marks])
    total = float(np.std(shares, ddof=1)) / math.sqrt(n) if n > 1 else None
    if counts.min() < 2:
        return Errors(total=total, problems=None, samples=None)
    samples = math.sqrt(float(np.sum(shares * (1.0 - shares) / (counts - 1)))) / n
    problems = None if total is None else math.sqrt(max(0.0, total**2 - samples**2))
    return Errors(total=total, problems=problems, samples=samples)


def problem_scores(graded: Sequence[Graded]) -> dict[str, float]:
    """Each problem's mean over its samples, in order of first appearance; for paired tests."""
    return {name: sum(marks) / len(marks) for name, marks in _marks(graded).items()}


def _score(graded: Sequence[Graded]) -> Score:
    if not graded:
        raise ValueError("score: got no graded traces; expected at least one")
    marks = list(_marks(graded).values())
    firsts = _marks([replace(one, correct=one.first_correct) for one in graded]).values()
    means = [sum(one) / len(one) for one in marks]
    interval = mean_interval(means, [len(one) for one in marks])
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
        errors=standard_errors(graded),
    )


def _marks(graded: Sequence[Graded]) -> dict[str, list[bool]]:
    marks: dict[str, list[bool]] = defaultdict(list)
    for one in graded:
        marks[one.problem_id].append(one.correct is True)
    return marks
