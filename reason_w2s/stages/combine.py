"""Combine several workers' answers, or several verifiers' scores, into one judgement of a trace."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field, model_validator

from reason_w2s.answers import Kind, equal
from reason_w2s.answers.classes import classes
from reason_w2s.predicate import failure
from reason_w2s.records import Row, by_problem
from reason_w2s.stages.verifiers.settings import LABEL_MODELS, Model, VerifierSettings
from reason_w2s.stages.vote import answer_of

if TYPE_CHECKING:
    from reason_w2s.answers.dawid_skene import Fit, Votes


ABILITIES = ("ability", "ability_low", "ability_high")
ANSWERS = ("difficulty", "answer", "among", "kind", "rel_tol")
ONLY_LABELS = ("binarise", "drop", "truth")


class CombineConfig(VerifierSettings):
    """What is combined, by which model.

    Without `columns`, the traces' answers, by model `dawid_skene` over classes of equal answers
    (answers/dawid_skene.py has its equations). The workers are the traces' models, and each trace
    with an answer is a vote. difficulty: how far problems differ, as the spread in logits of a
    worker's chance to be right; 0: not at all. answer, among, kind, rel_tol: as in `vote`.

    With `columns`, verifiers' scores of each trace: by a label model, `moments` or `dawid_skene`,
    that learns from the verifiers' votes how often each is right (stages/verifiers has their
    equations), or by `mean`, `wco` (the worst) or `uwo` (the mean less disagreement).
    """

    model: Model = "dawid_skene"
    difficulty: float = Field(2.0, ge=0, le=4)
    answer: tuple[str, ...] = ()
    among: dict[str, Any] = Field(default_factory=dict)
    kind: Kind = "auto"
    rel_tol: float = Field(0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _of_one_kind(self) -> CombineConfig:
        wrong = self._misfit()
        if wrong is not None:
            raise ValueError(wrong)
        return self

    def _misfit(self) -> str | None:
        """What stands there and has no effect, or is missing, in words."""
        said = {
            name
            for name, field in CombineConfig.model_fields.items()
            if getattr(self, name) != field.get_default(call_default_factory=True)
        }
        other = ANSWERS if self.columns else (*VerifierSettings.model_fields,)
        for name in other:
            if name in said:
                about = "answers: without" if self.columns else "verifiers: with"
                return f"'{name}' is for {about} 'columns'"
        if not self.columns and self.model != "dawid_skene":
            return f"model {self.model} combines verifiers' scores; name their columns: columns: []"
        for name in ONLY_LABELS:
            if name in said and self.model not in LABEL_MODELS:
                return f"'{name}' is for the models {' and '.join(LABEL_MODELS)}"
        if self.penalty is not None and self.model != "uwo":
            return "'penalty' is for the model uwo"
        return None


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
    posterior, value: of this trace's own answer; None where no voter gave it. voters: how many
    voted. ability, ability_low, ability_high: the estimated share of this trace's model's answers
    that is right, with its 95% interval; None where the trace does not vote, and where no problem
    has three votes, as nothing then tells abilities.

    Of verifiers' scores, see `of_verifiers`.

    Raises:
        DataError: a trace was graded by several check steps, and no `answer` says which counts.
    """
    if cfg.columns:
        yield from of_verifiers(list(rows), cfg, {})[0]
        return
    from reason_w2s.answers.dawid_skene import fit

    groups = list(by_problem(rows))
    names = sorted({row.trace.model for group in groups for row in group if _may_vote(row, cfg)})
    places = {name: place for place, name in enumerate(names)}
    polls = [_poll(group, cfg, places) for group in groups]
    found = fit([poll.votes for poll in polls], len(names), spread=cfg.difficulty)
    for poll in polls:
        yield from _told(poll, found)


def of_verifiers(
    rows: Sequence[Row], cfg: CombineConfig, parts: Mapping[str, Collection[str]]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The columns of each row by verifiers' scores, and what was learned of the verifiers.

    posterior: the chance that the trace is right, by a label model; None where none could be
    fitted. value: it, or in its place the share of yes among the votes; of `mean`, `wco` and `uwo`
    their score. agrees: of label models, whether value is above a half. voters: verifiers with a
    vote on this trace; without any, the others are None. parts: see `verifiers.judge.judge`.

    Raises:
        DataError: see there.
    """
    from reason_w2s.stages.verifiers.judge import judge

    found = judge(rows, cfg, cfg.model, parts)
    labels = cfg.model in LABEL_MODELS
    columns = [
        {
            "key": row.trace.key,
            **dict.fromkeys(("answer", "confidence", *ABILITIES)),
            "agrees": float(value) > 0.5 if labels and value == value else None,  # noqa: PLR0124
            "posterior": _known(chance),
            "value": _known(value),
            "voters": int(voters),
        }
        for row, value, chance, voters in zip(
            rows, found.value, found.posterior, found.voters, strict=True
        )
    ]
    return columns, found.report


def _known(value: float) -> float | None:
    """None for NaN."""
    return float(value) if value == value else None  # noqa: PLR0124


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
        chance = chances[place] if place is not None and place < len(chances) else None
        yield {
            "key": row.trace.key,
            "answer": None if top is None else _first(poll, top),
            "confidence": None if top is None else chances[top],
            "agrees": None if top is None or place is None else place == top,
            "posterior": chance,
            "value": chance,
            "voters": sum(voter is not None for voter in poll.voters),
            **_ability(poll.voters[at], found),
        }


def _first(poll: _Poll, place: int) -> str | None:
    """The answer of a class as the first that voted for it wrote it."""
    members = poll.classes[place]
    return next(poll.answers[at] for at in members if poll.voters[at] is not None)


def _ability(voter: int | None, found: Fit) -> dict[str, float | None]:
    if voter is None or not found.identified:
        return dict.fromkeys(ABILITIES)
    ends = {"ability_low": found.low[voter], "ability_high": found.high[voter]}
    return {"ability": found.right[voter], **ends}
