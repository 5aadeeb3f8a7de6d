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
    workers: what has an ability of its own: each `model`, whose samples of one problem share one
    vote, or each `sample` of each model, told apart by index. answer, among, kind, rel_tol: as in
    `vote`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Literal["dawid_skene"] = "dawid_skene"
    workers: Literal["model", "sample"] = "model"
    answer: tuple[str, ...] = ()
    among: dict[str, Any] = Field(default_factory=dict)
    kind: Kind = "auto"
    rel_tol: float = Field(0.0, ge=0, lt=1)


class _Poll(NamedTuple):
    """One problem: its traces, their answers, who votes, and the places of each class's answers.

    Classes that nobody voted for come last and are not in `votes`.
    """

    rows: Sequence[Row]
    answers: Sequence[str | None]
    workers: Sequence[str | None]
    classes: Sequence[Sequence[int]]
    votes: Votes


def combine(rows: Iterable[Row], cfg: CombineConfig) -> Iterator[dict[str, Any]]:
    """One dict of columns per row, in order; all rows are needed at once, and no gold is read
    unless the settings name it.

    answer: the most probable answer, as first written. confidence: its posterior, the chance that
    it is right. agrees: whether this trace's answer is that one; None where it has none.
    posterior: of this trace's own answer; None where no voter gave it. voters: workers with an
    answer. worker: in whose name the trace votes, None where it does not. ability, ability_low,
    ability_high: the estimated share of problems that this worker answers rightly, when it
    answers, with its 95% interval; None where fewer than three workers meet on any problem, as
    nothing then tells abilities apart.

    Raises:
        DataError: a trace was graded by several check steps, and no `answer` says which counts.
    """
    from reason_w2s.answers.dawid_skene import fit

    groups = list(by_problem(rows))
    names = sorted({name for group in groups for row in group if (name := _worker(row, cfg))})
    places = {name: place for place, name in enumerate(names)}
    polls = [_poll(group, cfg, places) for group in groups]
    found = fit([poll.votes for poll in polls], len(names))
    for poll in polls:
        yield from _told(poll, found, places)


def _worker(row: Row, cfg: CombineConfig) -> str | None:
    """In whose name a trace votes; None where it may not."""
    if failure(row, cfg.among) is not None:
        return None
    trace = row.trace
    return trace.model if cfg.workers == "model" else f"{trace.model} {trace.index}"


def _poll(rows: Sequence[Row], cfg: CombineConfig, places: dict[str, int]) -> _Poll:
    answers = [answer_of(row, cfg.answer) for row in rows]
    workers = [
        _worker(row, cfg) if (answer or "").strip() else None
        for row, answer in zip(rows, answers, strict=True)
    ]

    def same(first: str, second: str) -> bool:
        return equal(first, second, kind=cfg.kind, rel_tol=cfg.rel_tol).correct is True

    def voted(one: Sequence[int]) -> bool:
        return any(workers[at] is not None for at in one)

    grouped = sorted(classes(answers, same), key=lambda one: not voted(one))
    votes = tuple(_weights(one, workers, places) for one in grouped if voted(one))
    return _Poll(rows, answers, workers, grouped, votes)


def _weights(
    members: Sequence[int], workers: Sequence[str | None], places: dict[str, int]
) -> tuple[float, ...]:
    """What each worker gives a class: the share of its own answers that are in it, `[W]`."""
    weights = [0.0] * len(places)
    for name in {workers[at] for at in members} - {None}:
        own = sum(workers[at] == name for at in members)
        weights[places[name or ""]] = own / workers.count(name)
    return tuple(weights)


def _told(poll: _Poll, found: Fit, places: dict[str, int]) -> Iterator[dict[str, Any]]:
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
            "voters": len({name for name in poll.workers if name is not None}),
            **_ability(poll.workers[at], found, places),
        }


def _first(poll: _Poll, place: int) -> str | None:
    """The answer of a class as the first that voted for it wrote it."""
    members = poll.classes[place]
    return next(poll.answers[at] for at in members if poll.workers[at] is not None)


def _ability(name: str | None, found: Fit, places: dict[str, int]) -> dict[str, Any]:
    at = places[name] if name is not None and found.identified else None
    return {
        "worker": name,
        "ability": None if at is None else found.right[at],
        "ability_low": None if at is None else found.low[at],
        "ability_high": None if at is None else found.high[at],
    }
