"""Votes in exactly the proportions that verifiers' rates say, and votes by lot."""

from itertools import product

import numpy as np

from reason_w2s.stages.verifiers.patterns import Patterns, Rates

RATES = Rates(np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.2, 0.4, 0.3, 0.1]), 0.3)


def exact(rates=RATES, traces=1000.0):
    """All patterns of yes and no, each with its share of the traces."""
    votes = np.array(list(product([0.0, 1.0], repeat=len(rates.hit))))
    sides = [
        p * np.where(votes == 1, rate, 1 - rate).prod(1)
        for p, rate in ((rates.balance, rates.hit), (1 - rates.balance, rates.fooled))
    ]
    return Patterns(votes, traces * sum(sides))


def drawn(rates, traces, seed, copied=0.0):
    """Truth `[N]` and votes `[N, K]` by lot; the second repeats the first in a share of them."""
    rng = np.random.default_rng(seed)
    truth = rng.random(traces) < rates.balance
    chance = np.where(truth[:, None], rates.hit, rates.fooled)
    votes = (rng.random(chance.shape) < chance).astype(float)
    again = rng.random(traces) < copied
    votes[again, 1] = votes[again, 0]
    return truth, votes
