"""Choose traces: keep those that meet a predicate, the best few per problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.predicate import failure, order
from reason_w2s.records import Dropped, Row, by_problem


class SelectConfig(BaseModel):
    """Which traces stay.

    where: the predicate a trace must meet.
    by: columns to order by before taking (`-column`: greatest first); ties by lot.
    take: how many stay, per problem where `per: problem`, else in all; None: all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    where: dict[str, Any] = Field(default_factory=dict)
    by: tuple[str, ...] = ()
    per: Literal["problem"] | None = None
    take: int | None = Field(None, ge=0)


def select(
    rows: Iterable[Row], cfg: SelectConfig, *, step: str, seed: int
) -> Iterator[Row | Dropped]:
    """Each row once, either itself or as `Dropped` with its reason; kept rows in input order."""
    groups = by_problem(rows) if cfg.per == "problem" else iter([list(rows)])
    for group in groups:
        yield from _choose(group, cfg, step, seed)


def _choose(group: list[Row], cfg: SelectConfig, step: str, seed: int) -> Iterator[Row | Dropped]:
    failures = {row.trace.key: failure(row, cfg.where) for row in group}
    fit = [row for row in group if failures[row.trace.key] is None]
    if cfg.take is not None:
        fit = order(fit, cfg.by, seed)[: cfg.take]
    kept = {row.trace.key for row in fit}
    place = "per problem" if cfg.per else "in all"
    for row in group:
        key = row.trace.key
        if key in kept:
            yield row
        else:
            yield Dropped(key, step, failures[key] or f"beyond take {cfg.take} {place}")
