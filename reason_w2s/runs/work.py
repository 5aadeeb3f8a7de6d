"""One step to be done: what a maker gets to see, in this process or in a worker."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.plan import Step
from reason_w2s.runs.items import Item
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.store import Cost, Store
from reason_w2s.runs.tables import digest
from reason_w2s.stages.table import STAGES

Report = Callable[[int, int, str], None]
"""(done, total, unit), called as a step proceeds."""


def silent(done: int, total: int, unit: str) -> None:
    """A report that nobody reads."""


class Part(NamedTuple):
    """Every `of`-th request of a sample step, from the `number`-th on (from 1)."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def takes(self, place: int) -> bool:
        """Whether the request at this place, from 0, is in it."""
        return place % self.of == self.number - 1

    def split(self, copies: int) -> list[Part]:
        """It in so many parts."""
        return [Part(self.number + at * self.of, self.of * copies) for at in range(copies)]


def part_of(text: str) -> Part:
    """The part that K/N names.

    Raises:
        ConfigError: it names none.
    """
    number, _, of = text.partition("/")
    if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return Part(int(number), int(of))
    raise ConfigError(f"--part {text}: expected K/N with K from 1 to N, such as --part 3/8")


@dataclass(frozen=True)
class Work:
    """A step, the items it is made from, and where it is made.

    run: the run's name, remembered with what it makes. again: how often the step was redone; it is
    part of the step's key, so that redoing never touches what other runs share. gold: the gold
    labels its outcome rests on, in words, for the card of what it makes. part: what is made of a
    sample step; None: all.
    """

    store: Store
    step: Step
    inputs: Mapping[str, Item]
    profile: Profile
    run: str
    again: int = 0
    gold: str = ""
    part: Part | None = None
    report: Report = field(default=silent, compare=False)
    engines: Any = None

    @property
    def of(self) -> tuple[Item, ...]:
        """The items named under `of`."""
        return tuple(self.inputs[name] for name in self.step.of)

    def role(self, name: str) -> Item:
        """The item in a role, e.g. `model`."""
        return self.inputs[self.step.roles[name]]

    def rendered(self) -> Path:
        """Where files that a launcher is given are kept: in the run's folder, under the step."""
        return self.store.root.parent / self.run / "launch" / self.step.name

    def key(self, *parts: Any) -> str:
        """The store key of what this step makes from `parts`."""
        stage = self.step.stage
        version = STAGES[stage].version if stage in STAGES else 1
        redone = [self.again] if self.again else []
        return digest(stage, version, *parts, *redone)

    def settings(self, *without: str) -> dict[str, Any]:
        """The step's config, less the named keys."""
        return self.step.settings(*without)

    def to_json(self) -> dict[str, Any]:
        """What a worker needs to do it."""
        return {
            "root": str(self.store.root),
            "step": asdict(self.step),
            "inputs": {name: item.to_json() for name, item in self.inputs.items()},
            "profile": self.profile.model_dump(mode="json"),
            "run": self.run,
            "again": self.again,
            "gold": self.gold,
            "part": self.part,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any], report: Report, engines: Any) -> Work:
        """The reverse of `to_json`, in the worker."""
        step = dict(data["step"])
        step |= {name: tuple(step[name]) for name in ("of", "after")}
        return Work(
            store=Store(Path(data["root"])),
            step=Step(**step),
            inputs={name: Item.from_json(item) for name, item in data["inputs"].items()},
            profile=Profile.model_validate(data["profile"]),
            run=data["run"],
            again=data["again"],
            gold=data["gold"],
            part=None if data["part"] is None else Part(*data["part"]),
            report=report,
            engines=engines,
        )


class Maker(Protocol):
    """How the results of a stage are found in the store, and made where they are missing."""

    def find(self, work: Work) -> Item | None:
        """The step's item if the store has all of it. Needs no torch and starts no engine."""
        ...

    def make(self, work: Work) -> None:
        """Make what is missing; afterwards `find` finds it."""
        ...


class Stopwatch:
    """Measures what a part cost: seconds since the last one, and this process's peak memory."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.last = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since the last lap."""
        return time.monotonic() - self.last

    def lap(self) -> Cost:
        """The cost since the last lap."""
        now = time.monotonic()
        seconds, self.last = now - self.last, now
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Cost(self.run, round(seconds, 3), round(peak, 1))
