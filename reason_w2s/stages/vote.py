"""Let the answers to a problem vote: which is the commonest, how common, and which traces agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
    answers among themselves and the wrong ones). kind, rel_tol: how answers are compared.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: tuple[str, ...] = ()
    among: dict[str, Any] = Field(default_factory=dict)
    within: tuple[str, ...] = ()
    kind: Kind = "auto"
    rel_tol: float = Field(0.0, ge=0, lt=1)


def vote(rows: Iterable[Row], cfg: VoteConfig) -> Iterator[dict[str, Any]]:
    """One dict of columns per row, in order; no gold is read unless the settings name it.

    answer: the commonest answer, as first written; of equally common ones the first to come.
    confidence: the share of all that vote, also of those without an answer, that gave it. agrees:
    whether this trace's answer is the commonest; None where it has none. share, rank: of this
    trace's own answer, 1 the commonest. cumulative: the share of the answers up to this rank.
    voters: how many voted. All but `voters` are None where nobody gave an answer.

    Raises:
        DataError: a trace was graded by several check steps, and no `answer` says which counts.
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
    votes = [failure(row, cfg.among) is None for row in rows]
    voters = sum(votes)

    def same(first: str, second: str) -> bool:
        return equal(first, second, kind=cfg.kind, rel_tol=cfg.rel_tol).correct is True

    grouped = classes(answers, same)
    sizes = [sum(votes[place] for place in places) for places in grouped]
    order = sorted(range(len(grouped)), key=lambda one: (-sizes[one], grouped[one]))
    ranked = [(grouped[one], sizes[one]) for one in order if sizes[one]]
    own = {place: rank for rank, (places, _) in enumerate(ranked, 1) for place in places}
    top = answers[_first(ranked[0][0], votes)] if ranked else None
    for place, answer in enumerate(answers):
        rank = own.get(place)
        yield {
            "answer": top,
            "confidence": ranked[0][1] / voters if ranked else None,
            "agrees": None if top is None or not answer else rank == 1,
            "share": None if rank is None else ranked[rank - 1][1] / voters,
            "rank": rank,
            "cumulative": None if rank is None else sum(n for _, n in ranked[:rank]) / voters,
            "voters": voters,
        }


def _first(places: Sequence[int], votes: Sequence[bool]) -> int:
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
