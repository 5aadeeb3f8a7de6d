"""Intervals, paired tests, pass@k and the recovered gap, over problems.

The problems are a sample of those that could have been asked; all samples of one problem stand or
fall together (Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640). Bootstraps resample
problems, the same ones for every model compared, from a seed: the same scores and seed give the
same interval, in whatever order the problems come. Their intervals are expanded percentile
intervals (Hesterberg 2015, "What Teachers Should Know about the Bootstrap", The American
Statistician 69): the plain ones are too narrow for few problems, by what sets z and the spread
over N apart from t and the spread over N - 1. How often each interval holds the true value is
measured by eval/bench/coverage.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

_CHUNK_CELLS = 4_000_000
_NEAR_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends are in it."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of `a - b` over problems, in the units of the scores, with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The share of a gap that was closed: 0 at the floor, 1 at the ceiling, not clipped.

    All three are None where the gap itself is not clearly above zero, and `refused` says so.
    """

    value: float | None
    low: float | None
    high: float | None
    refused: str | None = None


def wilson(k: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval for `k` successes of `n`.

    Raises:
        ValueError: `n` is not positive, or `k` is not within 0..n.
    """
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"wilson: got k={k}, n={n}; expected 0 <= k <= n and n >= 1")
    return _wilson(k / n, n, float(stats.norm.ppf((1.0 + level) / 2.0)))


def mean_interval(scores: ArrayLike, samples: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of the mean over problems of scores within 0..1, `[N]`; within 0..1 itself.

    `samples`: how many samples each score is the mean of, `[N]`. Wilson's interval with the
    effective sample size m (1 - m) / SE^2 in place of n, where m is the mean and SE its standard
    error from the spread of the problems' scores: Franco, Little, Louis and Slud 2019,
    "Comparative Study of Confidence Intervals for Proportions in Complex Sample Surveys". The
    effective size is kept between the number of problems and that of samples, so it is Wilson's
    own interval where each problem has one sample, and a set that was all right or all wrong has
    an interval too. Otherwise t takes the place of z, as the spread is estimated. 0..1 for one
    problem with several samples: they say nothing about other problems.

    Raises:
        ValueError: no scores, one outside 0..1, or a problem without samples.
    """
    values, counts = _aligned(scores, samples)
    if values.min() < 0 or values.max() > 1 or counts.min() < 1:
        raise ValueError("mean_interval: got a score outside 0..1, or a problem without samples")
    n, mean = len(values), float(np.mean(values))
    if n == 1 and counts[0] > 1:
        return Interval(0.0, 1.0)
    most = n * n / float(np.sum(1.0 / counts))
    variance = float(np.var(values, ddof=1)) / n if n > 1 else 0.0
    size = mean * (1.0 - mean) / variance if variance > _NEAR_ZERO else n
    tail = (1.0 + level) / 2.0
    single = counts.max() == 1
    quantile = stats.norm.ppf(tail) if single else stats.t.ppf(tail, n - 1)
    return _wilson(mean, min(max(size, n), most), float(quantile))


def _wilson(share: float, size: float, quantile: float) -> Interval:
    """Wilson 1927, for a size that need not be whole."""
    square = quantile * quantile / size
    middle = (share + square / 2.0) / (1.0 + square)
    half = math.sqrt(square * (share * (1.0 - share) + square / 4.0)) / (1.0 + square)
    low = 0.0 if share <= 0.0 else max(0.0, middle - half)
    return Interval(low, 1.0 if share >= 1.0 else min(1.0, middle + half))


def mcnemar_exact(wins: int, losses: int) -> float:
    """Two-sided exact p that wins and losses on the same problems are equally likely.

    Ties do not enter. 1.0 where there is neither.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"mcnemar_exact: got wins={wins}, losses={losses}; expected counts")
    if wins + losses == 0:
        return 1.0
    return float(stats.binomtest(wins, wins + losses, 0.5).pvalue)


def sign_flip_test(a: ArrayLike, b: ArrayLike, seed: int, draws: int = 10_000) -> float:
    """Two-sided p that swapping `a` and `b` of any problem changes nothing; scores `[N]`.

    McNemar's exact p where every score is 0 or 1: with one sample per problem the two tests are
    the same. Otherwise the share of random swaps whose mean difference is as large as the one
    found, the found one counted among them (Phipson and Smyth 2010), so never 0. All samples of a
    problem are swapped together.

    Raises:
        ValueError: not the same problems, or none.
    """
    first, second = _aligned(a, b)
    difference = first - second
    if set(np.unique(np.concatenate([first, second]))) <= {0.0, 1.0}:
        return mcnemar_exact(int(np.sum(difference > 0)), int(np.sum(difference < 0)))
    moved = np.abs(difference[difference != 0.0])
    reached = abs(float(difference.sum())) - _NEAR_ZERO
    rng, size = np.random.default_rng(seed), max(1, _CHUNK_CELLS // max(1, len(moved)))
    as_large = 1
    for start in range(0, draws, size):
        signs = rng.integers(0, 2, size=(min(size, draws - start), len(moved))) * 2 - 1
        as_large += int(np.sum(np.abs(signs @ moved) >= reached))
    return as_large / (draws + 1)


def paired_bootstrap(
    a: ArrayLike, b: ArrayLike, seed: int, draws: int = 10_000, level: float = 0.95
) -> Difference:
    """Mean of `a - b` and its bootstrap interval; `a` and `b` are scores per problem, `[N]`.

    A score is the mean of its problem's samples, so this is the clustered bootstrap: a problem is
    drawn with all of them.

    Raises:
        ValueError: not the same problems, or none.
    """
    first, second = _aligned(a, b)
    sampled = _resampled(np.stack([first - second]), seed, draws)[0]
    low, high = _percentiles(sampled, len(first), level)
    return Difference(float(np.mean(first - second)), low, high)


def bootstrap_mean(
    scores: ArrayLike, seed: int, draws: int = 10_000, level: float = 0.95
) -> Interval:
    """Bootstrap interval of the mean over problems of scores within 0..1, `[N]`.

    Where all problems scored the same there is nothing to resample: then `mean_interval`, as for
    one sample each.

    Raises:
        ValueError: no scores.
    """
    (values,) = _aligned(scores)
    if np.ptp(values) < _NEAR_ZERO:
        return mean_interval(values, np.ones(len(values)), level)
    sampled = _resampled(np.stack([values]), seed, draws)[0]
    return Interval(*_percentiles(sampled, len(values), level))


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased pass@k from `c` correct of `n` samples: 1 - C(n-c, k) / C(n, k).

    Chen et al. 2021, "Evaluating Large Language Models Trained on Code", equation 1.

    Raises:
        ValueError: `c` is not within 0..n, or `k` is not within 1..n.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass_at_k: got n={n}, c={c}, k={k}; expected 0 <= c <= n, 1 <= k <= n")
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def gap_recovered(
    floor: ArrayLike,
    reached: ArrayLike,
    ceiling: ArrayLike,
    seed: int,
    draws: int = 10_000,
    names: tuple[str, str] = ("floor", "ceiling"),
) -> Gap:
    """(reached - floor) / (ceiling - floor) of mean scores, with a paired 95% bootstrap interval.

    The three are scores per problem, `[N]`, in the same order. Refused where the interval of
    `ceiling - floor` includes 0, as the ratio then says nothing, and where it lies below 0, as
    there is then nothing to recover. Draws in which the resampled gap is zero are left out. Not
    clipped: above 1 beats the ceiling, below 0 is worse than the floor. `names` are what a refusal
    calls the two ends.

    Raises:
        ValueError: not the same problems, or none.
    """
    low_end, middle, high_end = _aligned(floor, reached, ceiling)
    n = len(middle)
    means = _resampled(np.stack([middle - low_end, high_end - low_end]), seed, draws)
    gap = float(np.mean(high_end - low_end))
    interval = Interval(*_percentiles(means[1], n, 0.95))
    if interval.low <= 0.0:
        return Gap(None, None, None, _refusal(gap, interval, names))
    usable = np.abs(means[1]) > _NEAR_ZERO
    low, high = _percentiles(means[0][usable] / means[1][usable], n, 0.95)
    return Gap(float(np.mean(middle - low_end)) / gap, low, high)


def _refusal(gap: float, interval: Interval, names: tuple[str, str]) -> str:
    floor, ceiling = names
    says = "which includes 0" if 0.0 in interval else f"so the {ceiling} is below the {floor}"
    return (
        f"{ceiling} - {floor} is {gap:+.3f}, 95% interval {interval.low:+.3f} to "
        f"{interval.high:+.3f}, {says}: there is no gap to recover"
    )


def _aligned(*scores: ArrayLike) -> list[NDArray[np.float64]]:
    arrays = [np.asarray(one, dtype=np.float64) for one in scores]
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) != 1 or arrays[0].ndim != 1 or arrays[0].size == 0:
        raise ValueError(f"scores: got shapes {shapes}; expected the same problems, one axis")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("scores: got a value that is not finite; grade every problem first")
    return arrays


def _resampled(values: NDArray[np.float64], seed: int, draws: int) -> NDArray[np.float64]:
    """Means of resampled columns, the same for every row: `[R, N]` values to `[R, draws]`.

    Draws how often each different column comes, which is the same thing: faster where few differ,
    and what comes out does not depend on their order.
    """
    rng = np.random.default_rng(seed)
    n = values.shape[1]
    columns, counts = np.unique(values, axis=1, return_counts=True)
    size = max(1, _CHUNK_CELLS // len(counts))
    chunks = []
    for start in range(0, draws, size):
        drawn = rng.multinomial(n, counts / n, size=min(size, draws - start))
        chunks.append(columns @ drawn.T / n)
    return np.concatenate(chunks, axis=1)


def _percentiles(sampled: NDArray[np.float64], n: int, level: float) -> tuple[float, float]:
    """Expanded percentiles of bootstrapped values that come from `n` problems."""
    tail = (1.0 - level) / 2.0
    if n > 1:
        wider = math.sqrt(n / (n - 1)) * float(stats.t.ppf(tail, n - 1))
        tail = float(stats.norm.cdf(wider))
    low, high = np.quantile(sampled, [tail, 1.0 - tail])
    return float(low), float(high)
