"""What a label model learned of verifiers, with intervals, and whether it could be learned at all.

Votes alone tell how often each verifier is right only if at least three of them go together, two by
two, for no other reason than the truth. Where that is plainly not so, or what comes out could be
nearly anything, there is no fit and the reason is said. Verifiers that all share a mistake look
like verifiers that are right: no test on votes finds that, only traces with gold do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from reason_w2s.stages.verifiers import coins, moments
from reason_w2s.stages.verifiers.patterns import Patterns, Rates, patterns
from reason_w2s.stages.verifiers.scores import Floats
from reason_w2s.stages.verifiers.settings import Model

MODELS: Mapping[Model, Callable[[Patterns, float | None, Floats | None], Rates]] = {
    "moments": moments.fit,
    "dawid_skene": coins.fit,
}
NEEDED = 3
COPY = 0.98
"""A correlation from which on two verifiers count as one."""
SURE = 3.0
"""Standard errors that a correlation must be away from nought."""
WIDEST = 0.5
"""An interval of P(right) that is as wide says nothing."""
TOGETHER = 0.1
"""A correlation beyond the model's that is worth a word."""
DRAWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """rates: the fit. low, high: 95% intervals of each verifier's accuracy, `[K]`, and
    balance_low, balance_high of P(right), by resampling problems; they say nothing of the model's
    own errors. dependent: pairs of places that go together more than the model says, with by how
    much, as a correlation."""

    rates: Rates
    low: Floats
    high: Floats
    balance_low: float
    balance_high: float
    dependent: tuple[tuple[int, int, float], ...]


def learn(
    votes: Floats,
    groups: NDArray[np.intp],
    model: Model,
    *,
    balance: float | None,
    signs: Floats | None,
    seed: int = 0,
) -> Learned | str:
    """The fit of a label model to `[N, K]` votes, or why there is none.

    groups: `[N]`, the problem of each trace. balance, signs: as in `moments.fit`.
    """
    seen, places = patterns(votes)
    why = unidentified(seen)
    if why is not None:
        return why
    rates = MODELS[model](seen, balance, signs)
    drawn = [
        MODELS[model](one, balance, signs)
        for one in _drawn(seen, places, groups, seed)
        if _varied(one)
    ]
    if len(drawn) < DRAWS / 2:
        return "drawn again, most sets of problems tell nothing: there are too few of them"
    low, high = np.quantile([one.accuracy for one in drawn], [0.025, 0.975], axis=0)
    least, most = np.quantile([one.balance for one in drawn], [0.025, 0.975])
    if most - least >= WIDEST:
        return (
            f"the share of right traces could be anything from {least:.2f} to {most:.2f}; "
            f"name audited problems: dev"
        )
    return Learned(
        rates=rates,
        low=low,
        high=high,
        balance_low=float(least),
        balance_high=float(most),
        dependent=_dependent(seen, rates),
    )


def unidentified(seen: Patterns) -> str | None:
    """Why no label model can be fitted to these votes; None where one can."""
    size = seen.votes.shape[1]
    if size < NEEDED:
        return f"{size} verifiers are left, and votes of fewer than {NEEDED} tell nothing"
    together, counts = moments.correlations(seen)
    distinct: list[int] = []
    for at in range(size):
        if all(not abs(together[at, other]) >= COPY for other in distinct):
            distinct.append(at)
    if len(distinct) < NEEDED:
        return f"fewer than {NEEDED} verifiers differ: the others repeat them"
    with np.errstate(invalid="ignore"):
        linked = np.abs(together) * np.sqrt(counts) >= SURE
    if not any(
        linked[i, j] and linked[i, k] and linked[j, k] for i, j, k in combinations(distinct, NEEDED)
    ):
        return f"no {NEEDED} verifiers' votes go together: there is nothing to learn from"
    return None


def _drawn(
    seen: Patterns, places: NDArray[np.intp], groups: NDArray[np.intp], seed: int
) -> list[Patterns]:
    """The patterns with the weights of problems drawn again."""
    problems, group = np.unique(groups, return_inverse=True)
    n = len(problems)
    lots = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=DRAWS)
    size = len(seen.votes)
    found = []
    for lot in lots:
        many = lot[group.reshape(-1)].astype(float)
        weights = np.bincount(places, many, size).astype(np.float64)
        found.append(Patterns(seen.votes[weights > 0], weights[weights > 0]))
    return found


def _varied(seen: Patterns) -> bool:
    """Whether every verifier says both yes and no."""
    return bool(np.all((seen.rate > 0.0) & (seen.rate < 1.0)))


def _dependent(seen: Patterns, rates: Rates) -> tuple[tuple[int, int, float], ...]:
    together, counts = moments.correlations(seen)
    rate = seen.rate
    apart = (rates.hit - rates.fooled) * np.sqrt(rates.balance * (1.0 - rates.balance))
    u = apart / np.sqrt(rate * (1.0 - rate))
    rest = together - np.outer(u, u)
    return tuple(
        (i, j, float(rest[i, j]))
        for i, j in combinations(range(len(u)), 2)
        if abs(rest[i, j]) >= max(TOGETHER, SURE / np.sqrt(max(counts[i, j], 1.0)))
    )
