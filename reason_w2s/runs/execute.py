"""Running a plan: find what the store has, make what it lacks, several steps at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reason_w2s import errors
from reason_w2s.errors import DataError, EngineError, W2SError
from reason_w2s.recipe.identity import identities
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.rules import gold_use
from reason_w2s.runs.crew import Crew
from reason_w2s.runs.items import Item
from reason_w2s.runs.makers import maker
from reason_w2s.runs.open_engine import OpenEngine
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.progress import RunProgress
from reason_w2s.runs.store import Store
from reason_w2s.runs.work import Work
from reason_w2s.runs.worker import Worker
from reason_w2s.stages.table import STAGES, Place


@dataclass
class Execution:
    """The state of one execution of a plan."""

    plan: Plan
    store: Store
    folder: Path
    profile: Profile
    progress: RunProgress
    again: Mapping[str, int] = field(default_factory=dict)
    made: Callable[[], None] = lambda: None
    items: dict[str, Item] = field(default_factory=dict)

    def work(self, step: Step) -> Work:
        """A step as work; its inputs must be done."""
        inputs = {name: self.items[name] for name in step.inputs}
        run, again = self.folder.name, self.again.get(step.name, 0)
        gold = self._gold(step) if step.stage == "train" else ""
        return Work(self.store, step, inputs, self.profile, run, again, gold)

    def _gold(self, step: Step) -> str:
        """The gold labels a step rests on, problem set by problem set."""
        uses = sorted(gold_use(self.plan, step.name), key=lambda use: (use.what, use.problems))
        said = [
            f"{use.what} of {use.problems} ({self.items[use.problems].counts['out']:,})"
            for use in uses
        ]
        return ", ".join(said) or "none"

    def find(self, step: Step) -> Item | None:
        """The step's item if the store has it; its inputs must be done."""
        with named(step):
            return maker(step.stage).find(self.work(step))

    def settle(self, step: Step, item: Item, *, new: bool) -> None:
        """A step is done; `new`: it was made just now.

        Raises:
            DataError: what was found stops the run; it can be shown all the same.
        """
        self.items[step.name] = item
        stops = item.counts.get("stops")
        if new or stops:
            self.made()
        if stops:
            raise DataError(f"{step.place}: {stops}")


@contextmanager
def named(step: Step) -> Iterator[None]:
    """Errors inside name the step."""
    try:
        yield
    except W2SError as error:
        if str(error).startswith(step.place):
            raise
        raise type(error)(f"{step.place}: {error}") from error


def place_of(step: Step) -> Place:
    """The kind of process a step runs in."""
    return STAGES[step.stage].place if step.stage in STAGES else "here"


def run_steps(execution: Execution, names: set[str], crew: Crew | None = None) -> dict[str, Item]:
    """Do the named steps; each one's inputs must be among them or in `execution.items`.

    crew: workers that outlive this; None: some of its own.

    Raises:
        W2SError: the first step that failed; steps under way are ended, what is stored stays.
    """
    if execution.profile.isolate == "none":
        _run_alone(execution, names)
    elif crew is not None:
        _Pool(execution, names, crew).run()
    else:
        with Crew(execution.profile) as own:
            _Pool(execution, names, own).run()
    return execution.items


def _run_alone(execution: Execution, names: set[str]) -> None:
    """One step after another in this process."""
    engines = OpenEngine()
    try:
        for step in execution.plan.steps.values():
            todo = step.name in names and step.name not in execution.items
            if todo and not _find_here(execution, step):
                _make_here(execution, step, engines)
    finally:
        engines.close()


def _make_here(execution: Execution, step: Step, engines: OpenEngine | None) -> None:
    progress = execution.progress
    progress.begin(step.name, step.stage)
    doing = replace(
        execution.work(step),
        engines=engines,
        report=lambda done, total, unit: progress.update(step.name, done, total, unit),
    )
    with named(step):
        maker(step.stage).make(doing)
    found = _must_find(execution, step)
    progress.end(step.name, summary(found))
    execution.settle(step, found, new=True)


def _find_here(execution: Execution, step: Step) -> bool:
    """Settle a step that the store has; whether it has it."""
    found = execution.find(step)
    if found is None:
        return False
    execution.progress.skip(1)
    execution.settle(step, found, new=False)
    return True


def _must_find(execution: Execution, step: Step) -> Item:
    found = execution.find(step)
    assert found is not None, f"{step.name} was made but is not in the store"
    return found


