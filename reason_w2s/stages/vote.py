"""Let the answers to a problem vote: which is the commonest, how common, and which traces agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import exp
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.answers import Kind, equal
from reason_w2s.answers.classes import classes
from reason_w2s.errors import DataError
from reason_w2s.predicate import failure
from reason_w2s.records import Row, by_problem

ANSWER = ".answer"


class VoteConfig(BaseModel):
    """Who votes, on what.

    answer: the columns that hold a trace's answer, the first that it has; none: the one check step
    that graded it. among: a predicate over the traces that vote; the others are told all the same
    whether they agree. within: columns whose values vote apart (`[graded.correct]`: the right
    answers among themselves and the wrong ones). weight: a column of numbers that votes weigh, each
    trace's 1 without it; a trace that has none does not vote. as_odds: whether these are log-odds
    (an implicit reward, say), of which a vote weighs the sigmoid; else none may be below 0. kind,
    rel_tol: how answers are compared.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: tuple[str, ...] = ()
    among: dict[str, Any] = Field(default_factory=dict)
    within: tuple[str, ...] = ()
    weight: str | None = None
    as_odds: bool = False
    kind: Kind = "auto"
    rel_tol: float = Field(0.0, ge=0, lt=1)


def vote(rows: Iterable[Row], cfg: VoteConfig) -> Iterator[dict[str, Any]]:
    """One dict of columns per row, in order; no gold is read unless the settings name it.

    answer: the commonest answer, as first written; of equally common ones the first to come.
    confidence: the share of all votes, also of those without an answer, that gave it. agrees:
    whether this trace's answer is the commonest; None where it has none. share, rank: of this
    trace's own answer, 1 the commonest. cumulative: the share of the answers up to this rank.
    voters: how many voted. Where votes weigh, common is what has most weight, and shares are of the
    weight of all. All but `voters` are None where nobody gave an answer.

    Raises:
        DataError: a trace was graded by several check steps, and no `answer` says which counts; a
            weight is below 0.
    """
    for group in by_problem(rows):
        parts: dict[tuple[Any, ...], list[Row]] = {}
        for row in group:
            parts.setdefault(tuple(row.value(name) for name in cfg.within), []).append(row)
        found = {
            row.trace.key: columns
            for part in parts.values()
            for row, columns in zip(part, _poll(part, cfg), strict=True)
        }
        for row in group:
            yield {"key": row.trace.key, **found[row.trace.key]}


def _poll(rows: Sequence[Row], cfg: VoteConfig) -> Iterator[dict[str, Any]]:
    """The columns of traces that are polled together."""
    answers = [answer_of(row, cfg.answer) for row in rows]
    votes = [_weight(row, cfg) if failure(row, cfg.among) is None else None for row in rows]
    voters, total = sum(vote is not None for vote in votes), sum(vote or 0 for vote in votes)

    def same(first: str, second: str) -> bool:
        return equal(first, second, kind=cfg.kind, rel_tol=cfg.rel_tol).correct is True

    grouped = classes(answers, same)
    sizes = [sum(votes[place] or 0 for place in places) for places in grouped]
    order = sorted(range(len(grouped)), key=lambda one: (-sizes[one], grouped[one]))
    ranked = [(grouped[one], sizes[one]) for one in order if sizes[one]]
    own = {place: rank for rank, (places, _) in enumerate(ranked, 1) for place in places}
    top = answers[_first(ranked[0][0], votes)] if ranked else None
    for place, answer in enumerate(answers):
        rank = own.get(place)
        yield {
            "answer": top,
            "confidence": ranked[0][1] / total if ranked else None,
            "agrees": None if top is None or not answer else rank == 1,
            "share": None if rank is None else ranked[rank - 1][1] / total,
            "rank": rank,
            "cumulative": None if rank is None else sum(n for _, n in ranked[:rank]) / total,
            "voters": voters,
        }


def _weight(row: Row, cfg: VoteConfig) -> float | None:
    if cfg.weight is None:
        return 1
    value = row.value(cfg.weight)
    if value is None:
        return None
    if cfg.as_odds:
        return 1 / (1 + exp(-value)) if value > -700 else 0.0
    if value < 0:
        raise DataError(
            f"{row.problem.id}: a vote weighs {value:g} by {cfg.weight}, and none may weigh less "
            f"than 0; for log-odds say as_odds: true"
        )
    return float(value)


def _first(places: Sequence[int], votes: Sequence[float | None]) -> int:
    """The first of a class that voted."""
    return next(place for place in places if votes[place])


def answer_of(row: Row, asked: Sequence[str]) -> str | None:
    """What a trace answered: the first it has of the columns asked for, else its only answer.

    Raises:
        DataError: it was graded by several check steps that differ, and none is asked for.
    """
    names = asked or [name for name in row.columns if name.endswith(ANSWER)]
    found = {name: row.columns[name] for name in names if row.columns.get(name) is not None}
    if not asked and len(set(found.values())) > 1:
        raise DataError(
            f"{row.problem.id}: its trace has {len(found)} answers ({', '.join(found)}); say which "
            f"counts: answer: [COLUMN, ...]"
        )
    return next(iter(found.values()), None)
