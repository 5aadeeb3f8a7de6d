"""Against numbers worked out by hand, and against scipy's own."""

import math

import numpy as np
import pytest
from scipy import stats

from reason_w2s.evaluate.statistics import (
    bootstrap_mean,
    gap_recovered,
    mcnemar_exact,
    mean_interval,
    paired_bootstrap,
    pass_at_k,
    sign_flip_test,
    wilson,
)


def test_wilson_by_its_formula():
    k, n, z = 7, 20, 1.959963984540054
    share, scale = k / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    interval = wilson(k, n)
    assert (interval.low, interval.high) == pytest.approx((middle - half, middle + half), rel=1e-9)


def test_wilson_is_scipys():
    for k, n, level in [(0, 7, 0.95), (1, 3, 0.9), (41, 41, 0.99)]:
        theirs = stats.binomtest(k, n).proportion_ci(level, method="wilson")
        interval = wilson(k, n, level)
        assert (interval.low, interval.high) == pytest.approx((theirs.low, theirs.high))


def test_wilson_at_the_ends():
    # All right of 500: the lower end is n / (n + z^2) = 500 / 503.841.
    assert wilson(500, 500).low == pytest.approx(0.992376, abs=1e-5)
    assert wilson(500, 500).high == 1.0
    assert wilson(0, 10).low == 0.0
    assert wilson(5, 10, level=0.5).low > wilson(5, 10).low


@pytest.mark.parametrize(("k", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses(k, n):
    with pytest.raises(ValueError, match="expected 0 <= k <= n"):
        wilson(k, n)


MCNEMAR = [
    (0, 0, 1.0),
    (1, 0, 1.0),
    (5, 0, 2 / 32),
    (3, 1, 10 / 16),  # P(0, 1, 3 or 4 of 4) = (1 + 4 + 4 + 1) / 16
    (4, 4, 1.0),
]


@pytest.mark.parametrize(("wins", "losses", "p"), MCNEMAR)
def test_mcnemar(wins, losses, p):
    assert mcnemar_exact(wins, losses) == pytest.approx(p)
    assert mcnemar_exact(losses, wins) == pytest.approx(p)


def test_mcnemar_of_a_published_table():
    assert mcnemar_exact(205, 50) == pytest.approx(2e-23, rel=0.3)


def test_paired_bootstrap_agrees_with_scipy():
    rng = np.random.default_rng(3)
    a = rng.integers(0, 2, 300).astype(float)
    b = np.where(rng.random(300) < 0.7, a, rng.integers(0, 2, 300))
    ours = paired_bootstrap(a, b, seed=1)
    theirs = stats.bootstrap(
        (a - b,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours.value == pytest.approx(np.mean(a) - np.mean(b))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.005)


def test_paired_bootstrap_repeats_and_uses_the_pairing():
    a = np.array([1.0, 0.0] * 50)
    assert paired_bootstrap(a, a, seed=1) == paired_bootstrap(a, a, seed=2)
    assert paired_bootstrap(a, a, seed=1).high == 0.0
    shuffled = np.roll(a, 1)
    wide = paired_bootstrap(a, shuffled, seed=1)
    assert wide == paired_bootstrap(a, shuffled, seed=1)
    assert wide.high > 0.1


@pytest.mark.parametrize("b", [[1.0], [[1.0, 0.0]], [], [1.0, float("nan")]])
def test_scores_of_other_problems_are_refused(b):
    with pytest.raises(ValueError, match="scores"):
        paired_bootstrap([1.0, 0.0], b, seed=1)


PASS_AT_K = [(5, 0, 1, 0.0), (5, 5, 3, 1.0), (4, 1, 2, 0.5), (10, 3, 1, 0.3), (6, 2, 3, 0.8)]


@pytest.mark.parametrize(("n", "c", "k", "value"), PASS_AT_K)
def test_pass_at_k(n, c, k, value):
    assert pass_at_k(n, c, k) == pytest.approx(value)
    assert pass_at_k(n, c, k) == pytest.approx(1 - math.comb(n - c, k) / math.comb(n, k))


def test_pass_at_k_refuses():
    with pytest.raises(ValueError, match="1 <= k <= n"):
        pass_at_k(4, 1, 5)


def test_gap_recovered():
    floor = np.array([1.0] * 30 + [0.0] * 70)
    ceiling = np.array([1.0] * 90 + [0.0] * 10)
    reached = np.array([1.0] * 75 + [0.0] * 25)
    gap = gap_recovered(floor, reached, ceiling, seed=0)
    assert gap.refused is None
    assert gap.value == pytest.approx(0.75)
    assert gap.low < 0.75 < gap.high
    assert gap.low == pytest.approx(0.64, abs=0.03)


def test_gap_is_not_clipped():
    floor, ceiling = np.array([0.0] * 60 + [1.0] * 40), np.array([0.0] * 30 + [1.0] * 70)
    assert gap_recovered(floor, np.ones(100), ceiling, seed=0).value == pytest.approx(2.0)
    assert gap_recovered(floor, np.zeros(100), ceiling, seed=0).value == pytest.approx(-4 / 3)


def test_gap_is_refused_where_there_is_none():
    scores = np.array([1.0, 0.0] * 50)
    near = scores.copy()
    near[1] = 1.0
    gap = gap_recovered(scores, near, near, seed=0)
    assert (gap.value, gap.low, gap.high) == (None, None, None)
    assert "includes 0" in (gap.refused or "")


def test_gap_is_refused_where_the_ceiling_is_below_the_floor():
    # (1 - 1) / (0 - 1) = 0 would say that the best model of all recovered nothing.
    gap = gap_recovered(np.ones(100), np.ones(100), np.zeros(100), seed=0)
    assert (gap.value, gap.low, gap.high) == (None, None, None)
    assert "so the ceiling is below the floor" in (gap.refused or "")


def test_a_refusal_uses_the_names_of_the_ends():
    ends = ("base", "RL ceiling")
    gap = gap_recovered(np.ones(9), np.ones(9), np.ones(9), seed=0, names=ends)
    assert (gap.refused or "").startswith("RL ceiling - base is +0.000")


def test_an_interval_does_not_depend_on_the_order_of_the_problems():
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, 5, 60) / 4, rng.integers(0, 5, 60) / 4
    other = rng.permutation(60)
    assert paired_bootstrap(a, b, seed=1) == paired_bootstrap(a[other], b[other], seed=1)


def test_bootstrap_of_few_problems_is_as_wide_as_t():
    # The differences are close to normal, so the t interval is the right one.
    a = stats.norm.ppf((np.arange(12) + 0.5) / 12)
    found = paired_bootstrap(a, np.zeros(12), seed=1, draws=100_000)
    half = stats.t.ppf(0.975, 11) * a.std(ddof=1) / math.sqrt(12)
    assert found.high == pytest.approx(half, rel=0.05)
    plain = 1.96 * a.std() / math.sqrt(12)
    assert found.high > 1.1 * plain


def test_mean_interval_of_one_sample_each_is_wilsons():
    for k, n in [(0, 10), (7, 20), (20, 20), (1, 1)]:
        found = mean_interval([1.0] * k + [0.0] * (n - k), [1] * n)
        assert (found.low, found.high) == pytest.approx((wilson(k, n).low, wilson(k, n).high))


def test_mean_interval_by_hand():
    # Means 1, 0.5, 0: SE^2 = 0.25 / 3, so the effective size is 0.25 / SE^2 = 3; t(2) = 4.302653.
    found = mean_interval([1.0, 0.5, 0.0], [2, 2, 2])
    square = 4.302653**2 / 3
    half = math.sqrt(square * (0.25 + square / 4)) / (1 + square)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_mean_interval_counts_no_more_than_the_samples():
    # Spread less than chance: 0.234375 / (0.0625 / 4) = 15 would be more than the 8 samples.
    found, t = mean_interval([0.5, 0.5, 0.5, 1.0], [2] * 4), stats.t.ppf(0.975, 3)
    square = t * t / 8
    middle = (0.625 + square / 2) / (1 + square)
    half = math.sqrt(square * (0.234375 + square / 4)) / (1 + square)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half))


