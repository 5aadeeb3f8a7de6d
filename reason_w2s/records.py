"""What flows between stages: problems, traces, pairs, and what was dropped.

Missing is None, never 0 or "". A trace's text is written once, in the store; every other table
refers to it by `key`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from numpy.typing import NDArray

FinishReason = Literal["stop", "length", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One question. `gold` is the reference answer (a tuple: any of them is accepted)."""

    id: str
    question: str
    gold: str | tuple[str, ...] | None = None
    solution: str | None = None
    options: tuple[str, ...] | None = None
    level: int | None = None
    subject: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gold_text(self) -> str | None:
        """The gold answer for a reader; of several accepted ones all."""
        return " or ".join(self.gold) if isinstance(self.gold, tuple) else self.gold

    def value(self, name: str) -> Any:
        """The value a predicate sees; None for anything that is no field it may ask for."""
        return getattr(self, name) if name in PROBLEM_FIELDS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One response of one model to one problem.

    `key` identifies it for good: engine family, model, prompt, sampling settings, seed, problem and
    `index`. `n_prompt` and `n_tokens` count tokens; `logprobs` are nats, one per token.
    """

    key: str
    problem_id: str
    model: str
    index: int
    text: str
    finish_reason: FinishReason
    n_prompt: int
    n_tokens: int
    max_tokens: int | None = None
    parent: str | None = None
    token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A trace, its problem, and what earlier steps said about it (`step.column` -> value, and of a
    list `step.column.min`, `.mean`, `.sum`, `.last`)."""

    trace: Trace
    problem: Problem
    columns: Mapping[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """The value a predicate sees: a step's column, or a field of the trace or problem."""
        if name in self.columns:
            return self.columns[name]
        if name in TRACE_FIELDS:
            return getattr(self.trace, name)
        column, _, how = name.rpartition(".")
        if how in REDUCTIONS and column in self.columns:
            return reduced(self.columns[column], how)
        return self.problem.value(name)


class Numbers(Sequence[float]):
    """Many numbers of one trace, as one array: a Python object for each token of a run would not
    fit into memory. Equal to any sequence of the same numbers."""

    __slots__ = ("_values",)

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, place: int) -> float: ...
    @overload
    def __getitem__(self, place: slice) -> list[float]: ...
    def __getitem__(self, place: int | slice) -> float | list[float]:
        found: float | list[float] = self._values[place].tolist()
        return found

    def __iter__(self) -> Iterator[float]:
        return iter(self._values.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._values.tolist())


def listed(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as JSON and Arrow take them."""
    return {
        name: list(value) if isinstance(value, Numbers) else value
        for name, value in columns.items()
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _last(values: Sequence[float]) -> float:
    return values[-1]


REDUCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType(
    {"min": min, "mean": _mean, "sum": sum, "last": _last}
)
"""What a list of numbers is reduced by, as the end of its name in a predicate or an order."""


def reduced(values: Sequence[float | None] | None, how: str) -> float | None:
    """One number for a list, of the entries that are known; None where there are none."""
    known = [value for value in values or () if value is not None]
    return REDUCTIONS[how](known) if known else None


TRACE_FIELDS = ("model", "index", "finish_reason", "n_tokens", "n_prompt", "text")
PROBLEM_FIELDS = ("id", "level", "subject", "question")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A preference between two traces of one problem, by key. `rule` counts from 0."""

    problem_id: str
    chosen: str
    rejected: str
    rule: int = 0
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A record that a choosing step did not pass on, and why."""

    key: str
    step: str
    reason: str


def by_problem(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Consecutive rows of one problem, together. Memory: one problem."""
    for _, group in groupby(rows, key=lambda row: row.problem.id):
        yield list(group)
