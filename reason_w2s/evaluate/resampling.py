"""What sampling again until a verifier accepts is worth, where the verifier errs.

"Inference Scaling fLaws: The Limits of LLM Resampling with Imperfect Verifiers" (Stroebl, Kapoor,
Narayanan 2024, arXiv 2411.17501). A problem is of one of several types, not known beforehand; the
model is right on a type with a fixed chance, and a verifier accepts what is right and rejects what
is wrong, each with a chance of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NEAR_ONE = 1.0 - 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """A model, a verifier and what answers are worth.

    `prior`: the chance of each type of problem, summing to 1. `right`: the chance that a sample
    for a problem of that type is right. `completeness`: P(accept | right). `soundness`:
    P(reject | wrong). `value` and `penalty`: what an accepted right and an accepted wrong answer
    are worth; where no sample was accepted there is no answer, worth 0.
    """

    prior: tuple[float, ...]
    right: tuple[float, ...]
    completeness: float
    soundness: float
    value: float = 1.0
    penalty: float = -1.0

    def __post_init__(self) -> None:
        """Refuse what are no chances."""
        chances = (*self.prior, *self.right, self.completeness, self.soundness)
        if len(self.prior) != len(self.right) or not self.prior:
            raise ValueError("resampling: expected a prior and a chance to be right for each type")
        if not all(0.0 <= one <= 1.0 for one in chances) or abs(sum(self.prior) - 1.0) > 1e-9:
            raise ValueError(f"resampling: got {chances}; expected chances, priors summing to 1")

    def expected_value(self, attempts: int) -> float:
        """EV(K) of sampling until a sample is accepted, at most `attempts` times.

        sum over types of p (1 - b^K) / (1 - b) [c r V + (1 - s)(1 - r) V'], where
        b = (1 - c) r + s (1 - r) is the chance that a sample is rejected. The belief in a type
        falls as p b^(k-1) with each rejection; it is updated once.
        """
        if attempts < 1:
            raise ValueError(f"resampling: got {attempts} attempts; expected at least 1")
        right, wrong, rejected = self._chances()
        # where every sample is rejected each of the K attempts counts, and is worth 0
        tries = np.full_like(rejected, float(attempts))
        ends = rejected < _NEAR_ONE
        tries[ends] = (1.0 - rejected[ends] ** attempts) / (1.0 - rejected[ends])
        worth = right * self.value + wrong * self.penalty
        return float(np.sum(np.asarray(self.prior) * tries * worth))

    def best_attempts(self, most: int) -> int:
        """K*: the number of attempts within 1..most that is worth most; the least of equals."""
        values = [self.expected_value(attempts) for attempts in range(1, most + 1)]
        return int(np.argmax(values)) + 1

    def accuracy_if_accepted(self) -> tuple[float | None, ...]:
        """For each type P(right | accepted) = c r / (c r + (1 - s)(1 - r)).

        The same for every number of attempts: resampling cannot make one type more accurate, it
        only changes which types are answered. None where nothing is ever accepted.
        """
        right, wrong, _ = self._chances()
        return tuple(
            float(good / (good + bad)) if good + bad > 0 else None
            for good, bad in zip(right, wrong, strict=True)
        )

    def _chances(self) -> tuple[NDArray[np.float64], ...]:
        """Per type: P(right, accepted), P(wrong, accepted), P(rejected)."""
        r = np.asarray(self.right)
        right, wrong = self.completeness * r, (1.0 - self.soundness) * (1.0 - r)
        return right, wrong, 1.0 - right - wrong
