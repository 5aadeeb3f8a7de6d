"""Shares of pairs: how many come from each of several steps' traces (`mix` of a pair step).

As in the study of suboptimal on-policy data (arXiv 2404.14367), a pair is wholly of one source:
the student's own samples or another model's, never one of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Annotated

from pydantic import AfterValidator, Field

from reason_w2s.records import Dropped, Pair, Row

NO_PAIR = "no trace of a step under mix"
CUT = "beyond its step's share under mix"
Pairing = Callable[[list[Row]], Iterable[Pair | Dropped]]


def _sum_to_one(shares: dict[str, float]) -> dict[str, float]:
    if shares and sum(_exact(shares).values()) != 1:
        raise ValueError(f"the shares must sum to 1, got {' + '.join(map(str, shares.values()))}")
    return shares


Share = Annotated[float, Field(ge=0, le=1)]
Mix = Annotated[dict[str, Share], AfterValidator(_sum_to_one)]
"""Step -> its share of the pairs, in decimals that sum to 1; {}: pairs of any two traces."""


def mixed(
    groups: Iterable[list[Row]],
    shares: Mapping[str, float],
    sources: Mapping[str, Collection[str]],
    pairing: Pairing,
    *,
    step: str,
    seed: int,
) -> Iterator[Pair | Dropped]:
    """The pairs that `pairing` finds in each source's traces of a problem, cut to the shares.

    The scarcest source decides: the whole is as large as can be without any source giving more
    than it has, and each gives its share of that, rounded down. Which pairs stay is by lot, from
    the seed and their keys. A trace that two steps have is of the one named first. A problem that
    gives no pair leaves as `Dropped`, for the reason it gave none to the first source that tried.
    """
    found: dict[str, list[Pair]] = {name: [] for name in shares}
    reasons: dict[str, str] = {}
    for group in groups:
        reasons[group[0].problem.id] = NO_PAIR
        for name, rows in _parts(group, shares, sources):
            for one in pairing(rows):
                if isinstance(one, Pair):
                    found[name].append(one)
                elif reasons[one.key] == NO_PAIR:
                    reasons[one.key] = one.reason
    counts = _counts({name: len(pairs) for name, pairs in found.items()}, shares)
    kept = [one for name, pairs in found.items() for one in _by_lot(pairs, seed)[: counts[name]]]
    yield from kept
    paired = {one.problem_id for one in chain.from_iterable(found.values())}
    gone = reasons.keys() - {one.problem_id for one in kept}
    for problem_id in (one for one in reasons if one in gone):
        yield Dropped(problem_id, step, CUT if problem_id in paired else reasons[problem_id])


def _parts(
    group: list[Row], shares: Mapping[str, float], sources: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, list[Row]]]:
    """A problem's traces by the source they are of."""
    left = group
    for name in shares:
        own = [row for row in left if row.trace.key in sources[name]]
        left = [row for row in left if row.trace.key not in sources[name]]
        if own:
            yield name, own


def _counts(available: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, int]:
    """How many pairs each source gives."""
    exact = _exact(shares)
    whole = min(available[name] / share for name, share in exact.items() if share)
    return {name: int(whole * share) for name, share in exact.items()}


def _exact(shares: Mapping[str, float]) -> dict[str, Fraction]:
    """As written: 0.7 is seven tenths."""
    return {name: Fraction(str(share)) for name, share in shares.items()}


def _by_lot(pairs: list[Pair], seed: int) -> list[Pair]:
    def lot(one: Pair) -> str:
        return hashlib.sha256(f"{seed}:{one.chosen}:{one.rejected}".encode()).hexdigest()

    return sorted(pairs, key=lot)
