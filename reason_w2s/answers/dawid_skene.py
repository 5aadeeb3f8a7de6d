"""Which of several answers is right, and how often each worker is, without any gold answer.

Dawid and Skene 1979 ("Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm", Applied Statistics 28) give each worker a table of confusions between a fixed set of
classes. Here each problem has answers of its own, so a class means nothing beyond its problem, and
a worker w has one number a_w: on a problem of difficulty z it is right with chance

    p_w(z) = 1 / (1 + exp(-a_w - s z)),    z ~ N(0, 1), in 9 nodes of Gauss and Hermite

(Rasch's model of abilities and difficulties; s = 0 is one coin per worker). s is given, not
estimated: votes of few workers hold too little about it. A wrong answer is one of the 1/c wrong
ones a problem could have, each as likely, so two wrong answers coincide with chance c, the same for
all. Given difficulty and right answer, workers err independently; the right
answer is any of the 1 + 1/c, each as likely beforehand, and may be one that nobody gave. With
v(i, k, w) the number of worker w's votes for class k of problem i, and g(z) a node's weight:

    log f(i, k, z) = log g(z) + sum_w v(i, k, w) log p_w(z)
                              + sum_w (v(i, ., w) - v(i, k, w)) log((1 - p_w(z)) c)
    log f(i, none, z) = log g(z) + log u_i + sum_w v(i, ., w) log((1 - p_w(z)) c)
    E: q(i, k, z) = f(i, k, z) / sum of f(i, ., .)
    M: a_w = argmax of log p_w(0) (1 - p_w(0)) + sum over i, k, z of
             q(i, k, z) (v(i, k, w) log p_w(z) + (v(i, ., w) - v(i, k, w)) log(1 - p_w(z))),
             by Newton, and at least log c; with s = 0: (1 + votes that are right) / (2 + votes)
       c = (1/2 + number of coinciding pairs) / (1 + number of pairs)

where u_i = max(1 + 1/c - K_i, 1) counts the answers that nobody gave, and the pairs are of wrong
votes on one problem, expected under q. A lone answer has the posterior E p_w(z). A worker may vote
several times on a problem, as theirs may: each of a model's samples is a vote.

What identifies it: a and c are told apart only where a problem has three or more votes; with fewer,
many values explain the votes equally well. Agreement could also be explained by workers that are
mostly wrong together; that solution is kept out by the start (q in proportion to the votes, with
one more for "none") and by a_w >= log c. For the posteriors p_w(z) is at least c / (1 + c): on no
problem, however hard, does a vote count against the answer it gives, so equal workers order answers
as a majority does. Where in truth a given wrong answer is as likely as the right one, votes say
nothing, and posteriors are too high. Errors that some workers share and others do not, as of models
trained on the same data, it cannot see. Abstentions are missing, not wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Votes = tuple[tuple[float, ...], ...]
"""One problem's votes, `[K][W]`: for each class of answers how often each worker gave it."""

