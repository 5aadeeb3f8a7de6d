"""Shares of problems by predicate: which kind of trace stands for each (`mix` of a select step).

As in Guiding Through Complexity (arXiv 2410.20533): each problem has one answer, right or wrong,
and the share of wrong ones is set. Only problems that have a trace of every part are used, so sets
of other shares ask the same problems, and only what is answered differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from reason_w2s.predicate import failure, order
from reason_w2s.records import Row

OTHER = "another trace stands for its problem under mix"
BEYOND = "its problem is beyond take"


class Part(BaseModel):
    """share: of the problems, as a decimal; 0: none, but each problem must have such a trace.

    where: the predicate that a trace of this part meets.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(ge=0, le=1)
    where: dict[str, Any] = Field(default_factory=dict)

    @property
    def exact(self) -> Fraction:
        """As written: 0.7 is seven tenths."""
        return Fraction(str(self.share))


def _sum_to_one(parts: dict[str, Part]) -> dict[str, Part]:
    if parts and sum(part.exact for part in parts.values()) != 1:
        said = " + ".join(str(part.share) for part in parts.values())
        raise ValueError(f"the shares must sum to 1, got {said}")
    return parts


Mixture = Annotated[dict[str, Part], AfterValidator(_sum_to_one)]
"""Name -> a part; {}: traces are chosen by one predicate."""


def left_out(
    rows: Iterable[Row],
    parts: Mapping[str, Part],
    *,
    by: tuple[str, ...],
    take: int | None,
    seed: int,
) -> dict[str, str]:
    """Why traces do not stay, by key; of each problem that is used one stays.

    Which problems are used, which part each is of and which of its traces of that part stands for
    it are by lot, from the seed and ids (the last by the columns `by` first). `take` problems are
    used, or all that have a trace of every part. The lot is the same for other shares.
    """
    ready: dict[str, dict[str, Row]] = {}
    reasons: dict[str, str] = {}
    for problem, group in _by_problem(rows).items():
        found, missing = _candidates(group, parts, by, seed)
        if missing is None:
            ready[problem] = found
        said = OTHER if missing is None else f"its problem has no trace of '{missing}' under mix"
        reasons |= {row.trace.key: said for row in group}
    used = sorted(ready, key=lambda problem: _lot(problem, seed))
    for problem in used[take if take is not None else len(used) :]:
        reasons |= {row.trace.key: BEYOND for row in ready[problem].values()}
    used = used[:take]
    names = iter(name for name, count in sizes(len(used), parts).items() for _ in range(count))
    for problem, name in zip(used, names, strict=True):
        del reasons[ready[problem][name].trace.key]
    return reasons


def sizes(whole: int, parts: Mapping[str, Part]) -> dict[str, int]:
    """How many problems each part has: its share, rounded so that they sum to the whole."""
    exact = {name: whole * part.exact for name, part in parts.items()}
    counts = {name: int(one) for name, one in exact.items()}
    largest = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in largest[: whole - sum(counts.values())]:
        counts[name] += 1
    return counts


def said(used: int, take: int | None, parts: Mapping[str, Part]) -> str:
    """What a mixture came to, and what was short."""
    counts = ", ".join(f"{name} {count:,}" for name, count in sizes(used, parts).items())
    if take is None or used >= take:
        return f"mix: {counts}"
    return f"mix: {counts}; {take:,} were asked for, but no more problems have a trace of each part"


def _by_problem(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.problem.id, []).append(row)
    return found


def _candidates(
    group: list[Row], parts: Mapping[str, Part], by: tuple[str, ...], seed: int
) -> tuple[dict[str, Row], str | None]:
    """For each part the problem's trace that would stand for it; the first part without one."""
    found = {}
    for name, part in parts.items():
        fit = [row for row in group if failure(row, part.where) is None]
        if not fit:
            return {}, name
        found[name] = order(fit, by, seed)[0]
    return found, None


def _lot(problem: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:mix:{problem}".encode()).hexdigest()
