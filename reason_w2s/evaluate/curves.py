"""What more samples give: avg@k, pass@k and maj@k over k, with intervals over problems."""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from reason_w2s.answers.classes import Same, same_answer
from reason_w2s.evaluate.metrics import Graded
from reason_w2s.evaluate.statistics import Interval, bootstrap_mean, mean_interval, pass_at_k
from reason_w2s.evaluate.votes import Class, classes

Ranked = Sequence[tuple[int | None, bool]]
"""One problem's samples: each one's rank, 0 the best, None where it is never chosen; its truth."""

_EXACT_SUBSETS = 2000
_DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A score at `k` samples per problem: mean over `n` problems, with its 95% interval."""

    k: int
    n: int
    value: float
    low: float
    high: float


def doubled(most: int) -> tuple[int, ...]:
    """1, 2, 4, ... and `most`; none below 1."""
    below = (2**power for power in range(most.bit_length()) if 2**power < most)
    return (*below, most) if most else ()


def powers(graded: Sequence[Graded]) -> tuple[int, ...]:
    """1, 2, 4, ... and the largest k that every problem has samples for.

    Raises:
        ValueError: there are no traces.
    """
    return doubled(min(len(one) for one in _samples(graded).values()))


def average_at_k(graded: Sequence[Graded], k: int) -> Point:
    """avg@k: the mean over problems of the mean of each one's first `k` samples.

    Over all k of n samples this is the accuracy itself, whatever k; its interval, `mean_interval`,
    is not.

    Raises:
        ValueError: there are no traces, or a problem has fewer than `k`.
    """
    marks = [[one.correct is True for one in some[:k]] for some in _at_least(graded, k)]
    values = [sum(one) / k for one in marks]
    return _point(k, values, mean_interval(values, np.full(len(values), k)))


def pass_curve(
    graded: Sequence[Graded], seed: int, ks: Sequence[int] | None = None
) -> tuple[Point, ...]:
    """Unbiased pass@k (Chen et al. 2021, equation 1) for each k; `powers` where none are given.

    Intervals are `bootstrap_mean` over problems.

    Raises:
        ValueError: there are no traces, or a problem has fewer than a k.
    """
    return _curve(graded, seed, ks, lambda some, k: pass_at_k(len(some), _right(some), k))


def majority_curve(
    graded: Sequence[Graded],
    seed: int,
    ks: Sequence[int] | None = None,
    same: Same = same_answer,
) -> tuple[Point, ...]:
    """maj@k for each k: how often the commonest answer of k of a problem's samples is right.

    Answers that `same` calls the same vote together. A sample that has no answer or could not be
    decided takes a place among the k and does not vote; where none votes, nothing is right. Of
    answers that are equally common each is taken with the same chance: the value is the expected
    one. All k of n samples are averaged over, exactly where these are at most 2,000, else by 1,000
    draws seeded by problem. Intervals are `bootstrap_mean` over problems.

    Raises:
        ValueError: there are no traces, or a problem has fewer than a k.
    """
    grouped = {name: classes(some, same) for name, some in _samples(graded).items()}

    def value(some: Sequence[Graded], k: int) -> float:
        name = some[0].problem_id
        return majority_at_k(grouped[name], len(some), k, [seed, zlib.crc32(name.encode())])

    return _curve(graded, seed, ks, value)


def best_curve(problems: Sequence[Ranked], seed: int) -> tuple[Point, ...]:
    """Best-of-k over `powers` of k: how often the best-ranked of k of a problem's samples is right.

    The mean over problems of `best_at_k`; intervals are `bootstrap_mean` over problems. Empty where
    a problem has no sample.

    Raises:
        ValueError: there are no problems.
    """
    if not problems:
        raise ValueError("best_curve: got no problems; expected at least one")
    points = []
    for k in doubled(min(map(len, problems))):
        values = [best_at_k(one, k) for one in problems]
        points.append(_point(k, values, bootstrap_mean(values, seed)))
    return tuple(points)


def best_at_k(samples: Ranked, k: int) -> float:
    """Expected value of the best-ranked of k of one problem's n samples, over all choices of k.

    samples: each one's rank (0 the best; None: never chosen) and whether it is right. A tie is
    decided by lot. Of n samples, a ranked above a group of g equals: the best of k is one of the
    group with the chance [C(n - a, k) - C(n - a - g, k)] / C(n, k), each with the same. Where none
    of the k may be chosen, nothing is right.

    Raises:
        ValueError: `k` is not within 1..n.
    """
    n = len(samples)
    if not 1 <= k <= n:
        raise ValueError(f"best_at_k: got k={k}, n={n}; expected 1 <= k <= n")
    value, above = 0.0, 0
    for rank in sorted({rank for rank, _ in samples if rank is not None}):
        group = [right for other, right in samples if other == rank]
        ways = math.comb(n - above, k) - math.comb(n - above - len(group), k)
        value += ways / math.comb(n, k) * sum(group) / len(group)
        above += len(group)
    return value


def majority_at_k(votes: Sequence[Class], n: int, k: int, seed: int | Sequence[int] = 0) -> float:
    """Expected value of a vote among k of one problem's n samples; see `majority_curve`.

    Raises:
        ValueError: `k` is not within 1..n, or there are more votes than samples.
    """
    sizes = [one.votes for one in votes]
    if not 1 <= k <= n or sum(sizes) > n:
        raise ValueError(f"majority_at_k: got k={k}, n={n}, votes={sizes}; expected 1 <= k <= n")
    if not votes:
        return 0.0
    counts = _drawn((*sizes, n - sum(sizes)), k, seed)[:, :-1]
    most = counts.max(axis=1, keepdims=True)
    chosen = (counts == most) & (most > 0)
    right = np.array([one.right for one in votes])
    return float(np.mean((chosen @ right) / np.maximum(1, chosen.sum(axis=1))))


def _drawn(sizes: tuple[int, ...], k: int, seed: int | Sequence[int]) -> NDArray[np.int64]:
    """How many of each class are among k samples: a row per subset, or per draw."""
    n = sum(sizes)
    if math.comb(n, k) > _EXACT_SUBSETS:
        rng = np.random.default_rng(seed)
        return rng.multivariate_hypergeometric(sizes, k, size=_DRAWS)
    of = np.repeat(np.arange(len(sizes)), sizes)[_subsets(n, k)]
    return np.stack([(of == number).sum(axis=1) for number in range(len(sizes))], axis=1)


@lru_cache(maxsize=256)
def _subsets(n: int, k: int) -> NDArray[np.int64]:
    return np.array(list(combinations(range(n), k)))


def _curve(
    graded: Sequence[Graded],
    seed: int,
    ks: Sequence[int] | None,
    value: Callable[[Sequence[Graded], int], float],
) -> tuple[Point, ...]:
    points = []
    for k in powers(graded) if ks is None else ks:
        values = [value(some, k) for some in _at_least(graded, k)]
        points.append(_point(k, values, bootstrap_mean(values, seed)))
    return tuple(points)


def _point(k: int, values: Sequence[float], interval: Interval) -> Point:
    mean = math.fsum(values) / len(values)
    return Point(k=k, n=len(values), value=mean, low=interval.low, high=interval.high)


def _at_least(graded: Sequence[Graded], k: int) -> list[list[Graded]]:
    samples = list(_samples(graded).values())
    fewest = min(map(len, samples))
    if not 1 <= k <= fewest:
        raise ValueError(f"k: got {k}; expected 1..{fewest}, the fewest samples of any problem")
    return samples


def _right(some: Sequence[Graded]) -> int:
    return sum(one.correct is True for one in some)


def _samples(graded: Sequence[Graded]) -> dict[str, list[Graded]]:
    samples: dict[str, list[Graded]] = defaultdict(list)
    for one in graded:
        samples[one.problem_id].append(one)
    if not samples:
        raise ValueError("curve: got no graded traces; expected at least one")
    return samples
