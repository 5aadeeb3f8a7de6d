"""doctor and what it prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from reason_w2s.doctor.case import Case, failed
from reason_w2s.doctor.finding import Fact, Finding, Said, Severity, Unchecked, exit_status
from reason_w2s.doctor.machine import Machine, this_machine
from reason_w2s.doctor.rendering import rendered
from reason_w2s.doctor.stored import stored
from reason_w2s.doctor.swept import representatives
from reason_w2s.doctor.table import CHECKS, Check
from reason_w2s.errors import ConfigError, W2SError
from reason_w2s.recipe.load import Loaded, load_plans
from reason_w2s.runs.profile import Profile
from reason_w2s.visible import visible

ORDER: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Asked:
    """What doctor, or plan, was asked about.

    on: what the profile is called. run: the run whose results are used, and the others beside it;
    None: the one of this `name` in `runs`, by default the recipe's. examples: how many are shown of
    each train step. probe: problems to sample; 0: none.
    """

    recipe: Path
    overrides: Sequence[str]
    overlays: Sequence[Path]
    seed: int | None
    profile: Profile
    on: str
    runs: Path
    name: str | None = None
    run: Path | None = None
    examples: int = 1
    probe: int = 0

    def folder(self, recipe: str, label: str = "") -> Path:
        """The run's folder, made or not. label: of its cell in a sweep."""
        default = recipe if self.seed is None else f"{recipe}-seed{self.seed}"
        whole = f"{self.name or default}-{label}" if label else self.name or default
        return self.run or self.runs / whole

    def cells(self) -> list[Loaded]:
        """The recipe, or the cells of its sweep.

        Raises:
            ConfigError: it cannot be read.
        """
        return load_plans(
            self.recipe, overlays=self.overlays, overrides=self.overrides, seed=self.seed
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything doctor has to say of a recipe. shown: the examples, in lines."""

    recipe: str
    on: str
    said: tuple[Said, ...]
    shown: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """0: nothing, or notes; 1: warnings; 2: errors."""
        return exit_status(self.said)


def run(asked: Asked, *, colour: bool, machine: Machine | None = None) -> Diagnosis:
    """Every check of the table. A recipe that cannot be read at all is one finding.

    machine: None: this one.
    """
    try:
        cells = asked.cells()
        looked = representatives(cells)
        cases = [open_case(asked, cell, machine) for cell in looked]
    except ConfigError as error:
        found = _unreadable(error, str(asked.recipe))
        return Diagnosis(str(asked.recipe), asked.on, (found,))
    said = [one for case in cases for one in _all_said(case, asked)]
    if len(cells) > 1:
        others = f"{len(cells)} cells: looked at {', '.join(cell.label for cell in looked)}"
        rest = "" if len(looked) == len(cells) else "; the others differ from these in seeds alone"
        said.insert(0, Fact("sweep", f"{others}{rest}", {"cells": [one.label for one in cells]}))
    shown = tuple(rendered(cases[0], asked.examples, colour=colour))
    return Diagnosis(cases[0].place, asked.on, tuple(_merged(said)), shown)


def _all_said(case: Case, asked: Asked) -> Iterator[Said]:
    for name in CHECKS:
        yield from _checked(CHECKS[name], case, name)
    yield from (Unchecked("what an earlier run has", one) for one in case.store.skipped)
    if asked.probe:
        from reason_w2s.doctor.probe import probe

        yield from _checked(lambda case: probe(case, asked.probe), case, "headroom")


def open_case(asked: Asked, cell: Loaded, machine: Machine | None = None) -> Case:
    """A cell of the recipe on the machine, with what the store has of it."""
    folder = asked.folder(cell.plan.name, cell.label)
    store = stored(cell.plan, folder, fake=asked.profile.sampler == "fake")
    here = machine or this_machine(folder)
    return Case(cell.plan, asked.profile, store, here, place=str(asked.recipe), on=asked.on)


def lines(found: Diagnosis) -> Iterator[str]:
    """A diagnosis to be read: examples, what was found in order, what was not checked, findings.

    Nothing in it is obeyed by a terminal but the colours of the examples.
    """
    yield visible(f"{found.recipe} on {found.on}")
    if found.shown:
        yield from ("", *found.shown)
    yield from map(visible, _told(found))


def _told(found: Diagnosis) -> Iterator[str]:
    facts = [one for one in found.said if isinstance(one, Fact)]
    if facts:
        width = max(len(one.about) for one in facts)
        yield from ("", "as it stands:")
        yield from (f"  {one.about:<{width}}  {one.text}" for one in facts)
    missed = [one for one in found.said if isinstance(one, Unchecked)]
    if missed:
        yield from ("", "not checked:")
        yield from (f"  {one.what}: {one.why}" for one in missed)
    findings = _findings(found)
    for one in findings:
        yield from ("", f"{one.severity}: {one.what}")
        yield from (f"  where: {one.where}", f"  why:   {one.why}", f"  do:    {one.todo}")
    yield ""
    counts = [sum(one.severity == severity for one in findings) for severity in ORDER]
    named = [
        f"{count} {severity}{'s' * (count != 1)}"
        for count, severity in zip(counts, ORDER, strict=True)
    ]
    yield f"{', '.join(named)}; {len(missed)} not checked"


def as_json(found: Diagnosis) -> dict[str, Any]:
    """A diagnosis as plain data."""
    return {
        "recipe": found.recipe,
        "on": found.on,
        "exit_status": found.status,
        "findings": [asdict(one) for one in _findings(found)],
        "facts": [
            {"about": one.about, "text": one.text, "data": dict(one.data)}
            for one in found.said
            if isinstance(one, Fact)
        ],
        "not_checked": [asdict(one) for one in found.said if isinstance(one, Unchecked)],
        "examples": list(found.shown),
    }


def _findings(found: Diagnosis) -> list[Finding]:
    """The gravest first."""
    findings = [one for one in found.said if isinstance(one, Finding)]
    return sorted(findings, key=lambda one: ORDER.index(one.severity))


def _merged(said: Sequence[Said]) -> list[Said]:
    """What is said of several steps alike is said once, with all their names or places."""
    groups: dict[tuple[str, ...], list[Said]] = {}
    for one in said:
        key: tuple[str, ...]
        if isinstance(one, Fact):
            key = ("fact", one.about, _bare(one))
        elif isinstance(one, Finding):
            key = (one.severity, one.what, one.why, one.todo)
        else:
            key = ("unchecked", one.what, one.why)
        groups.setdefault(key, []).append(one)
    return [_joined(group) for group in groups.values()]


def _joined(group: list[Said]) -> Said:
    first = group[0]
    if isinstance(first, Finding):
        places = list(dict.fromkeys(one.where for one in group if isinstance(one, Finding)))
        file, _, key = places[0].partition(": ")
        others = [place.removeprefix(f"{file}: ") for place in places[1:]]
        return replace(first, where=", ".join([f"{file}: {key}" if key else file, *others]))
    if isinstance(first, Fact) and "step" in first.data:
        steps = [one.data["step"] for one in group if isinstance(one, Fact)]
        names = list(dict.fromkeys(steps))
        data = {key: value for key, value in first.data.items() if key != "step"}
        return Fact(first.about, f"{', '.join(names)}: {_bare(first)}", {"steps": names, **data})
    return first


def _bare(fact: Fact) -> str:
    """A fact's text without the step's name before it."""
    return fact.text.removeprefix(f"{fact.data['step']}: ") if "step" in fact.data else fact.text


def _checked(check: Check, case: Case, name: str) -> Iterator[Said]:
    try:
        yield from check(case)
    except W2SError as error:
        yield failed(error, case.place, f"the check '{name}' could not go on")


def _unreadable(error: ConfigError, place: str) -> Finding:
    said = failed(error, place, "the run would not start")
    return Finding(said.what.removeprefix(f"{place}: "), place, said.why, said.todo)
