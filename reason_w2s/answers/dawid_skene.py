"""Which of several answers is right, and how often each worker is, without any gold answer.

Dawid and Skene 1979 ("Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm", Applied Statistics 28) give each worker a table of confusions between a fixed set of
classes. Here each problem has answers of its own, so a class means nothing beyond its problem, and
a worker w has one number: p_w, the chance that it is right ("one coin"). A wrong answer is one of
the 1/c wrong ones a problem could have, each as likely, so two wrong answers of different workers
coincide with chance c, which all workers and problems share. Given the right answer, workers err
independently; the right answer is any of the 1 + 1/c, each as likely beforehand, and may be one
that nobody gave. With v(i, k, w) the weight of worker w's votes for class k of problem i:

    log f(i, k) = sum_w v(i, k, w) log p_w + (v(i, ., w) - v(i, k, w)) log((1 - p_w) c)
    log f(i, none) = log u_i + sum_w v(i, ., w) log((1 - p_w) c)
    E: q(i, .) = f(i, .) / sum f(i, .)
    M: p_w = (1 + sum_ik q(i, k) v(i, k, w)) / (2 + sum_i v(i, ., w)), and at least c / (1 + c)
       c = (1/2 + weight of coinciding pairs) / (1 + weight of all pairs)

where u_i = max(1 + 1/c - K_i, 1) counts the answers that nobody gave, and the pairs are of wrong
answers by two workers to one problem, expected under q. So one lone answer has the posterior p_w,
and a vote weighs log(p_w / ((1 - p_w) c)).

What identifies it: p and c are told apart only where three or more workers answer the same
problems; with fewer, many values explain the votes equally well and `abilities` are None. Agreement
could also be explained by workers that are mostly wrong together; that solution is kept out by the
start (q in proportion to the votes, with one more for "none") and by p_w >= c / (1 + c): no vote
counts against the answer it gives, so equal workers order answers as a majority does. That some
problems are harder than others, or that workers share a misreading, makes errors dependent; this it
cannot see, and its posteriors are then too sure. Abstentions are missing, not wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Votes = tuple[tuple[float, ...], ...]
"""One problem's votes, `[K][W]`: for each class of answers the weight each worker gave it."""

Floats = NDArray[np.float64]
NEEDED = 3
"""Workers that must meet on a problem for their abilities to be told."""
_ROUNDS = 1000
_NEAR = 1e-7
_LEAST, _MOST = 1e-6, 1.0 - 1e-6
_CELLS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What was learned from the votes of `[W]` workers.

    right: p_w, `[W]`; coincidence: c. low, high: the 95% interval of each p_w, `[W]`, by
    resampling problems; they say nothing of the model's own errors. identified: whether enough
    workers met; where not, `right` is the prior's doing. rounds: of EM.
    """

    right: tuple[float, ...]
    coincidence: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    identified: bool
    converged: bool
    rounds: int


class _Cases(NamedTuple):
    """Every (pattern of votes, what is right): a row each, `[H]`; those of a pattern together.

    right, total: weights, `[H, W]`. unseen: K where none of the classes is right, else -1. same,
    pairs: weight of coinciding and of all pairs of wrong votes. pattern: `[H]`; starts: `[P]`.
    """

    right: Floats
    total: Floats
    unseen: Floats
    same: Floats
    pairs: Floats
    pattern: NDArray[np.intp]
    starts: NDArray[np.intp]


class _State(NamedTuple):
    """The values of B fits made side by side. right: `[B, W]`; coincidence: `[B]`."""

    right: Floats
    coincidence: Floats


def fit(problems: Sequence[Votes], workers: int, *, draws: int = 200, seed: int = 0) -> Fit:
    """Abilities of the workers from their votes alone; the order of problems changes nothing.

    Raises:
        ValueError: a class has not one weight per worker, or a weight is negative.
    """
    _check(problems, workers)
    counts: dict[Votes, int] = {}
    for votes in problems:
        pattern = tuple(sorted(votes))
        counts[pattern] = counts.get(pattern, 0) + 1
    patterns = sorted(counts)
    cases = _cases(patterns, workers)
    weights = np.array([[counts[one]] for one in patterns], float).reshape(-1, 1)
    state, rounds, converged = _maximise(cases, weights, _start(cases, weights))
    met = [sum(map(any, zip(*one, strict=True))) for one in patterns]
    low, high = _intervals(cases, weights, state, draws, seed)
    return Fit(
        right=tuple(state.right[0].tolist()),
        coincidence=float(state.coincidence[0]),
        low=low,
        high=high,
        identified=max(met, default=0) >= NEEDED,
        converged=converged,
        rounds=rounds,
    )


def posteriors(votes: Votes, found: Fit) -> tuple[float, ...]:
    """The chance of each class of one problem to be the right one, `[K]`; they sum to 1 with the
    chance that none is."""
    cases = _cases([votes], len(found.right))
    q = _expect(cases, _state(found.right, found.coincidence))
    return tuple(q[1:, 0].tolist())


def log_likelihood(problems: Sequence[Votes], right: Sequence[float], coincidence: float) -> float:
    """Sum over problems of log sum_k f(i, k), in nats, up to a constant."""
    cases = _cases(problems, len(right))
    log = _log(cases, _state(right, coincidence))
    return float(np.logaddexp.reduceat(log, cases.starts).sum()) if len(problems) else 0.0


def step(
    problems: Sequence[Votes], right: Sequence[float], coincidence: float
) -> tuple[tuple[float, ...], float]:
    """One round of EM from these values: (p_w, c)."""
    cases = _cases(problems, len(right))
    q = _expect(cases, _state(right, coincidence))
    state = _update(cases, np.ones((len(problems), 1)), q)
    return tuple(state.right[0].tolist()), float(state.coincidence[0])


def _state(right: Sequence[float], coincidence: float) -> _State:
    return _State(np.array([right], float), np.array([coincidence]))


def _check(problems: Sequence[Votes], workers: int) -> None:
    for votes in problems:
        for weights in votes:
            if len(weights) != workers or min(weights, default=0.0) < 0:
                raise ValueError(f"dawid_skene: got {weights}; expected {workers} weights >= 0")


def _cases(patterns: Sequence[Votes], workers: int) -> _Cases:
    """The cases of each pattern: that none of its classes is right, then each of them."""
    right, total, unseen, same, pairs, sizes = [], [], [], [], [], []
    for votes in patterns:
        given = np.asarray(votes, float).reshape(len(votes), workers)
        hit = np.vstack([np.zeros(workers), given])
        every = np.broadcast_to(given.sum(0), hit.shape)
        together = _pairs(hit)
        right.append(hit)
        total.append(every)
        unseen += [float(len(votes)), *[-1.0] * len(votes)]
        same.append(together.sum() - together)
        pairs.append(_pairs(every - hit))
        sizes.append(len(hit))
    starts = np.cumsum([0, *sizes[:-1]]).astype(np.intp)[: len(sizes)]
    return _Cases(
        right=np.vstack([np.zeros((0, workers)), *right]),
        total=np.vstack([np.zeros((0, workers)), *total]),
        unseen=np.array(unseen, float),
        same=np.concatenate([np.zeros(0), *same]),
        pairs=np.concatenate([np.zeros(0), *pairs]),
        pattern=np.repeat(np.arange(len(sizes)), sizes),
        starts=starts,
    )


def _pairs(weights: Floats) -> Floats:
    """The weight of all pairs of different workers' votes in each row, `[H, W]` -> `[H]`."""
    found: Floats = (weights.sum(1) ** 2 - (weights**2).sum(1)) / 2.0
    return found


