"""Which verifiers a label model is fitted to, and why the others are left out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np

from reason_w2s.stages.verifiers.moments import correlations
from reason_w2s.stages.verifiers.patterns import Patterns
from reason_w2s.stages.verifiers.scores import Floats
from reason_w2s.stages.verifiers.settings import Drop

RARE = 0.2
"""A share of right traces from which on, up to 1 less it, neither kind counts as rare."""
_MANY = 50_000
_RIDGE = 1e-6


def left_out(seen: Patterns, drop: Drop | None, balance: float | None) -> list[str | None]:
    """For each verifier why it is left out; None: it stays. balance: P(right), where known."""
    found = [_empty(rate) for rate in seen.rate]
    if drop is None:
        return found
    if drop.one_sided:
        found = [
            why or _one_sided(float(rate), balance)
            for why, rate in zip(found, seen.rate, strict=True)
        ]
    there = [at for at, why in enumerate(found) if why is None]
    if drop.keep is not None and len(there) > drop.keep:
        stay = independent(correlations(seen)[0][np.ix_(there, there)], drop.keep)
        for place, at in enumerate(there):
            if place not in stay:
                found[at] = f"depends on others: the {drop.keep} least dependent stay"
    return found


def _empty(rate: float) -> str | None:
    if np.isnan(rate):
        return "gives no votes"
    return "always says the same" if rate in (0.0, 1.0) else None


def _one_sided(rate: float, balance: float | None) -> str | None:
    if balance is not None and balance < RARE:
        low, high = 0.0, 0.5
    elif balance is not None and balance > 1.0 - RARE:
        low, high = 0.5, 1.0
    else:
        low, high = 0.1, 0.9
    return None if low < rate < high else f"says yes to {rate:.0%}: not within {low:g} to {high:g}"


def independent(together: Floats, keep: int) -> tuple[int, ...]:
    """The `keep` verifiers that depend least on each other, by their places.

    Weaver's rule: the subset with the smallest max |off-diagonal entry of the inverse covariance|;
    here of correlations, as scales say nothing. Where there are too many subsets to try, one of
    the pair that depends most goes, the one with more to do with the rest, until `keep` are left.
    """
    known = np.nan_to_num(together)
    np.fill_diagonal(known, 1.0)
    # exact copies have no inverse
    inverse = np.abs(np.linalg.inv(known + _RIDGE * np.eye(len(known))))
    np.fill_diagonal(inverse, 0.0)
    places = range(len(known))
    if comb(len(known), keep) <= _MANY:
        return min(combinations(places, keep), key=lambda some: _most(inverse, some))
    stay = list(places)
    while len(stay) > keep:
        inside = inverse[np.ix_(stay, stay)]
        pair = np.unravel_index(inside.argmax(), inside.shape)
        stay.pop(int(max(pair, key=lambda at: inside[at].sum())))
    return tuple(stay)


def _most(inverse: Floats, some: Sequence[int]) -> float:
    return float(inverse[np.ix_(some, some)].max())
