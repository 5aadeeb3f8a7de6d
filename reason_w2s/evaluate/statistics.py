"""Intervals, paired tests, pass@k and the recovered gap, over problems.

Percentile bootstraps resample problems, the same ones for every model compared, from a seed: the
same scores and seed give the same interval.
"""

from __future__ import annotations

from collections.abc import Sequence
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

    All three are None where the gap itself is not clear of zero, and `refused` says so.
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
    interval = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    return Interval(float(interval.low), float(interval.high))


def mcnemar_exact(wins: int, losses: int) -> float:
    """Two-sided exact p that wins and losses on the same problems are equally likely.

    Ties do not enter. 1.0 where there is neither.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"mcnemar_exact: got wins={wins}, losses={losses}; expected counts")
    if wins + losses == 0:
        return 1.0
    return float(stats.binomtest(wins, wins + losses, 0.5).pvalue)


def paired_bootstrap(
    a: ArrayLike, b: ArrayLike, seed: int, draws: int = 10_000, level: float = 0.95
) -> Difference:
    """Mean of `a - b` and its percentile interval; `a` and `b` are scores per problem, `[N]`.

    Raises:
        ValueError: not the same problems, or none.
    """
    first, second = _aligned(a, b)
    sampled = _resampled(np.stack([first - second]), seed, draws)[0]
    low, high = _percentiles(sampled, level)
    return Difference(float(np.mean(first - second)), low, high)


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
) -> Gap:
    """(reached - floor) / (ceiling - floor) of mean scores, with a paired 95% percentile interval.

    The three are scores per problem, `[N]`, in the same order. Refused where the interval of
    `ceiling - floor` includes 0: the ratio then says nothing. Draws in which the resampled gap is
    zero are left out. Not clipped: above 1 beats the ceiling, below 0 is worse than the floor.

    Raises:
        ValueError: not the same problems, or none.
    """
    low_end, middle, high_end = _aligned(floor, reached, ceiling)
    means = _resampled(np.stack([middle - low_end, high_end - low_end]), seed, draws)
    gap = float(np.mean(high_end - low_end))
    interval = Interval(*_percentiles(means[1], 0.95))
    if 0.0 in interval:
        return Gap(None, None, None, _refusal(gap, interval))
    usable = np.abs(means[1]) > _NEAR_ZERO
    low, high = _percentiles(means[0][usable] / means[1][usable], 0.95)
    return Gap(float(np.mean(middle - low_end)) / gap, low, high)


def _refusal(gap: float, interval: Interval) -> str:
    return (
        f"ceiling - floor is {gap:+.3f}, 95% interval {interval.low:+.3f} to "
        f"{interval.high:+.3f}, which includes 0: there is no gap to recover"
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
    """Means of resampled columns, the same for every row: `[R, N]` values to `[R, draws]`."""
    rng = np.random.default_rng(seed)
    n = values.shape[1]
    size = max(1, _CHUNK_CELLS // n)
    chunks = []
    for start in range(0, draws, size):
        columns = rng.integers(0, n, size=(min(size, draws - start), n))
        chunks.append(np.stack([row[columns].mean(axis=1) for row in values]))
    return np.concatenate(chunks, axis=1)


def _percentiles(
    sampled: NDArray[np.float64] | Sequence[float], level: float
) -> tuple[float, float]:
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(sampled, [tail, 1.0 - tail])
    return float(low), float(high)
