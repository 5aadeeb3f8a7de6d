"""Choose preference pairs: for each problem, traces of one side against traces of another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, islice, product
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.predicate import failure, order
from reason_w2s.records import Dropped, Pair, Row, by_problem
from reason_w2s.stages.mix import Mix, mixed

NO_SOURCES: Mapping[str, Collection[str]] = MappingProxyType({})


class Rule(BaseModel):
    """Pair traces that meet `chosen` with traces that meet `rejected`, at most `max` pairs.

    The rule is for problems that meet `when` (a predicate over any one of the problem's traces).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: dict[str, Any] = Field(default_factory=dict)
    chosen: dict[str, Any]
    rejected: dict[str, Any]
    max: int = Field(1, ge=1)


class Length(BaseModel):
    """`tokens_apart`: the longest difference in length, in tokens, that a pair may have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens_apart: int | None = Field(None, ge=0)


class PairConfig(BaseModel):
    """`rules` are tried in order; the first whose `when` holds decides for the problem.

    mix: steps whose traces are paired among themselves, each with its share of all pairs (how, says
    `stages.mix`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...] = Field(min_length=1)
    length: Length = Length()
    mix: Mix = Field(default_factory=dict)


def pair(
    rows: Iterable[Row],
    cfg: PairConfig,
    *,
    step: str,
    seed: int,
    sources: Mapping[str, Collection[str]] = NO_SOURCES,
) -> Iterator[Pair | Dropped]:
    """Pairs by key; a problem that gives none leaves as `Dropped` under its own id.

    sources: under `mix`, the keys of the traces of each step it names.
    """
    groups = by_problem(rows)

    def pairs(group: list[Row]) -> Iterator[Pair | Dropped]:
        return _pairs(group, cfg, step, seed)

    if cfg.mix:
        yield from mixed(groups, cfg.mix, sources, pairs, step=step, seed=seed)
    else:
        yield from chain.from_iterable(map(pairs, groups))


def _pairs(group: list[Row], cfg: PairConfig, step: str, seed: int) -> Iterator[Pair | Dropped]:
    problem_id = group[0].problem.id
    for index, rule in enumerate(cfg.rules):
        if any(failure(row, rule.when) is None for row in group):
            chosen = _side(group, rule.chosen, seed)
            rejected = _side(group, rule.rejected, seed)
            if not chosen or not rejected:
                missing = "chosen" if not chosen else "rejected"
                yield Dropped(problem_id, step, f"no trace for {missing}")
                return
            found = list(islice(_combine(chosen, rejected, cfg.length, index), rule.max))
            yield from found
            if not found:
                yield Dropped(
                    problem_id, step, "no pair of different texts within the length limit"
                )
            return
    yield Dropped(problem_id, step, "no rule holds")


def _side(group: list[Row], where: dict[str, Any], seed: int) -> list[Row]:
    """The traces of one side, by lot, one per distinct text."""
    fit = order([row for row in group if failure(row, where) is None], (), seed)
    return list({row.trace.text: row for row in fit}.values())


def _combine(chosen: list[Row], rejected: list[Row], length: Length, rule: int) -> Iterator[Pair]:
    """All pairs; first side by side, so that no trace is used twice before it must be."""
    few, many = sorted((len(chosen), len(rejected)))
    for shift, place in product(range(few), range(many)):
        # only the shorter side goes round, so that every pair comes up once
        at = (place + shift) % few
        good = chosen[at if len(chosen) == few else place]
        bad = rejected[place if len(chosen) == few else at]
        if good.trace.text == bad.trace.text or not _near(good, bad, length):
            continue
        yield Pair(
            problem_id=good.problem.id, chosen=good.trace.key, rejected=bad.trace.key, rule=rule
        )


def _near(good: Row, bad: Row, length: Length) -> bool:
    apart = abs(good.trace.n_tokens - bad.trace.n_tokens)
    return length.tokens_apart is None or apart <= length.tokens_apart