def test_mean_interval_of_all_right_is_that_of_so_many_problems():
    found = mean_interval([1.0] * 30, [16] * 30)
    square = stats.t.ppf(0.975, 29) ** 2
    assert (found.low, found.high) == pytest.approx((30 / (30 + square), 1.0))


@pytest.mark.parametrize(
    ("scores", "samples"), [([1.5], [1]), ([0.5], [0]), ([], []), ([1], [1, 2])]
)
def test_mean_interval_refuses(scores, samples):
    with pytest.raises(ValueError, match=r"scores:|score outside"):
        mean_interval(scores, samples)


def test_bootstrap_of_the_same_scores_is_no_point():
    found = bootstrap_mean([1.0] * 20, seed=0)
    assert (found.low, found.high) == (pytest.approx(wilson(20, 20).low), 1.0)


def test_swapping_single_samples_is_mcnemar():
    a, b = np.array([1.0] * 9 + [0.0] * 11), np.array([0.0] * 8 + [1.0] * 3 + [0.0] * 9)
    assert sign_flip_test(a, b, seed=0) == mcnemar_exact(8, 2)


def test_swapping_problems():
    # All of three problems better: of the 8 ways to swap, 2 differ as much.
    found = sign_flip_test([0.75, 1.0, 0.5], [0.5, 0.5, 0.25], seed=0)
    assert found == pytest.approx(0.25, abs=0.02)
    assert sign_flip_test([0.5, 0.25], [0.5, 0.25], seed=0) == 1.0
    many = sign_flip_test([0.75] * 40, [0.5] * 40, seed=0)
    assert many == pytest.approx(1 / 10_001)
