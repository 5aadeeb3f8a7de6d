"""Whether one model is better than another on the same problems, and on which it differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reason_w2s.evaluate.gaps import same_problems
from reason_w2s.evaluate.metrics import Graded, problem_scores
from reason_w2s.evaluate.statistics import paired_bootstrap, sign_flip_test

Outcome = Literal["above", "below", "within noise"]

_ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Model `a` against model `b` on the same `n` problems.

    `difference` is the mean over problems of a's share of right samples less b's, with its 95%
    clustered bootstrap interval; shares, not points. `p` is McNemar's exact p where each problem
    has one sample, else that of swapping whole problems. `wins` are the ids of the problems where
    `a` did better (with one sample: a right and b wrong), `losses` the reverse; the rest are ties.
    """

    a: str
    b: str
    n: int
    difference: float
    low: float
    high: float
    p: float
    wins: tuple[str, ...]
    losses: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """Above or below only where the interval leaves out 0 and p is under 0.05."""
        if self.p >= _ALPHA or self.low <= 0.0 <= self.high:
            return "within noise"
        return "above" if self.difference > 0 else "below"

    @property
    def sentence(self) -> str:
        """One line, in percentage points: which is above by how much, or that it is noise."""
        flips = f"{len(self.wins)} won, {len(self.losses)} lost of {self.n}, p = {self.p:.2g}"
        points, low, high = (100 * one for one in (self.difference, self.low, self.high))
        if self.outcome == "within noise":
            by = f"{points:+.1f} points [{low:+.1f}, {high:+.1f}]"
            return f"{self.a} against {self.b}: {by}, within noise ({flips})"
        size, least, most = (points, low, high) if points > 0 else (-points, -high, -low)
        by = f"{size:.1f} points [{least:.1f}, {most:.1f}]"
        return f"{self.a} is {self.outcome} {self.b} by {by} ({flips})"


def compare(
    a: Sequence[Graded], b: Sequence[Graded], seed: int, names: tuple[str, str] = ("A", "B")
) -> Comparison:
    """Compare two models' graded traces of the same problems; what is undecided is not right.

    They may have different numbers of samples.

    Raises:
        DataError: not the same problems, or none.
    """
    left, right = problem_scores(a), problem_scores(b)
    ids = same_problems(left, right)
    first, second = (np.array([one[name] for name in ids]) for one in (left, right))
    found = paired_bootstrap(first, second, seed)
    return Comparison(
        a=names[0],
        b=names[1],
        n=len(ids),
        difference=found.value,
        low=found.low,
        high=found.high,
        p=sign_flip_test(first, second, seed),
        wins=tuple(name for name in ids if left[name] > right[name]),
        losses=tuple(name for name in ids if left[name] < right[name]),
    )
