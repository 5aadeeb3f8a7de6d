"""Several reward models' scores as one: their mean, the worst, or the mean less their disagreement.

Reward-model ensembles (Coste et al., arXiv 2310.02743): with R_i the score of model i,

    mean = (1/k) sum_i R_i
    WCO  = min_i R_i                         worst-case optimisation
    UWO  = mean - penalty * (1/k) sum_i (R_i - mean)^2    uncertainty-weighted optimisation

over the scores that a trace has: a missing one is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reason_w2s.stages.verifiers.scores import Floats
from reason_w2s.stages.verifiers.settings import Model

PENALTY = 0.5
"""The paper's for best-of-N."""


def mean(scores: Floats, penalty: float) -> Floats:
    """Of the scores there are, at least one per row: `[N, K]` -> `[N]`."""
    return np.asarray(np.nanmean(scores, axis=1))


def worst(scores: Floats, penalty: float) -> Floats:
    """WCO."""
    return np.asarray(np.nanmin(scores, axis=1))


def uncertain(scores: Floats, penalty: float) -> Floats:
    """UWO, with the population's variance."""
    return np.asarray(np.nanmean(scores, axis=1) - penalty * np.nanvar(scores, axis=1))


ENSEMBLES: Mapping[Model, Callable[[Floats, float], Floats]] = {
    "mean": mean,
    "wco": worst,
    "uwo": uncertain,
}


def ensemble(scores: Floats, model: Model, penalty: float) -> Floats:
    """One score per trace, `[N]`; NaN where it has none."""
    found = np.full(len(scores), np.nan)
    some = ~np.isnan(scores).all(axis=1)
    if some.any():
        found[some] = ENSEMBLES[model](scores[some], penalty)
    return found
