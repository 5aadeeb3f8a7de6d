"""One command under trial: started in a group of its own, watched by its marks, ended by force."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from forks import Fork, Forks

ROOT = Path(__file__).parents[3]
LONGEST_S = 600.0
"""No trial takes so long: one that does is stopped and counts as failed."""


class Running:
    """`reason-w2s run` in `folder`; its marks from here on are its own.

    forks: what gives the process; None: a new interpreter.
    """

    def __init__(
        self, folder: Path, arguments: list[str], forks: Forks | None, **environment: str
    ) -> None:
        self.marks = folder / "marks"
        self.marks.touch()
        self.offset = self.marks.stat().st_size
        self.said = folder / f"said-{time.monotonic_ns()}"
        path = os.pathsep.join([str(folder / "hooks"), str(ROOT)])
        own = {"PYTHONPATH": path, "CHAOS_MARKS": str(self.marks), **environment}
        self.process: subprocess.Popen[bytes] | Fork
        if forks is not None:
            self.process = Fork(forks, arguments, folder, self.said, own)
        else:
            self.process = _popen(arguments, folder, self.said, own)
        self.deadline = time.monotonic() + LONGEST_S

    def lines(self) -> list[list[str]]:
        """Its marks so far: time, process, words."""
        text = self.marks.read_bytes()[self.offset :].decode()
        return [line.split() for line in text.splitlines() if line.count(" ") >= 2]

    def until(self, condition: Callable[[], object]) -> bool:
        """Wait for a condition; whether it came before the end of the command."""
        while not condition():
            if self.process.poll() is not None or time.monotonic() > self.deadline:
                return bool(condition())
            time.sleep(0.002)
        return True

    def marked(self, *words: str) -> bool:
        """Wait for a mark that begins with one of these."""
        return self.until(lambda: any(line[2] in words for line in self.lines()))

    def sleep(self, seconds: float) -> bool:
        """Whether it still runs after that."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end)
        return self.process.poll() is None

    def shoot(self) -> list[int]:
        """kill -9 for the whole group; whoever of its descendants is left alive after a while."""
        family = descendants(self.process.pid)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return left(family)

    def finish(self) -> int:
        """Its exit code; too slow a one is shot."""
        try:
            return self.process.wait(timeout=max(1.0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.shoot()
            return -99

    def errors(self) -> list[str]:
        """The lines of what it said that begin with `error: `; a traceback counts as one."""
        return self.beginning("error: ", "Traceback")

    def warnings(self) -> list[str]:
        """The warnings it said."""
        return self.beginning("warning: ")

    def beginning(self, *words: str) -> list[str]:
        """The lines of what it said that begin so."""
        lines = self.said.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if line.startswith(words)]


def _popen(
    arguments: list[str], folder: Path, said: Path, own: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with said.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "reason_w2s.cli", "run", *arguments],
            cwd=folder,
            env={**os.environ, **own},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def environment(part: int, sleep_s: float = 0.0, sync_s: float = 0.0) -> Mapping[str, str]:
    """What the hooks read: traces per part, seconds per fake response and per file."""
    return {"CHAOS_PART": str(part), "CHAOS_SLEEP": str(sleep_s), "CHAOS_SYNC": str(sync_s)}


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def command_of(pid: int) -> str:
    """Its command line, or the name it gave itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def left(family: list[int], seconds: float = 30.0) -> list[int]:
    """Which of these still live after at most so long."""
    end = time.monotonic() + seconds
    while (alive := [pid for pid in family if _lives(pid)]) and time.monotonic() < end:
        time.sleep(0.02)
    return alive


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
