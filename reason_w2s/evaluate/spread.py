"""A mean over repeated runs, and its interval from how far these differ.

Runs are repeated with other seeds. Where something is made once for several of them (a pair of
pretrained models), those that share it are a stratum: the spread within strata says how far seeds
move a result, and the strata themselves are not drawn from anything. So the interval is for the
mean over seeds, for exactly these strata.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

_NEAR_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over runs, in the unit of their values.

    mean: of the strata's means, each stratum alike. error: its standard error. low, high: its t
    interval, of `df` degrees of freedom. p: two-sided, that the mean is 0. All but the mean are
    None where the runs do not say how far seeds move it; `why` says why.
    """

    mean: float
    df: int
    error: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    why: str | None = None


def spread(values: Mapping[Hashable, Sequence[float]], level: float = 0.95) -> Spread:
    """The mean of runs given by stratum, `{stratum: [R]}`, and its interval.

    The variance is that of runs within strata, pooled, with df = runs - strata: seeds are taken to
    move all strata alike.

    Raises:
        ValueError: no strata, or one without runs.
    """
    strata = [np.asarray(runs, dtype=np.float64) for runs in values.values()]
    if not strata or any(runs.size == 0 for runs in strata):
        raise ValueError(f"spread: got {dict(values)}; expected strata with at least one run each")
    mean = float(np.mean([runs.mean() for runs in strata]))
    df = sum(runs.size for runs in strata) - len(strata)
    if df == 0:
        return Spread(mean, df, why="no two runs differ in their seed alone")
    within = sum(float(np.sum((runs - runs.mean()) ** 2)) for runs in strata) / df
    error = math.sqrt(within * sum(1.0 / runs.size for runs in strata)) / len(strata)
    if error < _NEAR_ZERO:
        return Spread(mean, df, why="all runs gave the same")
    half = float(stats.t.ppf((1.0 + level) / 2.0, df)) * error
    p = 2.0 * float(stats.t.sf(abs(mean) / error, df))
    return Spread(mean, df, error, mean - half, mean + half, p)
