"""How hard each problem is for whoever answered it: the share of its traces that a column calls
true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.predicate import failure
from reason_w2s.records import Row, by_problem


class DifficultyConfig(BaseModel):
    """truth: the yes-or-no column whose share of yes is meant: `graded.correct`, or without gold
    `votes.agrees`. among: a predicate over the traces that count; the others are told all the
    same."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    truth: str
    among: dict[str, Any] = Field(default_factory=dict)


def difficulty(rows: Iterable[Row], cfg: DifficultyConfig) -> Iterator[dict[str, Any]]:
    """One dict of columns per row, in order, the same for all traces of a problem.

    n: how many of its traces count. pass_rate: the share of these whose column is true; what could
    not be decided is not. None where none count. Reads gold where the column is made from it.
    """
    for group in by_problem(rows):
        counted = [row for row in group if failure(row, cfg.among) is None]
        right = sum(row.value(cfg.truth) is True for row in counted)
        share = right / len(counted) if counted else None
        for row in group:
            yield {"key": row.trace.key, "pass_rate": share, "n": len(counted)}