def summary(item: Item) -> str:
    """One step's counts in a line."""
    counts = item.counts
    said = []
    if "in" in counts and item.kind != "model":
        said.append(f"in {counts['in']:,}")
    if "out" in counts and item.kind != "model":
        said.append(f"out {counts['out']:,}")
    if "dropped" in counts:
        said.append(f"dropped {sum(counts['dropped'].values()):,}")
    for group in ("status", "flags", "finish", "kinds"):
        said += [f"{name} {count:,}" for name, count in counts.get(group, {}).items()]
    if counts.get("steps", {}).get("all"):
        said.append(step_errors(counts["steps"]))
    if "said" in counts:
        said.append(counts["said"])
    for name in ("pairs", "examples", "updates", "tokens"):
        if counts.get(name):
            said.append(f"{name} {counts[name]:,}")
    return "  ".join(said)


def step_errors(steps: Mapping[str, int]) -> str:
    """The share of wrong steps of a set (SWER): of all, as arithmetic shows it."""
    share = steps["wrong"] / steps["all"]
    judged = f"{steps['judged']:,} judged"
    return f"wrong steps {steps['wrong']:,} of {steps['all']:,} ({share:.1%}; {judged})"


class _Pool:
    """Gives ready steps to idle workers, each of which has one step at a time."""

    def __init__(self, execution: Execution, names: set[str], crew: Crew) -> None:
        self.execution = execution
        self.crew = crew
        self.waiting = [
            step
            for step in execution.plan.steps.values()
            if step.name in names and step.name not in execution.items
        ]
        self.busy: dict[Worker, Work] = {}
        self.same = identities(execution.plan)
        self.missing: set[str] = set()

    def run(self) -> None:
        try:
            while self.waiting or self.busy:
                moved = self._start_ready()
                if not moved and self.busy:
                    self._handle(*self.crew.events.get())
        finally:
            self.crew.kill(list(self.busy))

    def _start_ready(self) -> bool:
        """Settle or start what can be; whether anything could."""
        moved = False
        for step in self._ready():
            # by another name it is being made: a second worker would only wait for the first
            if any(
                self.same[step.name] == self.same[work.step.name] for work in self.busy.values()
            ):
                continue
            # looked up once: a step that waits for a worker is not searched for again
            if step.name not in self.missing and _find_here(self.execution, step):
                pass
            elif place_of(step) == "here":
                _make_here(self.execution, step, None)
            elif not self._give(self.execution.work(step)):
                self.missing.add(step.name)
                continue
            self.waiting.remove(step)
            moved = True
        return moved

    def _ready(self) -> list[Step]:
        """Steps whose inputs are done; those for workers first, so that none is kept idle."""
        done = self.execution.items
        ready = [one for one in self.waiting if all(name in done for name in one.inputs)]
        return sorted(ready, key=lambda step: place_of(step) == "here")

    def _give(self, work: Work) -> bool:
        """Hand work to a worker of its kind, if one is idle or may be started."""
        if len(self.busy) == self.execution.profile.workers.total:
            return False
        place = place_of(work.step)
        model = work.role("model").reference().path if "model" in work.step.roles else ""
        working = sum(place_of(other.step) == place for other in self.busy.values())
        worker = self.crew.take(place, model, working, self.execution.folder / "logs")
        if worker is None:
            return False
        self.busy[worker] = work
        self.execution.progress.begin(work.step.name, work.step.stage)
        worker.give(work)
        return True

    def _handle(self, worker: Worker, event: dict[str, Any]) -> None:
        if worker not in self.busy:
            # it died while it had nothing to do, or was ended: the next step gets another
            return
        work, kind = self.busy[worker], event["event"]
        if kind == "progress":
            name, done, total = work.step.name, event["done"], event["total"]
            self.execution.progress.update(name, done, total, event["unit"])
            return
        del self.busy[worker]
        if kind != "done":
            raise _failure(work.step, event, worker.log)
        made = self.same[work.step.name]
        self.missing -= {one.name for one in self.waiting if self.same[one.name] == made}
        item = _must_find(self.execution, work.step)
        self.execution.progress.end(work.step.name, summary(item))
        self.execution.settle(work.step, item, new=True)
        self.crew.done(worker, place_of(work.step))


def _failure(step: Step, event: dict[str, Any], log: Path) -> W2SError:
    """What went wrong in a worker, as an exception of the class it had there."""
    where = step.place
    shown = os.path.relpath(log)
    if event["event"] == "died":
        return EngineError(f"{where}: its process died ({event['message']}); see {shown}")
    known = getattr(errors, event["type"], None)
    if isinstance(known, type) and issubclass(known, W2SError):
        message = str(event["message"])
        return known(message if message.startswith(where) else f"{where}: {message}")
    return EngineError(f"{where}: {event['type']}: {event['message'][:400]}; see {shown}")
