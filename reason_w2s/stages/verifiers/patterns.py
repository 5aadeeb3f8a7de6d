"""Votes of verifiers, each pattern once, and what is learned from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reason_w2s.stages.verifiers.scores import Flags, Floats


class Patterns(NamedTuple):
    """Patterns of votes, and how many traces have each. Fits see nothing else of the traces.

    votes: `[P, K]`, 1 yes, 0 no, NaN none. weights: `[P]`.
    """

    votes: Floats
    weights: Floats

    @property
    def given(self) -> Flags:
        """Which votes there are, `[P, K]`."""
        return ~np.isnan(self.votes)

    @property
    def yes(self) -> Floats:
        """The votes with 0 for none, `[P, K]`."""
        return np.nan_to_num(self.votes)

    @property
    def size(self) -> Floats:
        """How many votes each verifier has, `[K]`."""
        return np.asarray(self.weights @ self.given, np.float64)

    @property
    def rate(self) -> Floats:
        """The share of each verifier's votes that are yes, `[K]`."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.weights @ self.yes / self.size, np.float64)


class Rates(NamedTuple):
    """What is believed of the verifiers.

    hit: P(yes | right), `[K]`. fooled: P(yes | wrong), `[K]`. balance: P(right).
    """

    hit: Floats
    fooled: Floats
    balance: float

    @property
    def accuracy(self) -> Floats:
        """P(yes and right, or no and wrong), `[K]`."""
        return self.balance * self.hit + (1.0 - self.balance) * (1.0 - self.fooled)


def patterns(votes: Floats) -> tuple[Patterns, NDArray[np.intp]]:
    """The patterns, and which of them each trace has, `[N]`."""
    marked = np.where(np.isnan(votes), 2.0, votes)
    found, places, counts = np.unique(marked, axis=0, return_inverse=True, return_counts=True)
    shown = np.where(found == 2.0, np.nan, found)
    return Patterns(shown, counts.astype(float)), places.reshape(-1).astype(np.intp)


def posterior(votes: Floats, rates: Rates) -> Floats:
    """P(right | votes), `[P]`, verifiers erring independently; NaN without a vote.

    log odds = logit(balance) + sum_i v_i log(hit_i / fooled_i) + (1 - v_i) log((1 - hit_i) / (1 -
    fooled_i)), over the votes there are.
    """
    given, yes = ~np.isnan(votes), np.nan_to_num(votes)
    for_yes = np.log(rates.hit / rates.fooled)
    for_no = np.log((1.0 - rates.hit) / (1.0 - rates.fooled))
    odds = np.log(rates.balance / (1.0 - rates.balance)) + yes @ for_yes + (given - yes) @ for_no
    with np.errstate(over="ignore"):
        return np.where(given.any(axis=1), 1.0 / (1.0 + np.exp(-odds)), np.nan)


def bounded(rates: Rates, size: Floats) -> Rates:
    """No chance of 0 or 1 from few votes: at least one vote in two more than there are."""
    least = 1.0 / (size + 2.0)
    return Rates(
        np.clip(rates.hit, least, 1.0 - least),
        np.clip(rates.fooled, least, 1.0 - least),
        rates.balance,
    )
