"""A recipe expanded: flat steps in an order that can be run. Nothing later sees anything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reason_w2s.problems.spec import Labels
from reason_w2s.recipe.schema import Controls, Gap
from reason_w2s.stages.table import Kind

MeasuredKind = Literal["model", "selection", "first", "oracle", "verifier"]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, with nothing left to look up.

    stage: a stage of the table, or one of the four that need no work: `problems`, `model` (a path),
    `prompted` (another step's model, asked differently) and `union`.
    config: JSON, validated, defaults filled in. of, roles: names of other steps. after: steps that
    must be done before this one and that nothing is read from; they change no result.
    """

    name: str
    stage: str
    kind: Kind
    config: Mapping[str, Any]
    of: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    labels: Labels | None = None
    after: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where the recipe says it, for messages: `steps.NAME.STAGE`, `problems.NAME`, ..."""
        if self.stage == "problems":
            suite = self.name.removeprefix("suites/")
            return f"problems.{self.name}" if suite == self.name else f"suites.{suite}.problems"
        if self.stage == "overlap":
            return f"suites.{self.name.removeprefix('overlap/')}.overlap"
        if self.stage in ("model", "pretrain", "scratch"):
            return f"models.{self.name}"
        return f"steps.{self.name}.{self.stage}"

    def settings(self, *without: str) -> dict[str, Any]:
        """The config, less the named keys."""
        return {key: value for key, value in self.config.items() if key not in without}

    @property
    def inputs(self) -> tuple[str, ...]:
        """All steps this one needs."""
        return (*self.of, *self.roles.values(), *self.after)


@dataclass(frozen=True, slots=True)
class Measured:
    """One model on one suite: the step whose graded responses are its score.

    kind: a model; a `selection` among traces; or what a selection is read against: the `first` of
    the traces it was made from, or the `oracle` (any of them is right). Then `model` is its name,
    `problems` are the sets it owes an answer to each problem of, and `drawn` is the step whose
    graded responses it was chosen from. A `verifier` accepts what it chooses; all are graded.
    """

    model: str
    step: str
    suite: str
    graded: str
    kind: MeasuredKind = "model"
    problems: tuple[str, ...] = ()
    drawn: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, in a runnable order, and what to measure with them.

    verifiers: select steps whose choice is what a verifier accepts, to sample until it does.
    """

    name: str
    title: str
    seed: int
    steps: Mapping[str, Step]
    measured: tuple[Measured, ...] = ()
    verifiers: tuple[Measured, ...] = ()
    compare: tuple[tuple[str, str], ...] = ()
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    controls: Controls = field(default_factory=Controls)

    def needed(self, names: Iterable[str]) -> set[str]:
        """The named steps and all they depend on."""
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(self.steps[name].inputs)
        return found

    def after(self, names: Iterable[str]) -> set[str]:
        """The named steps and all that depend on them."""
        found = set(names)
        for name, step in self.steps.items():
            if found.intersection(step.inputs):
                found.add(name)
        return found

    def lineage(self, name: str) -> Iterator[Step]:
        """A step and, through `of` alone, the steps whose records flow into it."""
        step = self.steps[name]
        yield step
        for parent in step.of:
            yield from self.lineage(parent)
