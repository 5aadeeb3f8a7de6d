"""Doing the steps of a plan: one after another here, or several at once in workers."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

from reason_w2s import errors
from reason_w2s.errors import Damaged, EngineError, W2SError
from reason_w2s.processes import Stopped
from reason_w2s.recipe.identity import identities
from reason_w2s.recipe.plan import Step
from reason_w2s.runs.crew import Crew, devices_of
from reason_w2s.runs.execute import Execution, find_here, make_here, named, place_of
from reason_w2s.runs.items import Item
from reason_w2s.runs.open_engine import OpenEngine, engine_of, settings_of
from reason_w2s.runs.work import Part, Work
from reason_w2s.runs.worker import Worker


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
            if todo and not find_here(execution, step):
                make_here(execution, step, engines)
    finally:
        engines.close()


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
        self.told: dict[str, dict[Worker, tuple[int, int]]] = {}
        self.same = identities(execution.plan)
        self.missing: set[str] = set()

    def run(self) -> None:
        try:
            while self.waiting or self.busy:
                moved = self._start_ready()
                if not moved and self.busy:
                    self._handle(*self.crew.events.get())
        except KeyboardInterrupt:
            self._let_end()
            raise
        finally:
            self.crew.kill(list(self.busy))

    def _let_end(self) -> None:
        """Let those that have made something keep it; the others end at once."""
        begun = [worker for worker in self.busy if worker.begun]
        self.crew.kill([worker for worker in self.busy if not worker.begun])
        for worker in begun:
            worker.tell()
        if begun:
            self.execution.progress.say("stopping; a second signal ends at once")
        while begun:
            worker, event = self.crew.events.get()
            if worker in begun and event["event"] != "progress":
                begun.remove(worker)
                worker.stop()

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
            if step.name not in self.missing and find_here(self.execution, step):
                pass
            elif place_of(step) == "here":
                make_here(self.execution, step, None)
            elif not self._give(step):
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

    def _give(self, step: Step) -> bool:
        """Hand a step to a worker of its kind, if one is idle or may be started; or to several,
        a part each."""
        under_way = {work.step.name: work.step for work in self.busy.values()}
        if len(under_way) == self.execution.profile.workers.total:
            return False
        work, place = self.execution.work(step), place_of(step)
        model = work.role("model").reference().path if "model" in step.roles else ""
        working = sum(place_of(other) == place for other in under_way.values())
        for devices, share in _shares(work):
            worker = self.crew.take(place, model, working, self.execution.logs, devices)
            if worker is None:
                return False
            self.busy[worker] = share
            worker.give(share)
        self.execution.progress.begin(self.execution.shown(step), step.stage)
        return True

    def _handle(self, worker: Worker, event: dict[str, Any]) -> None:
        if worker not in self.busy:
            # it died while it had nothing to do, or was ended: the next step gets another
            return
        work, kind = self.busy[worker], event["event"]
        if kind == "progress":
            self._proceed(worker, work.step, event)
            return
        del self.busy[worker]
        if kind == "stopped":
            # it was told by another than this process
            raise Stopped(signal.SIGTERM)
        if kind != "done":
            # its engine may be gone, and with it what it holds of a GPU: no other step gets it
            self.crew.kill([worker])
            raise _failure(work.step, event, worker.log)
        if all(other.step.name != work.step.name for other in self.busy.values()):
            self._finish(work.step)
        self.crew.done(worker, place_of(work.step))

    def _proceed(self, worker: Worker, step: Step, event: dict[str, Any]) -> None:
        """Tell how far a step is, all that work on it together."""
        self.told.setdefault(step.name, {})[worker] = event["done"], event["total"]
        done, total = map(sum, zip(*self.told[step.name].values(), strict=True))
        self.execution.progress.update(self.execution.shown(step), done, total, event["unit"])

    def _finish(self, step: Step) -> None:
        made = self.same[step.name]
        self.missing -= {one.name for one in self.waiting if self.same[one.name] == made}
        self.execution.finish(step)


def _shares(work: Work) -> list[tuple[str, Work]]:
    """A step as work for one worker, or for several: the GPUs of each, and what it does."""
    if work.step.stage != "sample":
        return [("", work)]
    model = work.role("model").reference()
    settings = settings_of(model, work.profile)
    if settings.replicas == 1 or engine_of(model, work.profile) == "server":
        return [("", work)]
    with named(work.step):
        devices = devices_of(settings, work.profile)
    parts = (work.part or Part(1, 1)).split(settings.replicas)
    return [(own, replace(work, part=part)) for own, part in zip(devices, parts, strict=True)]


def _failure(step: Step, event: dict[str, Any], log: Path) -> W2SError:
    """What went wrong in a worker, as an exception of the class it had there."""
    where = step.place
    shown = os.path.relpath(log)
    if event["event"] == "died":
        return EngineError(f"{where}: its process died ({event['message']}); see {shown}")
    known = getattr(errors, event["type"], None)
    if isinstance(known, type) and issubclass(known, W2SError):
        said = known(str(event["message"]))
        if isinstance(said, Damaged):
            said.paths = tuple(map(Path, event["paths"]))
        return said if str(said).startswith(where) else errors.at(where, said)
    return EngineError(f"{where}: {event['type']}: {event['message'][:400]}; see {shown}")
