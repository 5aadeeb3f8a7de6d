"""Measure how often pairs stand the wrong way round: on audited problems, by a column of truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.errors import DataError
from reason_w2s.evaluate.statistics import mean_interval
from reason_w2s.records import Pair, Row

USELESS = 0.5
"""A rate that may be this high says nothing: half of coin flips stand the wrong way round."""


class NoiseConfig(BaseModel):
    """What is true, and how much of it has to be known.

    truth: the yes-or-no column of both sides' traces, such as `graded.correct`. least: the fewest
    pairs with both sides known. otherwise: the rate to take where the audit says too little; None:
    the run stops there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    truth: str
    least: int = Field(30, ge=1)
    otherwise: float | None = Field(None, ge=0, lt=USELESS)


@dataclass(frozen=True, slots=True)
class Judged:
    """One pair and whether its sides are right; None: not known."""

    problem_id: str
    chosen: bool | None
    rejected: bool | None

    @property
    def flipped(self) -> bool | None:
        """Chosen wrong and rejected right. A pair of equals is not; None where a side is unknown:
        counting those that one side settles would count the pairs that are not flipped only."""
        if self.chosen is None or self.rejected is None:
            return None
        return self.rejected and not self.chosen


def judge(pairs: Iterable[Pair], rows: Mapping[str, Row], cfg: NoiseConfig) -> Iterator[Judged]:
    """Each pair with the truth of its sides; `rows` holds their traces by key.

    Raises:
        DataError: the column holds something else than yes, no or nothing.
    """
    for pair in pairs:
        chosen, rejected = (_truth(rows[key], cfg.truth) for key in (pair.chosen, pair.rejected))
        yield Judged(pair.problem_id, chosen, rejected)


def measure(judged: Sequence[Judged]) -> dict[str, Any]:
    """The measured rate of flipped pairs, P(chosen wrong and rejected right), and what it rests on.

    in: pairs. out: pairs with both sides known. decided: those of them in which one side is right
    and the other wrong; the others cannot stand the wrong way round. sides: how many have which
    side right. rate: the mean over problems of the share flipped; low, high: its 95% interval,
    Wilson's where each problem gives one pair. None where nothing is known.
    """
    known = [one for one in judged if one.flipped is not None]
    flips: dict[str, list[bool]] = {}
    for one in known:
        flips.setdefault(one.problem_id, []).append(one.flipped is True)
    counts = {
        "in": len(judged),
        "out": len(known),
        "problems": len(flips),
        "decided": sum(one.chosen != one.rejected for one in known),
        "flipped": sum(one.flipped is True for one in known),
        "sides": dict(Counter(_sides(one) for one in judged).most_common()),
    }
    if not known:
        return {**counts, "rate": None, "low": None, "high": None}
    shares = [sum(one) / len(one) for one in flips.values()]
    found = mean_interval(shares, [len(one) for one in flips.values()])
    rate = sum(shares) / len(shares)
    return {**counts, "rate": rate, "low": found.low, "high": found.high}


def too_little(counts: Mapping[str, Any], cfg: NoiseConfig) -> str | None:
    """Why the audit says too little to be used, in words; None where it does not.

    Ours: at least `least` known pairs, and an interval that ends below one half.
    """
    if counts["out"] < cfg.least:
        return f"{counts['out']} audited pairs are known, at least {cfg.least} are wanted"
    if counts["high"] >= USELESS:
        return f"{said(counts)}, which does not end below {USELESS:.0%}"
    return None


def said(counts: Mapping[str, Any]) -> str:
    """The measured rate in words."""
    if counts["rate"] is None:
        return f"of {counts['in']:,} pairs none is known"
    return (
        f"{counts['rate']:.1%} [{counts['low']:.1%}, {counts['high']:.1%}] of {counts['out']:,} "
        f"audited pairs stand the wrong way round ({counts['flipped']:,} of the "
        f"{counts['decided']:,} in which one side is right)"
    )


def _sides(one: Judged) -> str:
    words = {True: "right", False: "wrong", None: "not known"}
    return f"{words[one.chosen]} over {words[one.rejected]}"


def _truth(row: Row, column: str) -> bool | None:
    found = row.value(column)
    if found is None or isinstance(found, bool):
        return found
    raise DataError(f"{row.problem.id}: {column} is {found!r}; expected true, false or null")
