"""Sampling until a verifier accepts, worked out from samples that were drawn and graded already.

The protocol of "The Limits of Inference Scaling Through Resampling" (arXiv 2411.17501): take a
problem's samples in a random order, give the first that the verifier accepts, give up after K. The
paper draws 1,000 orders; their mean is known exactly, and is what stands here. `resampling` has the
model behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reason_w2s.evaluate.statistics import bootstrap_mean, mean_interval

PENALTIES = (0.0, -1.0, -2.0, -4.0, -8.0)
"""What a wrong answer is worth where a right one is worth 1 and none 0: the paper's ratios."""

_DRAWS = 1000
_TAILS = (0.025, 0.975)
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Tried:
    """One problem's samples: how many, accepted, of these right, and right in all."""

    drawn: int
    accepted: int
    accepted_right: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """At most `k` attempts: shares of problems answered, and of these answers right (None: there
    is no answer), each with its 95% interval over problems. values: mean worth, by penalty."""

    k: int
    answered: float
    right: float
    wrong: float
    accuracy: float | None
    low: float | None
    high: float | None
    values: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """K*: the attempts that are worth most under a penalty (the fewest of equals), what they are
    worth with a 95% interval, and between which numbers 95% of bootstrapped K* lie."""

    penalty: float
    k: int
    k_low: int
    k_high: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a verifier is worth over `n` problems with at least `most` samples each.

    accuracy: of a single sample, the mean over problems. completeness: P(accepted | right), over
    samples; false_positives: P(accepted | wrong); None where there is nothing to count.
    """

    n: int
    most: int
    accuracy: float
    completeness: float | None
    false_positives: float | None
    points: tuple[Attempts, ...]
    best: tuple[Best, ...]


def verified(
    problems: Sequence[Tried], ks: Sequence[int], seed: int, penalties: Sequence[float] = PENALTIES
) -> Verified:
    """First-accepted accuracy and worth at each of `ks` attempts, and K* for each penalty.

    Of n samples, a accepted and g of these right, at most K attempts find one that is accepted with
    the chance 1 - C(n - a, K) / C(n, K), and it is right with g / a: for one problem the accuracy
    of what is accepted is the same for every K. Over problems it is not.

    Raises:
        ValueError: there are no problems, or one has fewer samples than a k.
    """
    most = min((one.drawn for one in problems), default=0)
    if not problems or not all(1 <= k <= most for k in ks):
        raise ValueError(f"verified: got k={list(ks)}; expected 1..{most}, the fewest samples")
    right, wrong = _shares(problems, most)
    rng = np.random.default_rng(seed)
    size = len(problems)
    drawn = rng.multinomial(size, np.full(size, 1 / size), size=_DRAWS) / size
    return Verified(
        n=size,
        most=most,
        accuracy=float(np.mean([one.right / one.drawn for one in problems])),
        completeness=_rate([(one.accepted_right, one.right) for one in problems]),
        false_positives=_rate(
            [(one.accepted - one.accepted_right, one.drawn - one.right) for one in problems]
        ),
        points=tuple(_attempts(right, wrong, drawn, k, penalties) for k in ks),
        best=tuple(_best(right, wrong, drawn, penalty, seed) for penalty in penalties),
    )


def _shares(
    problems: Sequence[Tried], most: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The chance that a right and that a wrong answer is given within k + 1 attempts, [K, N]."""
    drawn, accepted, good = (
        np.array([getattr(one, name) for one in problems], dtype=np.float64)
        for name in ("drawn", "accepted", "accepted_right")
    )
    k = np.arange(most)[:, None]
    missed = np.cumprod(np.clip(drawn - accepted - k, 0, None) / (drawn - k), axis=0)
    share = np.divide(good, accepted, out=np.zeros_like(good), where=accepted > 0)
    return (1 - missed) * share, (1 - missed) * (1 - share)


def _rate(counts: Sequence[tuple[int, int]]) -> float | None:
    of = sum(whole for _, whole in counts)
    return sum(part for part, _ in counts) / of if of else None


def _attempts(
    right: NDArray[np.float64],
    wrong: NDArray[np.float64],
    drawn: NDArray[np.float64],
    k: int,
    penalties: Sequence[float],
) -> Attempts:
    good, bad = (float(one[k - 1].mean()) for one in (right, wrong))
    answered = good + bad
    low, high = _ends(right[k - 1], right[k - 1] + wrong[k - 1], drawn)
    return Attempts(
        k=k,
        answered=answered,
        right=good,
        wrong=bad,
        accuracy=good / answered if answered else None,
        low=low,
        high=high,
        values={f"{penalty:g}": good + penalty * bad for penalty in penalties},
    )


def _ends(
    right: NDArray[np.float64], answered: NDArray[np.float64], drawn: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """The interval of right / answered, both [N], over problems; None where none is answered."""
    some = answered > 0
    if not some.any():
        return None, None
    shares = right[some] / answered[some]
    if np.ptp(shares) < _SAME:
        # drawn again they are the same again, which is not to be sure of it
        found = mean_interval(np.clip(shares, 0, 1), np.ones_like(shares))
        return found.low, found.high
    goods, both = drawn @ right, drawn @ answered
    low, high = np.quantile(goods[both > 0] / both[both > 0], _TAILS)
    return float(low), float(high)


def _best(
    right: NDArray[np.float64],
    wrong: NDArray[np.float64],
    drawn: NDArray[np.float64],
    penalty: float,
    seed: int,
) -> Best:
    worth = right + penalty * wrong
    k = _first_most(worth.mean(axis=1)[None])[0]
    again = _first_most(drawn @ worth.T)
    # as a share of the way from all wrong to all right, which intervals are made for
    way = 1 - penalty
    found = bootstrap_mean((worth[k - 1] - penalty) / way, seed)
    return Best(
        penalty=penalty,
        k=int(k),
        k_low=int(np.quantile(again, _TAILS[0], method="inverted_cdf")),
        k_high=int(np.quantile(again, _TAILS[1], method="inverted_cdf")),
        value=float(worth[k - 1].mean()),
        low=penalty + way * found.low,
        high=penalty + way * found.high,
    )


def _first_most(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """In each row the first place, from 1, of the greatest value; sums of the same differ by a
    rounding error."""
    most = values.max(axis=1, keepdims=True)
    places: NDArray[np.int64] = np.argmax(values >= most - 1e-12, axis=1) + 1
    return places
