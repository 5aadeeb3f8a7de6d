"""A chain: one unbroken run's work done by a run that is broken again and again, then compared."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import project
from forks import Forks
from pictures import differences, picture, stored
from processes import Running, environment

RUN = Path("runs") / "chaos"
DERIVED = ("graded", "clean", "voted", "rated", "chosen", "pairs")


@dataclass(frozen=True)
class Phase:
    """What is broken: which project, up to which steps, between which marks.

    begin: marks that the phase has begun, one of which every later start gives too. end: the mark
    after it (none: the end of the command). fresh: stages that a chain makes itself; the rest is
    copied from the unbroken run, as the models would cost more than what is tried. forked: all in
    one process, whose imports were done before; else an interpreter, and one per kind of worker.
    """

    sampler: str
    begin: tuple[str, ...]
    fresh: tuple[str, ...]
    until: tuple[str, ...] = ("pairs", "rated", "chosen")
    end: str | None = None
    zero: bool = False
    tokens: int = 64
    updates: int = 1
    part: int = 16
    sleep_s: float = 0.0
    sync_s: float = 0.0
    variables: tuple[tuple[str, str], ...] = ()
    forked: bool = False

    def arguments(self, *more: str) -> list[str]:
        """Those of `run`."""
        until = [part for step in self.until for part in ("--until", step)]
        return ["chaos.yaml", "--on", "profile.yaml", *until, *more]

    def start(self, folder: Path, *more: str) -> Running:
        """Start it in a folder that is ready."""
        own = environment(self.part, self.sleep_s, self.sync_s)
        forks = _forks() if self.forked else None
        return Running(folder, self.arguments(*more), forks, **own, **dict(self.variables))

    def make(self, folder: Path) -> None:
        """Make a folder ready."""
        project.make(
            folder,
            sampler=self.sampler,
            isolate="none" if self.forked else "kind",
            zero=self.zero,
            tokens=self.tokens,
            updates=self.updates,
        )


@cache
def _forks() -> Forks:
    return Forks()


@dataclass
class Outcome:
    """What came of a chain. events: times that something was done to the run. redone: responses
    drawn again after one event, at most. wrong: what should not be, in words."""

    events: int = 0
    missed: int = 0
    redone: int = 0
    wrong: list[str] = field(default_factory=list)


class Whole:
    """The unbroken run of a phase, made once and kept beside the chains."""

    def __init__(self, phase: Phase, folder: Path) -> None:
        self.phase, self.folder = phase, folder
        done = folder / "seconds"
        if not done.is_file():
            phase.make(folder)
            running = phase.start(folder)
            code = running.finish()
            assert code == 0, (folder, running.said.read_text()[-2000:])
            done.write_text(str(_between(running.lines(), phase)))
        self.seconds = float(done.read_text())
        self.picture = picture(folder / RUN)

    def copy(self, folder: Path) -> None:
        """A folder whose store has what the phase starts from."""
        self.phase.make(folder)
        fresh = shutil.ignore_patterns(*self.phase.fresh)
        shutil.copytree(self.folder / "runs" / "store", folder / "runs" / "store", ignore=fresh)


def _between(lines: list[list[str]], phase: Phase) -> float:
    begun = next(float(line[0]) for line in lines if _is(line, phase.begin))
    ends = [float(line[0]) for line in lines if phase.end is None or _is(line, (phase.end,))]
    return ends[-1] - begun


def _is(line: list[str], marks: tuple[str, ...]) -> bool:
    said = " ".join(line[2:])
    return any(said == mark or said.startswith(f"{mark} ") for mark in marks)


Act = Callable[[Running, Outcome], bool]
"""What is done to a run under way, and whether that broke it; it ends with the command ended."""


class Chain:
    """A run broken at `number` times drawn uniformly over the unbroken one's phase, in order."""

    def __init__(self, whole: Whole, folder: Path, dice: random.Random, number: int) -> None:
        self.whole, self.folder, self.phase = whole, folder, whole.phase
        self.times = sorted(dice.uniform(0, whole.seconds) for _ in range(number))
        self.dice = dice
        self.outcome = Outcome()
        self.drawn: set[str] = set()
        self.kept: set[str] = set()
        whole.copy(folder)

    def play(self, act: Act) -> Outcome:
        """Break it, each time with `act`; let it end; compare."""
        worked = 0.0
        for moment in self.times:
            running = self.phase.start(self.folder)
            begun = running.until(lambda r=running: self._begun(r))
            if begun and running.sleep(moment - worked) and act(running, self.outcome):
                self.outcome.events += 1
            else:
                self.outcome.missed += 1
                self._ended(running)
            self._account(running)
            worked = moment
        self.end()
        return self.outcome

    def end(self) -> None:
        """Let it go on to its end, and set it beside the unbroken one."""
        running = self.phase.start(self.folder)
        self._ended(running)
        self._account(running)
        self.compare()

    def compare(self, run: Path = RUN) -> None:
        """Set a finished run beside the unbroken one."""
        try:
            found = picture(self.folder / run)
        except Exception as error:  # whatever it is, the run is not what it should be
            self.outcome.wrong.append(f"cannot be read: {type(error).__name__}: {error}")
            return
        self.outcome.wrong += list(differences(self.whole.picture, found))[:10]

    def _begun(self, running: Running) -> bool:
        return any(_is(line, self.phase.begin) for line in running.lines())

    def _ended(self, running: Running) -> None:
        code = running.finish()
        if code != 0:
            self.outcome.wrong.append(f"exit code {code}: {running.errors()[-1:]}")

    def _account(self, running: Running) -> None:
        """Nothing that was stored is drawn again, what is drawn again is one part at most, and
        nothing half written is found."""
        self.outcome.wrong += [f"after a break: {line}" for line in running.warnings()]
        drawn = {line[3] for line in running.lines() if line[2] == "drawn"}
        twice = drawn & self.kept
        if twice:
            self.outcome.wrong.append(f"{len(twice)} stored responses were drawn again")
        again = len(drawn & self.drawn)
        if again > self.phase.part:
            self.outcome.wrong.append(f"{again} responses were drawn again, more than a part")
        self.outcome.redone = max(self.outcome.redone, again)
        self.drawn |= drawn
        self.kept = stored(self.folder / RUN)


def shot(running: Running, outcome: Outcome) -> bool:
    """kill -9 for all of it at once."""
    alive = running.shoot()
    if alive:
        outcome.wrong.append(f"{len(alive)} processes lived on")
    return True


def stopped(running: Running, outcome: Outcome, word: str = "error: ") -> bool:
    """It must end by itself, with code 3 and one line that begins so."""
    code = running.finish()
    said = running.beginning(*{"error: ", "Traceback", word})
    if code != 3 or len(said) != 1 or not said[0].startswith(word):
        outcome.wrong.append(f"exit code {code} and {said}, not 3 and one line")
    return True


def wait_for(seconds: float) -> Iterator[float]:
    """The time, until it is over."""
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        yield now
        time.sleep(0.001)
