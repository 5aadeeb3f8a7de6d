"""Turn chosen traces, pairs or gold solutions into training examples, and train on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import field_validator

from reason_w2s.errors import DataError
from reason_w2s.records import Pair, Problem, Row, Trace
from reason_w2s.stages.statement import statement
from reason_w2s.train.config import (
    Answer,
    Example,
    PairExample,
    TokenScores,
    TrainSettings,
    ValueExample,
    VerdictExample,
)
from reason_w2s.train.terms import CriticalTokens

TEXTS = ("solution", "answer")
"""Targets that are texts; any other is a column of numbers."""
ABOUT_EXAMPLES = {"target", "side", "label"}


class TrainConfig(TrainSettings):
    """A training step of a recipe.

    target: "solution" trains on the gold solutions of a problem set instead of on traces, "answer"
    on the final statement of each trace without its reasoning; a column, for objectives that learn
    to give traces its numbers.
    side: which side of a pair SFT learns from, where `of` is pairs.
    label: the yes-or-no column that says which traces are wanted, for objectives that learn from
    such verdicts.
    lora: `all_linear`, or peft's settings; None: full fine-tuning.
    """

    target: str | None = None
    side: Literal["chosen", "rejected"] | None = None
    label: str | None = None

    @property
    def scores(self) -> str | None:
        """The column of token scores that its loss weighs by, if it does."""
        return self.loss.scores if isinstance(self.loss, CriticalTokens) else None

    def settings(self) -> TrainSettings:
        """What training itself is told: all but what its examples are made from."""
        return TrainSettings.model_validate(self.model_dump(exclude=ABOUT_EXAMPLES))

    @field_validator("target")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in TEXTS and "." not in value:
            raise ValueError(f"expected {', '.join(TEXTS)} or a column, STEP.COLUMN")
        return value

    @field_validator("lora", mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("expected all_linear, or a mapping such as {r: 32, alpha: 64}")
        return {"targets": value} if isinstance(value, str) else value


def with_rate(config: Mapping[str, Any], rate: float) -> dict[str, Any]:
    """A train step's settings with the rate of flipped pairs where its loss takes it."""
    if config.get("loss") is not None:
        return {**config, "loss": {**config["loss"], "flipped": rate}}
    return {**config, "trainer": {**config["trainer"], "label_smoothing": rate}}


def from_solutions(problems: Iterable[Problem]) -> Iterator[Example]:
    """Gold solutions as examples.

    Raises:
        DataError: a problem without one.
    """
    for problem in problems:
        if not problem.solution:
            raise DataError(
                f"problem {problem.id} has no gold solution; target: solution needs one "
                f"(name its column under columns.solution)"
            )
        yield Example(problem, Answer(problem.solution))


def from_traces(rows: Iterable[Row], target: str | None = None) -> Iterator[Example]:
    """Traces as examples: the sampled ids where they are known, the end token where one ended.

    Under the target "answer" the final statement alone, which always ends.

    Raises:
        DataError: a trace that states no answer, where that is the target.
    """
    for row in rows:
        yield Example(row.problem, _answered(row) if target == "answer" else answer(row.trace))


def from_verdicts(rows: Iterable[Row], label: str) -> Iterator[VerdictExample]:
    """Traces with the column's yes or no; those where it is neither are left out."""
    for row in rows:
        if row.value(label) is not None:
            yield VerdictExample(row.problem, answer(row.trace), bool(row.value(label)))


def from_values(rows: Iterable[Row], target: str) -> Iterator[ValueExample]:
    """Traces with the column's number, yes as 1 and no as 0; those without one are left out.

    Raises:
        DataError: the column holds something else.
    """
    for row in rows:
        value = row.value(target)
        if value is None:
            continue
        if not isinstance(value, (bool, int, float)):
            raise DataError(f"{row.problem.id}: {target} is {value!r}; expected a number")
        yield ValueExample(row.problem, answer(row.trace), float(value))


def from_pairs(
    pairs: Iterable[Pair], rows: Mapping[str, Row], scores: str | None = None
) -> Iterator[PairExample]:
    """Pairs as examples; `rows` holds their traces by key. scores: the column of the rejected
    tokens' scores, where they are learned from.

    Raises:
        DataError: a rejected trace without scores.
    """
    for pair in pairs:
        chosen, rejected = rows[pair.chosen], rows[pair.rejected]
        known = None if scores is None else token_scores(rejected, scores)
        yield PairExample(chosen.problem, answer(chosen.trace), answer(rejected.trace), known)


def token_scores(row: Row, column: str) -> TokenScores:
    """The scores of a trace's tokens in a score step's column.

    Raises:
        DataError: it has none.
    """
    values, step = row.value(column), column.rpartition(".")[0]
    if values is None:
        raise DataError(
            f"problem {row.problem.id}: a rejected trace has no {column}; pair only those that "
            f"have: rejected: {{{step}.value: {{not: null}}}}"
        )
    return TokenScores(tuple(values), row.value(f"{step}.vocabulary"))


def _answered(row: Row) -> Answer:
    stated = statement(row)
    if stated is None:
        raise DataError(
            f"problem {row.problem.id}: its trace states no answer, and target: answer learns "
            f"nothing else; select those that do: where: {{CHECK.answer: {{not: null}}}}"
        )
    return Answer(stated)


def answer(trace: Trace) -> Answer:
    """A trace as something to learn. One that was cut has no end to learn."""
    return Answer(trace.text, trace.token_ids, ends=trace.finish_reason == "stop")
