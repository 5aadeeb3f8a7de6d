"""From the steps of a recipe to jobs: what may run beside what, and what is worth a job.

A step that needs a device is a job; what one model samples in one piece, waiting for the same, is
one job. Steps that need no device are folded together: those that wait for the same device steps
into one, and those that nothing with a device waits for into the last. What the store has is left
out, and what several cells of a sweep share is done by the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from reason_w2s.recipe.identity import identities
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.runs.execute import place_of
from reason_w2s.stages.table import STAGES
from reason_w2s.submit.job import Job

Sized = Callable[[Step], Job]
"""The job of one step that needs a device, with all but what it waits for."""

LAST = "measure"
TOGETHER = "together"
_Group = tuple[str, frozenset[str]]
"""What is folded into one job: of what sort, and what it waits for."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run to be submitted. wanted: the steps to do; made: those that are done. sized: how large
    the job of a step is."""

    label: str
    plan: Plan
    wanted: frozenset[str]
    made: frozenset[str]
    sized: Sized


@dataclass
class _Drafts:
    """Jobs as they are found. after: for each the identities of steps that it waits for."""

    jobs: dict[int, Job] = field(default_factory=dict)
    after: dict[int, set[str]] = field(default_factory=dict)
    doing: dict[str, int] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=count)

    def add(self, job: Job) -> int:
        """Its number."""
        number = next(self.numbers)
        self.jobs[number], self.after[number] = job, set()
        return number


def jobs(cells: Sequence[Cell]) -> list[Job]:
    """All jobs of all cells, each after those it waits for; of a sweep a last one reports all."""
    drafts = _Drafts()
    for cell in cells:
        _draft(drafts, cell)
    found = _ordered(drafts)
    if len(cells) > 1 and found:
        waited = {number for job in found for number in job.after}
        ends = tuple(number for number in range(len(found)) if number not in waited)
        found.append(Job(TOGETHER, (), "cpu", after=ends))
    return found


def _draft(drafts: _Drafts, cell: Cell) -> None:
    """Add the jobs of one cell."""
    same = identities(cell.plan)
    todo = [
        step
        for step in cell.plan.steps.values()
        if step.name in cell.wanted and step.name not in cell.made and step.stage in STAGES
    ]
    before = _device_steps(cell.plan, todo, same)
    needed = _needed_by_devices(cell.plan, todo)
    groups: dict[_Group | str, int] = {}
    for step in todo:
        if same[step.name] in drafts.doing:
            continue
        waited = frozenset(_waited(cell.plan, step, same))
        group: _Group | str
        if place_of(step) != "here":
            job = cell.sized(step)
            alone = step.stage != "sample" or job.parts > 1
            group = step.name if alone else (same[step.roles["model"]], waited)
        else:
            early = step.name in needed
            group = ("", before[step.name]) if early else (LAST, frozenset())
            job = Job(step.name if early else LAST, (), "cpu")
        if group not in groups:
            groups[group] = drafts.add(replace(job, cell=cell.label))
        number = groups[group]
        own = drafts.jobs[number]
        drafts.jobs[number] = replace(own, steps=(*own.steps, step.name))
        drafts.doing[same[step.name]] = number
        drafts.after[number] |= waited


def _waited(plan: Plan, step: Step, same: Mapping[str, str]) -> set[str]:
    """The steps with work that a step reads or waits for, through those without."""
    found: set[str] = set()
    for name in step.inputs:
        other = plan.steps[name]
        found |= {same[name]} if other.stage in STAGES else _waited(plan, other, same)
    return found


def _device_steps(
    plan: Plan, todo: Sequence[Step], same: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """For each step the ones to do before it that need a device."""
    names = {step.name for step in todo if place_of(step) != "here"}
    found: dict[str, frozenset[str]] = {}
    for name, step in plan.steps.items():
        own = {same[other] for other in step.inputs if other in names}
        found[name] = frozenset(own.union(*(found[other] for other in step.inputs)))
    return found


def _needed_by_devices(plan: Plan, todo: Sequence[Step]) -> set[str]:
    return plan.needed(step.name for step in todo if place_of(step) != "here")


def _ordered(drafts: _Drafts) -> list[Job]:
    """Each job after those it waits for, otherwise in the order of their first steps."""
    places: dict[int, int] = {}
    found: list[Job] = []
    waits = {
        number: {drafts.doing[one] for one in asked if one in drafts.doing} - {number}
        for number, asked in drafts.after.items()
    }
    while len(found) < len(drafts.jobs):
        number = next(
            one for one in drafts.jobs if one not in places and waits[one] <= places.keys()
        )
        places[number] = len(found)
        after = tuple(sorted(places[one] for one in waits[number]))
        found.append(replace(drafts.jobs[number], after=after))
    return found
