"""How much of a gap was closed, by name: PGR, RGR, and the share of the gold-SFT gain.

They differ in where they start and in what they stand for, so none is ever called by another's
name. PGR starts at the weak model's own accuracy (Burns et al. 2023, arXiv 2312.09390). RGR starts
at the untrained student and ends at the same student after reinforcement learning (arXiv
2505.20072 names it the share of the gains of RL that is recovered). Without an RL ceiling the same
share of what training on gold solutions gives is all that can be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reason_w2s.errors import DataError
from reason_w2s.evaluate.statistics import Gap, gap_recovered

Measure = Literal["PGR", "RGR", "share of the gold-SFT gain"]
Scores = Mapping[str, float]

ENDS: dict[Measure, tuple[str, str]] = {
    "PGR": ("floor", "ceiling"),
    "RGR": ("base", "RL ceiling"),
    "share of the gold-SFT gain": ("base", "gold-SFT model"),
}
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What `measure` came to, with the mean accuracies behind it, over the same `n` problems.

    `start` and `end` are the accuracies that count as 0 and as 1. `gap` says why where the share is
    refused; the accuracies stand either way.
    """

    measure: Measure
    n: int
    start: float
    reached: float
    end: float
    gap: Gap

    @property
    def sentence(self) -> str:
        """One line: the share with its interval or why there is none, and the raw accuracies."""
        names = ENDS[self.measure]
        raw = (
            f"{names[0]} {self.start:.3f}, reached {self.reached:.3f}, {names[1]} {self.end:.3f}, "
            f"n = {self.n}"
        )
        if self.gap.refused is not None:
            return f"{self.measure}: not given ({self.gap.refused}); {raw}"
        return (
            f"{self.measure} {self.gap.value:.2f} [{self.gap.low:.2f}, {self.gap.high:.2f}]; {raw}"
        )


def pgr(floor: Scores, reached: Scores, ceiling: Scores, seed: int) -> Recovered:
    """PGR = (reached - floor) / (ceiling - floor); scores by problem id, each a share 0..1.

    Raises:
        DataError: not the same problems, or none.
    """
    return _recovered("PGR", floor, reached, ceiling, seed)


def rgr(base: Scores, reached: Scores, rl_ceiling: Scores, seed: int) -> Recovered:
    """RGR = (reached - base) / (RL ceiling - base); only where an RL ceiling was run.

    Raises:
        DataError: not the same problems, or none.
    """
    return _recovered("RGR", base, reached, rl_ceiling, seed)


def gold_gain_share(base: Scores, reached: Scores, gold_sft: Scores, seed: int) -> Recovered:
    """(reached - base) / (gold SFT - base): what to give where no RL ceiling was run.

    Raises:
        DataError: not the same problems, or none.
    """
    return _recovered("share of the gold-SFT gain", base, reached, gold_sft, seed)


def same_problems(*scores: Scores) -> list[str]:
    """The problem ids that all the scores are of, in the first's order.

    Raises:
        DataError: there are none, or some have what others lack.
    """
    ids = list(scores[0])
    odd = sorted(set().union(*scores) - set(ids).intersection(*scores))
    if odd:
        shown = ", ".join(odd[:_SHOWN]) + (", ..." if len(odd) > _SHOWN else "")
        raise DataError(
            f"scores: {len(odd)} problems are not scored for every model ({shown}); "
            "evaluate the same suite for each"
        )
    if not ids:
        raise DataError("scores: no problems; evaluate at least one")
    return ids


def _recovered(
    measure: Measure, start: Scores, reached: Scores, end: Scores, seed: int
) -> Recovered:
    ids = same_problems(start, reached, end)
    first, middle, last = (np.array([one[name] for name in ids]) for one in (start, reached, end))
    return Recovered(
        measure=measure,
        n=len(ids),
        start=float(first.mean()),
        reached=float(middle.mean()),
        end=float(last.mean()),
        gap=gap_recovered(first, middle, last, seed, names=ENDS[measure]),
    )
