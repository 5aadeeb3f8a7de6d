"""The interval of a mean over seeds: by hand, and how often it holds the true mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from reason_w2s.evaluate.spread import spread

T_4 = 2.7764451051977987
"""The 97.5% point of Student's t with 4 degrees of freedom (any table)."""


def test_two_strata_of_three_by_hand():
    """Means 2 and 12; squares within 2 + 8 = 10 over 4 degrees of freedom; over 6 runs."""
    found = spread({"a": [1, 2, 3], "b": [10, 12, 14]})
    error = math.sqrt(2.5 / 6)
    assert (found.mean, found.df) == (7.0, 4)
    assert found.error == pytest.approx(error)
    assert (found.low, found.high) == pytest.approx((7 - T_4 * error, 7 + T_4 * error))


def test_strata_of_different_size_count_alike():
    """Means 2 and 10; squares within 2 + 0; error sqrt(2 / 2 * (1/3 + 1)) / 2 = 0.57735."""
    found = spread({"a": [1, 2, 3], "b": [10]})
    assert (found.mean, found.df) == (6.0, 2)
    assert found.error == pytest.approx(math.sqrt(1 / 3))


def test_one_stratum_is_the_t_test():
    values = [0.1, -0.3, 0.5, 0.4, 0.2]
    found, usual = spread({"": values}), stats.ttest_1samp(values, 0.0)
    ends = usual.confidence_interval()
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert found.p == pytest.approx(usual.pvalue)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"": [0.4]}, "no two runs differ in their seed alone"),
        ({"a": [0.4], "b": [0.5]}, "no two runs differ in their seed alone"),
        ({"a": [0.4, 0.4], "b": [1.0, 1.0]}, "all runs gave the same"),
    ],
)
def test_what_says_nothing_of_seeds_has_no_interval(values, why):
    found = spread(values)
    assert found.why == why
    assert (found.low, found.high, found.p, found.error) == (None, None, None, None)


@pytest.mark.parametrize("values", [{}, {"a": []}])
def test_nothing_is_refused(values):
    with pytest.raises(ValueError, match="at least one run each"):
        spread(values)


@pytest.mark.parametrize("runs", [2, 3])
def test_the_interval_holds_the_mean_over_seeds_of_these_strata_as_often_as_it_says(runs):
    """Accuracies of 500 problems, whose true share seeds move by 3 points, on two base models."""
    rng, strata, held, repeats = np.random.default_rng(7), np.array([0.45, 0.8]), 0, 4000
    for _ in range(repeats):
        shares = np.clip(rng.normal(strata[:, None], 0.03, (2, runs)), 0, 1)
        accuracies = rng.binomial(500, shares) / 500
        found = spread(dict(enumerate(accuracies)))
        held += found.low <= strata.mean() <= found.high
    # 4 standard errors of a share of 0.95 over the repeats
    assert abs(held / repeats - 0.95) < 4 * math.sqrt(0.95 * 0.05 / repeats)


def test_between_strata_is_not_in_it():
    near, far = spread({"a": [1, 2], "b": [1, 2]}), spread({"a": [1, 2], "b": [101, 102]})
    assert near.error == far.error
