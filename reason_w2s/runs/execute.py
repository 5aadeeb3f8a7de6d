"""The state of a run under way: what the store has of its plan, what it lacks, a step made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from reason_w2s import errors
from reason_w2s.errors import DataError, EngineError, W2SError, from_system
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.rules import gold_use
from reason_w2s.runs.items import Item
from reason_w2s.runs.makers import make, maker
from reason_w2s.runs.mending import Mending
from reason_w2s.runs.open_engine import OpenEngine
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.progress import RunProgress
from reason_w2s.runs.store import Store
from reason_w2s.runs.work import Part, Work
from reason_w2s.stages.table import STAGES, Place


@dataclass
class Execution:
    """The state of one execution of a plan.

    parts: sample steps of which only a part is to be done; each is made when all parts are.
    """

    plan: Plan
    store: Store
    folder: Path
    profile: Profile
    progress: RunProgress
    again: Mapping[str, int] = field(default_factory=dict)
    made: Callable[[], None] = lambda: None
    items: dict[str, Item] = field(default_factory=dict)
    mending: Mending | None = None
    logs: Path = Path("logs")
    parts: Mapping[str, Part] = field(default_factory=dict)

    def work(self, step: Step) -> Work:
        """A step as work; its inputs must be done."""
        inputs = {name: self.items[name] for name in step.inputs}
        run, again = self.folder.name, self.again.get(step.name, 0)
        gold = self._gold(step) if step.stage == "train" else ""
        part = self.parts.get(step.name)
        return Work(self.store, step, inputs, self.profile, run, again, gold, part)

    def shown(self, step: Step) -> str:
        """A step's name where it proceeds, with the part of it that does."""
        return f"{step.name} {self.parts[step.name]}" if step.name in self.parts else step.name

    def finish(self, step: Step) -> None:
        """What was to be made of a step is made."""
        item = self.find(step)
        if item is None:
            if step.name not in self.parts:
                # its key holds the bytes of the files it read: they are others by now
                raise EngineError(
                    f"{step.place}: what it reads was changed while it was made; keep its files "
                    "as they are, and run the same command again"
                )
            self.progress.end(self.shown(step), "is done; other parts are to do")
            return
        self.progress.end(self.shown(step), summary(item))
        self.settle(step, item, new=True)

    def _gold(self, step: Step) -> str:
        """The gold labels a step rests on, problem set by problem set."""
        uses = sorted(gold_use(self.plan, step.name), key=lambda use: (use.what, use.problems))
        said = [
            f"{use.what} of {use.problems} ({self.items[use.problems].counts['out']:,})"
            for use in uses
        ]
        return ", ".join(said) or "none"

    def find(self, step: Step) -> Item | None:
        """The step's item if the store has it; its inputs must be done.

        Raises:
            Damaged: files of it are not what was written, and nobody mends; or records it is made
                from are gone.
        """
        if self.mending is None:
            return self._find(step)
        return self.mending.until_sound(lambda: self._find(step))

    def _find(self, step: Step) -> Item | None:
        with named(step):
            return maker(step.stage).find(self.work(step))

    def start_over(self) -> None:
        """Forget what was found: some of it is to be made again."""
        self.items.clear()
        self.progress.finished = 0

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
        raise errors.at(step.place, error) from error
    except OSError as error:
        raise errors.at(step.place, from_system(error)) from error


def place_of(step: Step) -> Place:
    """The kind of process a step runs in."""
    return STAGES[step.stage].place if step.stage in STAGES else "here"


def make_here(execution: Execution, step: Step, engines: OpenEngine | None) -> None:
    """Make a step in this process."""
    progress, shown = execution.progress, execution.shown(step)
    progress.begin(shown, step.stage)
    doing = replace(
        execution.work(step),
        engines=engines,
        report=lambda done, total, unit: progress.update(shown, done, total, unit),
    )
    with named(step):
        make(doing)
    execution.finish(step)


def find_here(execution: Execution, step: Step) -> bool:
    """Settle a step that the store has; whether it has it."""
    found = execution.find(step)
    if found is None:
        return False
    execution.progress.skip(1)
    execution.settle(step, found, new=False)
    return True


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
