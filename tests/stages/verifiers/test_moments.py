"""The label model by moments: exact where the votes are, bounded, and not led by one pair."""

import numpy as np
import pytest

from reason_w2s.stages.verifiers import moments
from reason_w2s.stages.verifiers.patterns import Patterns, Rates, patterns, posterior
from tests.stages.verifiers.exact import RATES, drawn, exact


def close(found, wanted, within=1e-3):
    np.testing.assert_allclose(found.hit, wanted.hit, atol=within)
    np.testing.assert_allclose(found.fooled, wanted.fooled, atol=within)
    assert found.balance == pytest.approx(wanted.balance, abs=within)


def test_correlations_by_hand():
    votes = np.array([[1, 1], [1, 0], [0, 0], [0, np.nan]])
    together, counts = moments.correlations(Patterns(votes, np.array([2.0, 1.0, 1.0, 5.0])))
    # both voted on 4 traces: means 3/4 and 2/4, both yes on 2: 1/2 - 3/8 over sqrt(3/16 1/4)
    assert together[0, 1] == pytest.approx((1 / 2 - 3 / 8) / np.sqrt(3 / 16 / 4))
    assert counts.tolist() == [[9, 4], [4, 4]]


def test_exact_votes_give_the_rates_with_and_without_the_balance():
    close(moments.fit(exact(), 0.3), RATES)
    close(moments.fit(exact(), None), RATES)


def test_the_triplets_are_exact_already():
    u = np.array([0.8, 0.5, -0.3])
    together = np.outer(u, u)
    # an adversary has the other sign; which is the adversary is said later
    np.testing.assert_allclose(moments.start(together) * np.sign(moments.start(together)[0]), u)


def test_an_adversary_is_believed_the_other_way_round():
    rates = Rates(np.array([0.9, 0.8, 0.2]), np.array([0.2, 0.3, 0.7]), 0.5)
    found = moments.fit(exact(rates), 0.5)
    close(found, rates)
    # only the adversary says no
    assert posterior(np.array([[np.nan, np.nan, 0.0]]), found)[0] > 0.5


def test_audited_traces_turn_the_whole_round():
    rates = Rates(np.array([0.1, 0.2, 0.9]), np.array([0.8, 0.7, 0.2]), 0.4)
    close(moments.fit(exact(rates), 0.4, np.array([-1.0, -1.0, 1.0])), rates)
    assert moments.fit(exact(rates), 0.4).hit[0] > 0.5


def test_chances_stay_chances():
    votes = np.array([[1.0, 1, 1], [0, 0, 0], [1, 0, 1]])
    found = moments.fit(Patterns(votes, np.array([5.0, 4.0, 1.0])), 0.5)
    for rate in (found.hit, found.fooled):
        assert (rate >= 1 / 12).all()
        assert (rate <= 11 / 12).all()


def test_a_pair_that_repeats_each_other_leads_least_squares_and_not_us(monkeypatch):
    rates = Rates(np.full(7, 0.8), np.full(7, 0.2), 0.5)
    truth, votes = drawn(rates, 4000, seed=1, copied=0.8)
    right = (votes == truth[:, None]).mean(0)
    seen = patterns(votes)[0]
    ours = np.abs(moments.fit(seen, 0.5).accuracy - right).max()
    monkeypatch.setattr(moments, "LINEAR_FROM", 1e6)
    plain = np.abs(moments.fit(seen, 0.5).accuracy - right).max()
    assert ours < 0.02
    assert plain > 0.05


def test_missing_votes_are_left_out_and_not_a_no():
    truth, votes = drawn(RATES, 20_000, seed=3)
    hidden = np.random.default_rng(4).random(votes.shape) < 0.4
    votes[hidden] = np.nan
    close(moments.fit(patterns(votes)[0], None), RATES, within=0.06)
    assert truth.any()