Floats = NDArray[np.float64]
NEEDED = 3
"""Votes that a problem must have for abilities to be told."""
_ROUNDS = 500
_NEWTON = 30
_NEAR = 1e-6
_LEAST, _MOST = 1e-6, 1.0 - 1e-6
_CELLS = 1_000_000
_NODES, _MASS = np.polynomial.hermite_e.hermegauss(9)
_MASS /= _MASS.sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What was learned from the votes of `[W]` workers.

    right: the mean of p_w(z) over difficulties, `[W]`. low, high: its 95% interval, `[W]`, by
    resampling problems; it says nothing of the model's own errors. logit: a_w, `[W]`; spread: s;
    coincidence: c. identified: whether any problem has votes enough; where not, `right` is
    the prior's doing. rounds: of EM.
    """

    right: tuple[float, ...]
    logit: tuple[float, ...]
    spread: float
    coincidence: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    identified: bool
    converged: bool
    rounds: int


class _Cases(NamedTuple):
    """Every (pattern of votes, what is right): a row each, `[H]`; those of a pattern together.

    right, total: votes, `[H, W]`. unseen: K where none of the classes is right, else -1. same,
    pairs: how many pairs of wrong votes coincide, and are there. pattern: `[H]`; starts: `[P]`.
    """

    right: Floats
    total: Floats
    unseen: Floats
    same: Floats
    pairs: Floats
    pattern: NDArray[np.intp]
    starts: NDArray[np.intp]


class _State(NamedTuple):
    """The values of B fits made side by side. logit: a_w, `[B, W]`; coincidence: c, `[B]`.

    floor: p_w(z) is at least c / (1 + c).
    """

    logit: Floats
    coincidence: Floats
    spread: float
    floor: bool = False

    def right(self) -> Floats:
        """p_w at each difficulty, `[Z, B, W]`."""
        found: Floats = expit(self.logit + self.spread * _NODES[:, None, None])
        least = (self.coincidence / (1.0 + self.coincidence))[:, None] if self.floor else _LEAST
        return np.clip(found, least, _MOST)

    def mean(self) -> Floats:
        """p_w over all difficulties, `[B, W]`."""
        return np.asarray(np.tensordot(_MASS, self.right(), 1), np.float64)


def fit(
    problems: Sequence[Votes], workers: int, *, spread: float, draws: int = 200, seed: int = 0
) -> Fit:
    """Abilities of the workers from their votes alone; the order of problems changes nothing.

    spread: s, in logits. draws: fits for the intervals, 0 for none.

    Raises:
        ValueError: a class has not one number per worker, or one that is negative.
    """
    _check(problems, workers)
    counts: dict[Votes, int] = {}
    for votes in problems:
        pattern = tuple(sorted(votes))
        counts[pattern] = counts.get(pattern, 0) + 1
    patterns = sorted(counts)
    cases = _cases(patterns, workers)
    weights = np.array([[counts[one]] for one in patterns], float).reshape(-1, 1)
    state, rounds, converged = _maximise(cases, weights, _start(cases, weights, spread))
    most = max((sum(map(sum, one)) for one in patterns), default=0.0)
    low, high = _intervals(cases, weights, state, draws, seed)
    return Fit(
        right=tuple(state.mean()[0].tolist()),
        logit=tuple(state.logit[0].tolist()),
        spread=spread,
        coincidence=float(state.coincidence[0]),
        low=low,
        high=high,
        identified=most >= NEEDED,
        converged=converged,
        rounds=rounds,
    )


def posteriors(votes: Votes, found: Fit) -> tuple[float, ...]:
    """The chance of each class of one problem to be the right one, `[K]`; they sum to 1 with the
    chance that none is."""
    cases = _cases([votes], len(found.logit))
    state = _state(found.logit, found.coincidence, found.spread)._replace(floor=True)
    q = _expect(cases, state).sum(0)
    return tuple(q[1:, 0].tolist())


def log_likelihood(
    problems: Sequence[Votes], logit: Sequence[float], coincidence: float, spread: float
) -> float:
    """Sum over problems of log sum of f(i, ., .), in nats, up to a constant."""
    if not problems:
        return 0.0
    cases = _cases(problems, len(logit))
    log = np.logaddexp.reduce(_log(cases, _state(logit, coincidence, spread)), axis=0)
    return float(np.logaddexp.reduceat(log, cases.starts).sum())


def step(
    problems: Sequence[Votes], logit: Sequence[float], coincidence: float, spread: float
) -> tuple[tuple[float, ...], float]:
    """One round of EM from these values: (a_w, c)."""
    cases = _cases(problems, len(logit))
    before = _state(logit, coincidence, spread)
    state = _update(cases, np.ones((len(problems), 1)), _expect(cases, before), before)
    return tuple(state.logit[0].tolist()), float(state.coincidence[0])


def _state(logit: Sequence[float], coincidence: float, spread: float) -> _State:
    return _State(np.array([logit], float), np.array([coincidence]), spread)


def _check(problems: Sequence[Votes], workers: int) -> None:
    for votes in problems:
        for given in votes:
            if len(given) != workers or min(given, default=0.0) < 0:
                raise ValueError(f"dawid_skene: got {given}; expected {workers} numbers >= 0")


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


def _pairs(votes: Floats) -> Floats:
    """How many pairs of votes each row has, `[H, W]` -> `[H]`."""
    n = votes.sum(1)
    return np.asarray(n * (n - 1.0) / 2.0, np.float64)


def _start(cases: _Cases, weights: Floats, spread: float) -> _State:
    """From the majority: each class in proportion to its votes, one more vote for none."""
    votes = np.where(cases.unseen >= 0, 1.0, cases.right.sum(1))
    q = (votes / (cases.total.sum(1) + 1.0))[:, None] * _MASS[:, None, None]
    return _update(cases, weights, q, _state([0.0] * cases.right.shape[1], 0.5, spread))


def _maximise(cases: _Cases, weights: Floats, state: _State) -> tuple[_State, int, bool]:
    """EM until nothing moves; also the rounds it took, and whether it got there."""
    for done in range(1, _ROUNDS + 1):
        before, state = state, _update(cases, weights, _expect(cases, state), state)
        moved = np.abs(state.logit - before.logit).max(initial=0.0)
        if max(moved, np.abs(state.coincidence - before.coincidence).max()) < _NEAR:
            return state, done, True
    return state, _ROUNDS, False


def _log(cases: _Cases, state: _State) -> Floats:
    """log f of each case at each difficulty, nats, `[Z, H, B]`."""
    right = state.right().transpose(0, 2, 1)
    missed = np.log1p(-right) + np.log(state.coincidence)
    unseen = np.maximum(1.0 + 1.0 / state.coincidence - cases.unseen[:, None], 1.0)
    among = np.where(cases.unseen[:, None] >= 0, np.log(unseen), 0.0)
    found: Floats = np.log(_MASS)[:, None, None] + among
    found = found + cases.right @ np.log(right) + (cases.total - cases.right) @ missed
    return found


def _expect(cases: _Cases, state: _State) -> Floats:
    """q of each case at each difficulty, `[Z, H, B]`; those of one pattern sum to 1."""
    log = _log(cases, state)
    if not log.size:
        return log
    most = np.maximum.reduceat(log.max(0), cases.starts)[cases.pattern]
    scaled = np.exp(log - most)
    found: Floats = scaled / np.add.reduceat(scaled.sum(0), cases.starts)[cases.pattern]
    return found


def _update(cases: _Cases, weights: Floats, q: Floats, before: _State) -> _State:
    """The M step; `weights`: how often each pattern occurs in each fit, `[P, B]`."""
    mass = (q * weights[cases.pattern]).transpose(0, 2, 1)
    whole = mass.sum(0)
    coincidence = (0.5 + whole @ cases.same) / (1.0 + whole @ cases.pairs)
    coincidence = np.clip(coincidence, _LEAST, _MOST)
    logit = _abilities(mass @ cases.right, mass @ cases.total, before)
    return before._replace(
        logit=np.maximum(logit, np.log(coincidence)[:, None]), coincidence=coincidence
    )


def _abilities(right: Floats, total: Floats, before: _State) -> Floats:
    """a_w that makes these right votes of all votes likeliest, `[Z, B, W]` each -> `[B, W]`.

    The prior is one right and one wrong vote on a problem of middling difficulty.
    """
    state = before
    for _ in range(_NEWTON):
        p, own = state.right(), expit(state.logit)
        slope = (right - total * p).sum(0) + 1.0 - 2.0 * own
        bend = (total * p * (1.0 - p)).sum(0) + 2.0 * own * (1.0 - own)
        moved = np.clip(slope / bend, -1.0, 1.0)
        state = state._replace(logit=state.logit + moved)
        if np.abs(moved).max(initial=0.0) < _NEAR:
            break
    return state.logit


def _intervals(
    cases: _Cases, weights: Floats, state: _State, draws: int, seed: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Percentiles of p_w over problems drawn again; each fit starts where all problems' ended."""
    n = int(weights.sum())
    if not n or not draws:
        only = tuple(state.mean()[0].tolist())
        return only, only
    drawn = (
        np.random.default_rng(seed).multinomial(n, weights[:, 0] / n, size=draws).T.astype(float)
    )
    some = max(1, _CELLS // (len(cases.pattern) * len(_NODES)))
    fits = [
        _maximise(cases, drawn[:, at : at + some], state)[0].mean() for at in range(0, draws, some)
    ]
    low, high = np.quantile(np.concatenate(fits), [0.025, 0.975], axis=0)
    return tuple(low.tolist()), tuple(high.tolist())