def _start(cases: _Cases, weights: Floats) -> _State:
    """From the majority: each class in proportion to its votes, one more vote for none."""
    votes = np.where(cases.unseen >= 0, 1.0, cases.right.sum(1))
    return _update(cases, weights, (votes / (cases.total.sum(1) + 1.0))[:, None])


def _maximise(cases: _Cases, weights: Floats, state: _State) -> tuple[_State, int, bool]:
    """EM until nothing moves; also the rounds it took, and whether it got there."""
    for done in range(1, _ROUNDS + 1):
        before, state = state, _update(cases, weights, _expect(cases, state))
        moved = np.abs(state.right - before.right).max(initial=0.0)
        if max(moved, np.abs(state.coincidence - before.coincidence).max()) < _NEAR:
            return state, done, True
    return state, _ROUNDS, False


def _log(cases: _Cases, state: _State) -> Floats:
    """log f of each case, nats, `[H, B]`."""
    hit = np.log(state.right).T
    missed = np.log1p(-state.right).T + np.log(state.coincidence)
    unseen = np.maximum(1.0 + 1.0 / state.coincidence - cases.unseen[:, None], 1.0)
    among = np.where(cases.unseen[:, None] >= 0, np.log(unseen), 0.0)
    found: Floats = among + cases.right @ hit + (cases.total - cases.right) @ missed
    return found


def _expect(cases: _Cases, state: _State) -> Floats:
    """q of each case, `[H, B]`; those of one pattern sum to 1."""
    log = _log(cases, state)
    if not len(log):
        return log
    scaled = np.exp(log - np.maximum.reduceat(log, cases.starts)[cases.pattern])
    found: Floats = scaled / np.add.reduceat(scaled, cases.starts)[cases.pattern]
    return found


def _update(cases: _Cases, weights: Floats, q: Floats) -> _State:
    """The M step; `weights`: how often each pattern occurs in each fit, `[P, B]`."""
    mass = (q * weights[cases.pattern]).T
    coincidence = (0.5 + mass @ cases.same) / (1.0 + mass @ cases.pairs)
    coincidence = np.clip(coincidence, _LEAST, _MOST)
    right = (1.0 + mass @ cases.right) / (2.0 + mass @ cases.total)
    least = (coincidence / (1.0 + coincidence))[:, None]
    return _State(np.clip(right, least, _MOST), coincidence)


def _intervals(
    cases: _Cases, weights: Floats, state: _State, draws: int, seed: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Percentiles of p_w over problems drawn again; each fit starts where all problems' ended."""
    n = int(weights.sum())
    if not n or not draws:
        return tuple(state.right[0].tolist()), tuple(state.right[0].tolist())
    drawn = (
        np.random.default_rng(seed).multinomial(n, weights[:, 0] / n, size=draws).T.astype(float)
    )
    some = max(1, _CELLS // len(cases.pattern))
    fits = [
        _maximise(cases, drawn[:, at : at + some], state)[0].right for at in range(0, draws, some)
    ]
    low, high = np.quantile(np.concatenate(fits), [0.025, 0.975], axis=0)
    return tuple(low.tolist()), tuple(high.tolist())
