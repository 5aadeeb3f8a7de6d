"""First-accepted sampling: by hand, by every order, and against the model of types."""

from itertools import permutations

import numpy as np
import pytest

from reason_w2s.evaluate.attempts import PENALTIES, Tried, verified
from reason_w2s.evaluate.resampling import Resampling
from reason_w2s.evaluate.statistics import wilson


def tried(marks):
    """From (accepted, right) of each sample."""
    return Tried(
        len(marks),
        sum(a for a, _ in marks),
        sum(a and r for a, r in marks),
        sum(r for _, r in marks),
    )


def played(marks, k):
    """The worth of a right and of a wrong answer, over every order of the samples."""
    right = wrong = 0
    orders = list(permutations(marks))
    for order in orders:
        given = next((truth for accepted, truth in order[:k] if accepted), None)
        right += given is True
        wrong += given is False
    return right / len(orders), wrong / len(orders)


def test_by_hand():
    # of three samples one is right and accepted, one wrong and accepted, one rejected
    found = verified([tried([(True, True), (True, False), (False, False)])], [1, 2, 3], seed=0)
    assert [one.answered for one in found.points] == pytest.approx([2 / 3, 1.0, 1.0])
    assert [one.accuracy for one in found.points] == pytest.approx([0.5, 0.5, 0.5])
    assert found.points[0].values == pytest.approx(
        {"0": 1 / 3, "-1": 0.0, "-2": -1 / 3, "-4": -1.0, "-8": -7 / 3}
    )
    assert (found.accuracy, found.completeness) == (pytest.approx(1 / 3), 1.0)
    assert found.false_positives == pytest.approx(1 / 2)
    assert [one.k for one in found.best] == [2, 1, 1, 1, 1]


def test_it_is_the_mean_over_every_order():
    dice = np.random.default_rng(3)
    problems = [
        [
            (bool(a), bool(r))
            for a, r in zip(dice.random(5) < 0.5, dice.random(5) < 0.4, strict=True)
        ]
        for _ in range(6)
    ]
    found = verified([tried(one) for one in problems], range(1, 6), seed=0)
    for point in found.points:
        by_hand = np.mean([played(one, point.k) for one in problems], axis=0)
        assert (point.right, point.wrong) == pytest.approx(tuple(by_hand))


def drawn_from(model, n, samples, dice):
    """Problems of the model's types, each with so many samples."""
    kinds = dice.choice(len(model.prior), size=n, p=model.prior)
    for kind in kinds:
        right = dice.random(samples) < model.right[kind]
        chance = np.where(right, model.completeness, 1 - model.soundness)
        accepted = dice.random(samples) < chance
        yield Tried(samples, int(accepted.sum()), int((accepted & right).sum()), int(right.sum()))


def test_samples_of_the_published_types_give_the_published_values():
    """EV(K) of the paper's notebook; .035 is over three standard errors of 3,000 problems."""
    model = Resampling(prior=(0.58, 0.42), right=(0.87, 0.13), completeness=1.0, soundness=0.75)
    problems = list(drawn_from(model, 3000, 40, np.random.default_rng(0)))
    found = verified(problems, [1, 2, 3, 5, 10, 15], seed=0)
    for point in found.points:
        assert point.values["-1"] == pytest.approx(model.expected_value(point.k), abs=0.035)
    best = {one.penalty: one for one in found.best}
    assert best[-1.0].k == model.best_attempts(50) == 2
    assert best[0.0].k > 10  # where a wrong answer costs nothing, more is never worse
    assert found.false_positives == pytest.approx(0.25, abs=0.01)


def test_accuracy_if_accepted_moves_with_the_types_answered_and_not_within_one():
    two = Resampling(prior=(0.5, 0.5), right=(0.9, 0.1), completeness=1.0, soundness=0.7)
    dice = np.random.default_rng(1)
    one = Resampling(prior=(1.0,), right=(0.4,), completeness=1.0, soundness=0.7)
    mixed, alone = (
        verified(list(drawn_from(model, 1000, 40, dice)), [1, 40], seed=0) for model in (two, one)
    )
    first, last = (point.accuracy for point in mixed.points)
    assert first - last > 0.1
    assert alone.points[0].accuracy == pytest.approx(alone.points[1].accuracy, abs=0.03)
    assert alone.points[0].accuracy == pytest.approx(one.accuracy_if_accepted()[0], abs=0.03)


def test_intervals_hold_what_they_are_of():
    model = Resampling(prior=(0.58, 0.42), right=(0.87, 0.13), completeness=1.0, soundness=0.75)
    held = 0
    for seed in range(20):
        problems = list(drawn_from(model, 100, 12, np.random.default_rng(100 + seed)))
        found = verified(problems, [5], seed=seed)
        best = next(one for one in found.best if one.penalty == -1.0)
        assert best.k_low <= best.k <= best.k_high
        held += best.k_low <= 2 <= best.k_high
    assert held >= 17


def test_a_verifier_that_accepts_nothing_or_all():
    never = verified([Tried(4, 0, 0, 2)], [1, 4], seed=0)
    assert [one.accuracy for one in never.points] == [None, None]
    assert [one.value for one in never.best] == [0.0] * len(PENALTIES)
    every = verified([Tried(4, 4, 1, 1)], [1, 4], seed=0)
    assert [one.answered for one in every.points] == [1.0, 1.0]
    assert {one.k for one in every.best} == {1}
    all_right = verified([Tried(2, 2, 2, 2)], [1], seed=0)
    assert (all_right.completeness, all_right.false_positives) == (1.0, None)
    many = verified([Tried(2, 2, 2, 2)] * 10, [1], seed=0)
    assert (many.points[0].low, many.points[0].high) == (pytest.approx(wilson(10, 10).low), 1.0)


def test_too_few_samples():
    with pytest.raises(ValueError, match=r"expected 1\.\.2"):
        verified([Tried(3, 1, 1, 1), Tried(2, 1, 1, 1)], [3], seed=0)
    with pytest.raises(ValueError, match=r"expected 1\.\.0"):
        verified([], [1], seed=0)
