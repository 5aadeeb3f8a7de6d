"""Processes: children die with their parent and speak to it in JSON lines; one that is told to end
keeps what it has.

`python -m reason_w2s.processes COMMAND ...` runs a command of somebody else's that way.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

PR_SET_PDEATHSIG = 1
TOLD = (signal.SIGTERM, signal.SIGUSR1)
"""How a process is told to end: by a person or a scheduler, and by Slurm some time before."""
LEFT_S = 3.0
"""What a process leaves behind has so long to end by itself."""
AGAIN_S = 1.0
"""A signal so soon after the first is the same word, come by another way."""


class Stopped(KeyboardInterrupt):
    """This process was told to end. number: the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass
class _Heard:
    """What this process was told. number: the first signal; held: what must not be broken off."""

    number: int = 0
    at: float = 0.0
    held: int = 0
    raised: bool = False
    tell: list[Callable[[], None]] = field(default_factory=list)


_heard = _Heard()


@contextmanager
def listening(*signals: int, twice: bool = True) -> Iterator[None]:
    """Inside, these signals raise `Stopped` in the main thread, once what is held has ended.

    twice: a second one, a second later or more, raises it again, whatever is held; else none is
    heard after the first. Ctrl-C stays ignored where it was (a shell's background job).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = [one for one in signals if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, _hearer(twice)) for one in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _heard.number, _heard.raised = 0, False


def _hearer(twice: bool) -> Callable[[int, Any], None]:
    def hear(number: int, _: Any) -> None:
        if not _heard.number:
            _heard.number, _heard.at = number, time.monotonic()
            for tell in _heard.tell:
                tell()
            if not _heard.held:
                _stop()
        elif twice and time.monotonic() - _heard.at >= AGAIN_S:
            _stop()

    return hear


def _stop() -> NoReturn:
    _heard.raised = True
    raise Stopped(_heard.number)


def told() -> bool:
    """Whether this process was told to end."""
    return bool(_heard.number)


@contextmanager
def holding(tell: Callable[[], None] = lambda: None) -> Iterator[None]:
    """What is not broken off: `Stopped` is raised at its end. tell: called when the word comes."""
    _heard.held += 1
    _heard.tell.append(tell)
    try:
        if _heard.number:
            tell()
        yield
    finally:
        _heard.held -= 1
        _heard.tell.remove(tell)
    if _heard.number and not _heard.held and not _heard.raised:
        _stop()


def die_with_parent() -> None:
    """Be killed when the parent dies, however it dies (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def leave_nobody() -> None:
    """However this process ends, end those that it started and their own (Linux).

    Engines start processes that outlive one that is killed, and keep its GPUs. It becomes the first
    of a process group, which a child of it waits to end. Call it before any thread runs.
    """
    if sys.platform != "linux":
        return
    os.setpgid(0, 0)
    group = os.getpid()
    if os.fork():
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGUSR2)
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    while os.getppid() == group:
        signal.sigwait({signal.SIGUSR2})
    os.killpg(group, signal.SIGTERM)
    time.sleep(LEFT_S)
    os.killpg(group, signal.SIGKILL)
    os._exit(0)


def own_stdout() -> IO[str]:
    """Standard output for our lines alone: whatever libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return out


def leave() -> NoReturn:
    """End well, once what was registered for the end has run, without taking Python down.

    Threads of libraries (arrow's) can abort an interpreter that is being taken down, and work that
    is done would count as failed.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def main() -> None:
    """Become the command given as arguments; what was asked of the kernel stays in force.

    A launcher knows nothing of SIGUSR1 and would die of it; its processes hear it themselves.
    """
    die_with_parent()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
