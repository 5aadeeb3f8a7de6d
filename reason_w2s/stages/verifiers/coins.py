"""How often each verifier is right, by Dawid and Skene's EM for yes and no.

Dawid and Skene 1979 ("Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm", Applied Statistics 28), with two classes: a trace is right with chance p; given that,
verifier i says yes with chance h_i where it is right and a_i where it is wrong, by itself. With
w_n traces of the pattern of votes n and v_ni its votes, missing ones left out of every sum,

    E: q_n = P(right | votes)                             (`patterns.posterior`)
    M: h_i = (1 + sum_n w_n q_n v_ni) / (2 + sum_n w_n q_n)
       a_i = (1 + sum_n w_n (1 - q_n) v_ni) / (2 + sum_n w_n (1 - q_n))
       p = (1 + sum_n w_n q_n) / (2 + sum_n w_n), where it is not known

with one vote of each kind as the prior (ours). It starts from q_n, the share of yes among the votes
of n, which keeps out the solution with all turned round.
"""

from __future__ import annotations

import numpy as np

from reason_w2s.stages.verifiers.patterns import Patterns, Rates, posterior
from reason_w2s.stages.verifiers.scores import Floats

_ROUNDS = 1000
_NEAR = 1e-6


def fit(seen: Patterns, balance: float | None, signs: Floats | None = None) -> Rates:
    """The rates of the greatest likelihood near the start, under the prior.

    balance: P(right) where it is known. signs: `[K]`, how each verifier goes with the truth on
    audited traces: those that go against it then start as voters for the opposite.
    """
    rates = _update(seen, _share(seen, signs), balance)
    for _ in range(_ROUNDS):
        before, rates = rates, step(seen, rates, balance)
        moved = np.abs(np.concatenate([rates.hit - before.hit, rates.fooled - before.fooled]))
        if max(moved.max(), abs(rates.balance - before.balance)) < _NEAR:
            break
    return rates


def step(seen: Patterns, rates: Rates, balance: float | None) -> Rates:
    """One round of EM."""
    return _update(seen, posterior(seen.votes, rates), balance)


def log_posterior(seen: Patterns, rates: Rates) -> float:
    """Log likelihood of the votes plus the log prior of h, a and p, nats, up to a constant."""
    given, yes = seen.given, seen.yes
    sides = [
        np.log(p) + yes @ np.log(rate) + (given - yes) @ np.log(1.0 - rate)
        for p, rate in ((rates.balance, rates.hit), (1.0 - rates.balance, rates.fooled))
    ]
    told = float(seen.weights @ np.logaddexp(*sides))
    believed = np.array([*rates.hit, *rates.fooled, rates.balance])
    return told + float(np.log(believed * (1.0 - believed)).sum())


def _share(seen: Patterns, signs: Floats | None) -> Floats:
    turned = np.zeros(seen.votes.shape[1], bool) if signs is None else signs < 0
    helping = np.where(turned, 1.0 - seen.votes, seen.votes)
    some = seen.given.any(axis=1)
    found = np.full(len(helping), np.nan)
    found[some] = np.nanmean(helping[some], axis=1)
    return found


def _update(seen: Patterns, q: Floats, balance: float | None) -> Rates:
    """The M step; patterns without a vote say nothing."""
    some = ~np.isnan(q)
    weights, right = seen.weights[some], np.nan_to_num(q)[some]
    yes, given = seen.yes[some], seen.given[some]
    hit = (1.0 + (weights * right) @ yes) / (2.0 + (weights * right) @ given)
    wrong = weights * (1.0 - right)
    fooled = (1.0 + wrong @ yes) / (2.0 + wrong @ given)
    share = (1.0 + float(weights @ right)) / (2.0 + float(weights.sum()))
    return Rates(hit, fooled, share if balance is None else balance)
