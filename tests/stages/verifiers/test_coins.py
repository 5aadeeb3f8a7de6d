"""Dawid and Skene's EM for yes and no: a round by hand, and what it must do."""

from itertools import pairwise

import numpy as np
import pytest

from reason_w2s.stages.verifiers import coins
from reason_w2s.stages.verifiers.patterns import Patterns, Rates, patterns, posterior
from tests.stages.verifiers.exact import RATES, drawn, exact


def test_a_posterior_by_hand():
    rates = Rates(np.array([0.8, 0.9]), np.array([0.2, 0.6]), 0.5)
    votes = np.array([[1, np.nan], [1, 1], [0, 0], [np.nan, np.nan]])
    # odds: 4; 4 * 1.5; (.2 / .8) (.1 / .4)
    np.testing.assert_allclose(posterior(votes, rates), [4 / 5, 6 / 7, 1 / 17, np.nan])
    rare = posterior(votes[:1], rates._replace(balance=0.1))
    assert rare[0] == pytest.approx(4 / 9 / (1 + 4 / 9))


def test_the_first_update_by_hand():
    seen = Patterns(np.array([[1.0, 1.0], [0.0, np.nan]]), np.array([3.0, 1.0]))
    found = coins._update(seen, np.array([0.75, 0.25]), None)
    np.testing.assert_allclose(found.hit, [(1 + 2.25) / (2 + 2.5), (1 + 2.25) / (2 + 2.25)])
    np.testing.assert_allclose(found.fooled, [(1 + 0.75) / (2 + 1.5), (1 + 0.75) / (2 + 0.75)])
    assert found.balance == pytest.approx((1 + 2.5) / (2 + 4))
    assert coins._update(seen, np.array([0.75, 0.25]), 0.1).balance == 0.1


@pytest.mark.parametrize("balance", [None, 0.3])
def test_no_round_makes_the_votes_less_likely(balance):
    seen = patterns(drawn(RATES, 300, seed=7)[1])[0]
    rates = Rates(np.full(4, 0.6), np.full(4, 0.5), 0.5 if balance is None else balance)
    told = []
    for _ in range(30):
        told.append(coins.log_posterior(seen, rates))
        rates = coins.step(seen, rates, balance)
    assert all(later >= before - 1e-9 for before, later in pairwise(told))
    assert told[-1] > told[0] + 1


def test_exact_votes_give_the_rates():
    found = coins.fit(exact(traces=1e6), None)
    np.testing.assert_allclose(found.hit, RATES.hit, atol=1e-2)
    np.testing.assert_allclose(found.fooled, RATES.fooled, atol=1e-2)
    assert found.balance == pytest.approx(0.3, abs=1e-2)


def test_audited_traces_tell_who_is_turned_round():
    rates = Rates(np.array([0.1, 0.2, 0.9]), np.array([0.8, 0.7, 0.2]), 0.4)
    found = coins.fit(exact(rates), None, np.array([-1.0, -1.0, 1.0]))
    np.testing.assert_allclose(found.hit, rates.hit, atol=0.05)
    assert coins.fit(exact(rates), None).hit[0] > 0.5
