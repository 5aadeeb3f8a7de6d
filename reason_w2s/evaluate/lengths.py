"""How far length alone tells the chosen side of preference pairs from the rejected one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DRAWS = 500
_SHOWN = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Tokens of one side's responses: their mean, and percentiles by name ("5" to "95")."""

    mean: float
    quantiles: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthBias:
    """The sides' lengths, and the AUC of a classifier that says "chosen" the more the longer.

    auc: the chance that a chosen response is longer than a rejected one of any pair, ties by half:
    0.5 tells nothing, 1 means that the longest are always chosen, 0 the shortest. `low` and `high`
    are its 95% interval.
    """

    pairs: int
    chosen: Lengths
    rejected: Lengths
    auc: float
    low: float
    high: float


def length_bias(
    problems: Sequence[str], chosen: Sequence[int], rejected: Sequence[int], seed: int
) -> LengthBias:
    """The length bias of pairs, each of one problem; lengths in tokens, `[N]` each.

    The interval is a percentile bootstrap over problems, as the pairs of one stand together.

    Raises:
        ValueError: there are no pairs.
    """
    if not problems:
        raise ValueError("length_bias: got no pairs; expected at least one")
    long, short = np.asarray(chosen), np.asarray(rejected)
    lengths, places = np.unique(np.concatenate([long, short]), return_inverse=True)
    first, second = places[: len(long)], places[len(long) :]
    _, problem = np.unique(np.asarray(problems), return_inverse=True)
    n = int(problem.max()) + 1

    def auc(weights: NDArray[np.float64]) -> float:
        return _auc(first, second, weights[problem], len(lengths))

    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=_DRAWS)
    low, high = np.quantile([auc(one.astype(np.float64)) for one in drawn], [0.025, 0.975])
    return LengthBias(
        pairs=len(problems),
        chosen=_lengths(long),
        rejected=_lengths(short),
        auc=auc(np.ones(n)),
        low=float(low),
        high=float(high),
    )


def _auc(
    chosen: NDArray[np.intp], rejected: NDArray[np.intp], weights: NDArray[np.float64], size: int
) -> float:
    """Mann and Whitney's U of weighted ranks over the weight of all combinations."""
    above = np.bincount(chosen, weights, size)
    below = np.bincount(rejected, weights, size)
    shorter = np.cumsum(below) - below
    return float(above @ (shorter + below / 2.0) / weights.sum() ** 2)


def _lengths(tokens: NDArray[np.int_]) -> Lengths:
    found = np.percentile(tokens, _SHOWN)
    quantiles = {str(name): float(value) for name, value in zip(_SHOWN, found, strict=True)}
    return Lengths(mean=float(tokens.mean()), quantiles=quantiles)
