"""Choose traces: keep those that meet a predicate, the best few per problem."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reason_w2s.predicate import failure, order
from reason_w2s.records import Dropped, Row, by_problem
from reason_w2s.stages.distinct import Distinct, repeated
from reason_w2s.stages.mixture import Mixture, left_out


class Budget(BaseModel):
    """tokens: of responses, as their sampler counted them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int = Field(ge=1)


class SelectConfig(BaseModel):
    """Which traces stay; of one problem set, where a step names it (`problems: NAME`).

    where: the predicate a trace must meet.
    by: columns to order by before taking (`-column`: greatest first); ties by lot.
    distinct: of a problem's traces in nearly the same words the first in that order stays.
    take: how many stay, per problem where `per: problem`, else in all; None: all.
    budget: in that order traces stay until the next one would go beyond it; per problem likewise.
    mix: shares of problems by predicate: of each problem one trace stays, of the part that its lot
    says, where it has a trace of every part (`stages.mixture`). `take` counts problems.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    where: dict[str, Any] = Field(default_factory=dict)
    by: tuple[str, ...] = ()
    per: Literal["problem"] | None = None
    distinct: Distinct | None = None
    take: int | None = Field(None, ge=0)
    budget: Budget | None = None
    mix: Mixture = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way(self) -> SelectConfig:
        if self.mix and (self.per or self.distinct or self.budget):
            raise ValueError(
                "with 'mix' one trace per problem stays: leave out per, distinct, budget"
            )
        return self

    @property
    def alone(self) -> bool:
        """Whether each trace stays or goes whatever others there are."""
        return not self.mix and (self.take, self.budget, self.distinct) == (None, None, None)


def select(
    rows: Iterable[Row],
    cfg: SelectConfig,
    *,
    step: str,
    seed: int,
    problems: Collection[str] | None = None,
) -> Iterator[Row | Dropped]:
    """Each row once, either itself or as `Dropped` with its reason; kept rows in input order.

    problems: the ids of those whose traces may stay; None: all.
    """

    def wrong(row: Row) -> str | None:
        if problems is not None and row.problem.id not in problems:
            return "answers a problem of another set"
        return failure(row, cfg.where)

    if cfg.alone:
        groups: Iterator[list[Row]] = ([row] for row in rows)
    else:
        groups = by_problem(rows) if cfg.per == "problem" else iter([list(rows)])
    for group in groups:
        reasons = {row.trace.key: wrong(row) for row in group}
        yield from _choose(group, reasons, cfg, step, seed)


def _choose(
    group: list[Row], reasons: dict[str, str | None], cfg: SelectConfig, step: str, seed: int
) -> Iterator[Row | Dropped]:
    fit = [row for row in group if reasons[row.trace.key] is None]
    if cfg.mix:
        reasons |= left_out(fit, cfg.mix, by=cfg.by, take=cfg.take, seed=seed)
    elif not cfg.alone:
        reasons |= _beyond(order(fit, cfg.by, seed), cfg)
    for row in group:
        reason = reasons[row.trace.key]
        yield row if reason is None else Dropped(row.trace.key, step, reason)


def _beyond(ordered: list[Row], cfg: SelectConfig) -> dict[str, str]:
    """Why traces that meet the predicate do not stay: repetitions, then what is too many."""
    place = "per problem" if cfg.per else "in all"
    reasons: dict[str, str] = {}
    if cfg.distinct is not None:
        said = f"near-identical to another of its problem (Jaccard {cfg.distinct.jaccard:g})"
        reasons = dict.fromkeys(repeated(ordered, cfg.distinct), said)
        ordered = [row for row in ordered if row.trace.key not in reasons]
    if cfg.take is not None:
        late = (row.trace.key for row in ordered[cfg.take :])
        reasons |= dict.fromkeys(late, f"beyond take {cfg.take} {place}")
        ordered = ordered[: cfg.take]
    if cfg.budget is not None:
        said = f"beyond a budget of {cfg.budget.tokens:,} tokens {place}"
        spent = accumulate(row.trace.n_tokens for row in ordered)
        within = sum(total <= cfg.budget.tokens for total in spent)
        reasons |= dict.fromkeys((row.trace.key for row in ordered[within:]), said)
    return reasons
