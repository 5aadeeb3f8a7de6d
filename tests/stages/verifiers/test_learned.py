"""What is learned, with intervals; and what cannot be, with the reason."""

import numpy as np
import pytest

from reason_w2s.stages.verifiers.learned import Learned, learn
from reason_w2s.stages.verifiers.patterns import Rates
from tests.stages.verifiers.exact import RATES, drawn

SEVEN = Rates(np.linspace(0.6, 0.95, 7), np.linspace(0.4, 0.05, 7), 0.5)


def learned(votes, model="moments", balance=None, groups=None):
    groups = np.arange(len(votes)) if groups is None else groups
    return learn(votes, groups, model, balance=balance, signs=None)


@pytest.mark.parametrize("model", ["moments", "dawid_skene"])
def test_intervals_hold_what_the_verifiers_are_right_on(model):
    truth, votes = drawn(SEVEN, 1500, seed=1)
    found = learned(votes, model)
    right = (votes == truth[:, None]).mean(0)
    assert isinstance(found, Learned)
    assert ((found.low - 0.02 <= right) & (right <= found.high + 0.02)).all()
    assert (found.high - found.low < 0.2).all()
    assert found.balance_low < truth.mean() < found.balance_high
    assert found.dependent == ()


def test_traces_of_few_problems_tell_less():
    _, votes = drawn(SEVEN, 600, seed=2)
    alone = learned(votes)
    repeated = learned(np.repeat(votes[:100], 6, axis=0), groups=np.repeat(np.arange(100), 6))
    assert (repeated.high - repeated.low).mean() > 1.5 * (alone.high - alone.low).mean()


def test_a_pair_that_errs_together_is_named():
    _, votes = drawn(SEVEN, 1500, seed=3, copied=0.8)
    pairs = learned(votes).dependent
    assert [pair[:2] for pair in pairs] == [(0, 1)]
    assert pairs[0][2] > 0.3


@pytest.mark.parametrize(
    ("votes", "why"),
    [
        (drawn(RATES, 500, 4)[1][:, :2], "2 verifiers are left"),
        (drawn(RATES, 500, 4)[1][:, [0, 0, 0, 1]], "fewer than 3 verifiers differ"),
        (np.random.default_rng(5).integers(0, 2, (500, 5)).astype(float), "nothing to learn from"),
        (drawn(RATES, 12, 6)[1], "nothing to learn from"),
    ],
)
@pytest.mark.parametrize("model", ["moments", "dawid_skene"])
def test_what_cannot_be_learned_is_said(votes, why, model):
    assert why in learned(votes, model)


def test_a_balance_that_could_be_anything_needs_audited_problems():
    weak = Rates(np.full(3, 0.65), np.full(3, 0.35), 0.5)
    _, votes = drawn(weak, 1500, seed=3)
    assert "name audited problems" in learned(votes)
    assert isinstance(learned(votes, balance=0.5), Learned)
