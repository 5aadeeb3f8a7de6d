"""Sampling until an imperfect verifier accepts, against its published parameters and by hand."""

import numpy as np
import pytest

from reason_w2s.evaluate.resampling import Resampling

NOTEBOOK = Resampling(prior=(0.58, 0.42), right=(0.87, 0.13), completeness=1.0, soundness=0.75)
VALUES = [(1, 0.449), (2, 0.472), (3, 0.461), (5, 0.445), (10, 0.434), (15, 0.433)]


@pytest.mark.parametrize(("attempts", "value"), VALUES)
def test_expected_value(attempts, value):
    assert round(NOTEBOOK.expected_value(attempts), 3) == value


def test_one_attempt_by_hand():
    # 0.58 (0.87 - 0.25 * 0.13) + 0.42 (0.13 - 0.25 * 0.87)
    assert NOTEBOOK.expected_value(1) == pytest.approx(0.58 * 0.8375 + 0.42 * -0.0875)


def test_most_is_worth_two_attempts():
    assert NOTEBOOK.best_attempts(50) == 2
    assert NOTEBOOK.best_attempts(1) == 1


def test_a_verifier_that_never_errs_is_worth_every_attempt():
    perfect = Resampling(prior=(1.0,), right=(0.3,), completeness=1.0, soundness=1.0)
    assert perfect.expected_value(4) == pytest.approx(1 - 0.7**4)
    assert perfect.best_attempts(20) == 20
    assert perfect.accuracy_if_accepted() == (1.0,)


def test_accuracy_if_accepted_is_the_same_for_every_number_of_attempts():
    one = Resampling(prior=(1.0,), right=(0.4,), completeness=0.9, soundness=0.7, penalty=0.0)
    every = Resampling(prior=(1.0,), right=(0.4,), completeness=0.9, soundness=0.7, penalty=1.0)
    (accuracy,) = one.accuracy_if_accepted()
    assert accuracy == pytest.approx(0.36 / (0.36 + 0.18))
    for attempts in (1, 2, 7, 30):
        # worth 1 where right, over worth 1 wherever accepted
        share = one.expected_value(attempts) / every.expected_value(attempts)
        assert share == pytest.approx(accuracy)


def test_nothing_accepted_is_worth_nothing():
    never = Resampling(prior=(0.5, 0.5), right=(0.0, 1.0), completeness=0.0, soundness=1.0)
    assert never.expected_value(9) == 0.0
    assert never.accuracy_if_accepted() == (None, None)


def test_expected_value_is_that_of_playing_it():
    game = Resampling(prior=(0.6, 0.4), right=(0.7, 0.2), completeness=0.8, soundness=0.9)
    rng, total, plays = np.random.default_rng(0), 0, 40_000
    for _ in range(plays):
        chance = game.right[rng.choice(2, p=game.prior)]
        for _ in range(3):
            right = rng.random() < chance
            if rng.random() < (game.completeness if right else 1 - game.soundness):
                total += 1 if right else -1
                break
    assert total / plays == pytest.approx(game.expected_value(3), abs=0.015)


def test_what_are_no_chances_is_refused():
    with pytest.raises(ValueError, match="priors summing to 1"):
        Resampling(prior=(0.5, 0.6), right=(0.1, 0.1), completeness=1.0, soundness=1.0)
    with pytest.raises(ValueError, match="for each type"):
        Resampling(prior=(1.0,), right=(), completeness=1.0, soundness=1.0)
    with pytest.raises(ValueError, match="at least 1"):
        NOTEBOOK.expected_value(0)
