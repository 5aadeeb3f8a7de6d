"""From graded traces to scores."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from reason_w2s.evaluate.curves import pass_curve
from reason_w2s.evaluate.metrics import (
    Graded,
    breakdown,
    problem_scores,
    score,
    standard_errors,
)
from reason_w2s.evaluate.statistics import mean_interval, wilson


def graded(problem, correct, *, finish="stop", tokens=10, level=None, first="same", status=None):
    named = {True: "correct", False: "wrong", None: "unparseable_prediction"}
    return Graded(
        problem_id=problem,
        correct=correct,
        finish_reason=finish,
        n_tokens=tokens,
        status=status or named[correct],
        level=level,
        first_correct=correct if first == "same" else first,
    )


ONE_EACH = [
    graded("a", True, level=1, tokens=10),
    graded("b", False, level=1, finish="length", status="no_answer", tokens=30),
    graded("c", None, level=2, tokens=20),
    graded("d", True, level=2, tokens=20),
]


def test_one_sample_per_problem():
    found = score(ONE_EACH)
    assert (found.n, found.samples, found.correct, found.accuracy) == (4, 4, 2, 0.5)
    assert (found.low, found.high) == (wilson(2, 4).low, wilson(2, 4).high)
    assert (found.stop_rate, found.truncation_rate) == (0.75, 0.25)
    assert (found.no_answer_rate, found.undecided_rate) == (0.25, 0.25)
    assert found.mean_tokens == 20.0
    assert found.first_accuracy == 0.5


def test_levels():
    found = score(ONE_EACH)
    assert {name: (one.n, one.accuracy) for name, one in found.by_level.items()} == {
        "1": (2, 0.5),
        "2": (2, 0.5),
    }
    assert found.by_level["1"].by_level == {}
    assert score([graded("a", True)]).by_level == {}


def test_problems_count_the_same_whatever_their_samples():
    many = [graded("a", True)] * 9 + [graded("b", False)]
    found = score(many)
    assert (found.n, found.samples, found.correct) == (2, 10, 9)
    assert found.accuracy == 0.5


THREE = [graded("a", True)] * 2 + [graded("b", False)] * 2 + [graded("c", True), graded("c", False)]


def test_interval_of_several_samples_uses_problems():
    found, by_hand = score(THREE), mean_interval([1.0, 0.0, 0.5], [2, 2, 2])
    assert (found.low, found.high) == (by_hand.low, by_hand.high)
    assert found.high - found.low > wilson(3, 6).high - wilson(3, 6).low


def test_standard_errors_by_hand():
    # Means 1, 0, 0.5: sd 0.5. Only c varies: s^2 = 0.5 of two samples, so sqrt(0.5 / 2) / 3.
    found = standard_errors(THREE)
    assert found.total == pytest.approx(0.5 / math.sqrt(3))
    assert found.samples == pytest.approx(0.5 / 3)
    assert found.problems == pytest.approx(math.sqrt(1 / 12 - 1 / 36))
    assert score(THREE).errors == found


def test_standard_errors_that_cannot_be_measured_are_none():
    once = standard_errors(ONE_EACH)
    assert (once.samples, once.problems) == (None, None)
    assert once.total == pytest.approx(math.sqrt(1 / 3) / 2)
    alone = standard_errors([graded("a", True), graded("a", False)])
    assert (alone.total, alone.problems, alone.samples) == (None, None, pytest.approx(0.5))


def test_standard_errors_are_those_of_drawing_again():
    # Chances 0.2 and 0.8 in equal parts, four samples: what the estimates say on average is what
    # the accuracies of other draws spread by.
    rng, found, accuracies, fixed = np.random.default_rng(0), [], [], []
    for _ in range(300):
        chances = rng.choice([0.2, 0.8], size=50)
        marks = rng.random((50, 4)) < chances[:, None]
        traces = [graded(str(i), bool(m)) for i, row in enumerate(marks) for m in row]
        found.append(standard_errors(traces))
        accuracies.append(marks.mean())
        fixed.append(marks.mean() - chances.mean())
    assert np.mean([one.total for one in found]) == pytest.approx(np.std(accuracies), rel=0.1)
    assert np.mean([one.samples for one in found]) == pytest.approx(np.std(fixed), rel=0.1)


def test_breakdown_by_any_key():
    traces = [
        replace(graded(name, right), subject=subject, steps=steps)
        for name, right, subject, steps in [
            ("a", True, "Number Theory", 10),
            ("b", False, "Algebra", 2),
            ("c", True, "Algebra", 2),
            ("d", True, None, 10),
        ]
    ]
    subjects = breakdown(traces, lambda one: one.subject)
    assert list(subjects) == ["Algebra", "Number Theory"]
    assert [(one.n, one.accuracy) for one in subjects.values()] == [(2, 0.5), (1, 1.0)]
    assert {name: one.n for name, one in breakdown(traces, lambda one: one.steps).items()} == {
        "2": 2,
        "10": 2,
    }
    assert list(breakdown(traces, lambda one: one.steps)) == ["2", "10"]


def test_several_samples_of_one_problem_say_nothing_about_others():
    found = score([graded("a", True), graded("a", False)])
    assert (found.low, found.high) == (0.0, 1.0)


def test_the_accuracy_of_first_answers_is_one_of_its_own():
    several = [graded("a", False, first=True), graded("a", True, first=True), graded("b", True)]
    several += [graded("c", True, first=None), graded("d", None, first=False)]
    found = score(several)
    # of a: one of two right, first answers both; of c the first answer is undecided
    assert (found.accuracy, found.first_accuracy) == (2.5 / 4, 2 / 4)


def test_an_engine_error_is_neither_stopped_nor_truncated():
    found = score([graded("a", None, finish="error", status="error"), graded("b", True)])
    assert (found.stop_rate, found.truncation_rate, found.undecided_rate) == (0.5, 0.0, 0.5)


def test_problem_scores_keep_their_order():
    found = problem_scores([graded("b", True), graded("a", False), graded("b", None)])
    assert list(found.items()) == [("b", 0.5), ("a", 0.0)]


def test_pass_at_k_over_problems():
    traces = [graded("a", True), graded("a", False), graded("b", False), graded("b", False)]
    one, two = (point.value for point in pass_curve(traces, seed=0))
    assert one == score(traces).accuracy == 0.25
    assert two == 0.5


def test_nothing_graded_is_an_error():
    with pytest.raises(ValueError, match="no graded traces"):
        score([])
    with pytest.raises(ValueError, match="no graded traces"):
        pass_curve([], seed=0)


def test_a_score_is_json():
    assert json.loads(json.dumps(asdict(score(ONE_EACH))))["by_level"]["2"]["n"] == 2


def test_steps_are_shown_where_levels_are_not_steps_already() -> None:
    rows = [
        replace(graded("a", True), level=1, steps=2, subject="algebra"),
        replace(graded("b", False), level=2, steps=3, subject="geometry"),
    ]
    assert not score(rows).by_steps
    assert set(score(rows).by_subject) == {"algebra", "geometry"}
    mixed = [*rows, replace(graded("c", True), level=1, steps="10+", subject="algebra")]
    assert list(score(mixed).by_steps) == ["2", "3", "10+"]
