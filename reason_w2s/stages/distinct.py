"""Traces of one problem that say the same in nearly the same words.

Jaccard's similarity of two texts' runs of words, worked out exactly: only the few traces of one
problem are compared, for which hashing them into buckets first (MinHash) would cost more than it
saves, and miss some.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.records import Row

Runs = frozenset[tuple[str, ...]]


class Distinct(BaseModel):
    """jaccard: from this similarity on two traces are near-identical (1: the same runs of words).
    words: how many make a run. The defaults are ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jaccard: float = Field(0.8, gt=0, le=1)
    words: int = Field(5, ge=1)


def repeated(rows: Iterable[Row], cfg: Distinct) -> Iterator[str]:
    """The keys of rows that are near-identical to an earlier one of their problem that is not
    itself repeated."""
    seen: dict[str, list[Runs]] = {}
    for row in rows:
        mine = runs(row.trace.text, cfg.words)
        others = seen.setdefault(row.problem.id, [])
        if any(similarity(mine, other) >= cfg.jaccard for other in others):
            yield row.trace.key
        else:
            others.append(mine)


def runs(text: str, words: int) -> Runs:
    """All runs of so many words, without case; a shorter text is one run."""
    listed = text.casefold().split()
    if len(listed) <= words:
        return frozenset([tuple(listed)])
    return frozenset(zip(*(listed[start:] for start in range(words)), strict=False))


def similarity(one: Runs, other: Runs) -> float:
    """Jaccard's: shared runs over all runs of both."""
    return len(one & other) / len(one | other)
