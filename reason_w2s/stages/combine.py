"""Combine several workers' answers into a posterior for each, with no gold: a label model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.answers import Kind, equal
from reason_w2s.answers.classes import classes
from reason_w2s.predicate import failure
from reason_w2s.records import Row, by_problem
from reason_w2s.stages.vote import answer_of

if TYPE_CHECKING:
    from reason_w2s.answers.dawid_skene import Fit, Votes


class CombineConfig(BaseModel):
    """Whose answers, on what, by which label model.

    model: `dawid_skene`, over classes of equal answers (answers/dawid_skene.py has its equations).
    The workers are the traces' models, and each trace with an answer is a vote. difficulty: how far
    problems differ, as the spread in logits of a worker's chance to be right; 0: not at all.
    answer, among, kind, rel_tol: as in `vote`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Literal["dawid_skene"] = "dawid_skene"
    difficulty: float = Field(2.0, ge=0, le=4)
    answer: tuple[str, ...] = ()
    among: dict[str, Any] = Field(default_factory=dict)
    kind: Kind = "auto"
    rel_tol: float = Field(0.0, ge=0, lt=1)


class _Poll(NamedTuple):
    """One problem: its traces, their answers, the worker each votes for (None: it does not), and
    the places of each class's answers. Classes without a vote come last and are not in `votes`.
    """

    rows: Sequence[Row]
    answers: Sequence[str | None]
    voters: Sequence[int | None]
    classes: Sequence[Sequence[int]]
    votes: Votes


def combine(rows: Iterable[Row], cfg: CombineConfig) -> Iterator[dict[str, Any]]:
    """One dict of columns per row, in order; all rows are needed at once, and no gold is read
    unless the settings name it.

    answer: the most probable answer, as first written. confidence: its posterior, the chance that
    it is right. agrees: whether this trace's answer is that one; None where it has none.
    posterior: of this trace's own answer; None where no voter gave it. voters: how many
    voted. ability, ability_low, ability_high: the estimated share of this trace's model's answers
    that is right, with its 95% interval; None where the trace does not vote, and where no problem
    has three votes, as nothing then tells abilities.

    Raises:
        DataError: a trace was graded by several check steps, and no `answer` says which counts.
    """
    from reason_w2s.answers.dawid_skene import fit

    groups = list(by_problem(rows))
    names = sorted({row.trace.model for group in groups for row in group if _may_vote(row, cfg)})
    places = {name: place for place, name in enumerate(names)}
    polls = [_poll(group, cfg, places) for group in groups]
    found = fit([poll.votes for poll in polls], len(names), spread=cfg.difficulty)
    for poll in polls:
        yield from _told(poll, found)


def _may_vote(row: Row, cfg: CombineConfig) -> bool:
    return failure(row, cfg.among) is None


def _poll(rows: Sequence[Row], cfg: CombineConfig, places: dict[str, int]) -> _Poll:
    answers = [answer_of(row, cfg.answer) for row in rows]
    voters = [
        places[row.trace.model] if (answer or "").strip() and _may_vote(row, cfg) else None
        for row, answer in zip(rows, answers, strict=True)
    ]

    def same(first: str, second: str) -> bool:
        return equal(first, second, kind=cfg.kind, rel_tol=cfg.rel_tol).correct is True

    def voted(members: Sequence[int]) -> bool:
        return any(voters[at] is not None for at in members)

    grouped = sorted(classes(answers, same), key=lambda members: not voted(members))
    votes = tuple(_votes(members, voters, len(places)) for members in grouped if voted(members))
    return _Poll(rows, answers, voters, grouped, votes)


def _votes(members: Sequence[int], voters: Sequence[int | None], workers: int) -> tuple[float, ...]:
    """How often each worker gave a class, `[W]`."""
    given = [0.0] * workers
    for at in members:
        place = voters[at]
        if place is not None:
            given[place] += 1.0
    return tuple(given)


def _told(poll: _Poll, found: Fit) -> Iterator[dict[str, Any]]:
    """The columns of one problem's traces."""
    from reason_w2s.answers.dawid_skene import posteriors

    chances = posteriors(poll.votes, found)
    own = {at: place for place, members in enumerate(poll.classes) for at in members}
    # of equally probable answers the one with most votes, then the first to come
    top = max(range(len(chances)), key=lambda one: chances[one], default=None)
    for at, row in enumerate(poll.rows):
        place = own.get(at)
        yield {
            "key": row.trace.key,
            "answer": None if top is None else _first(poll, top),
            "confidence": None if top is None else chances[top],
            "agrees": None if top is None or place is None else place == top,
            "posterior": chances[place] if place is not None and place < len(chances) else None,
            "voters": sum(voter is not None for voter in poll.voters),
            **_ability(poll.voters[at], found),
        }


def _first(poll: _Poll, place: int) -> str | None:
    """The answer of a class as the first that voted for it wrote it."""
    members = poll.classes[place]
    return next(poll.answers[at] for at in members if poll.voters[at] is not None)


def _ability(voter: int | None, found: Fit) -> dict[str, float | None]:
    if voter is None or not found.identified:
        return dict.fromkeys(("ability", "ability_low", "ability_high"))
    ends = {"ability_low": found.low[voter], "ability_high": found.high[voter]}
    return {"ability": found.right[voter], **ends}
