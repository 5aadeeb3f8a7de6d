"""Worker processes that are killed when they take too long, and symbolic equality asked of them.

Works in any thread (each gets a worker of its own, up to `MAX_WORKERS`, then waits for one), in a
coroutine (which it blocks: `asyncio.to_thread` does not), in forked, spawned and daemonic children
(each process has its own workers; a fork closes its copies of the pipes) and without a `__main__`
guard. There are no threads and no signal handlers here, and the caller's alarms are not touched.

A worker imports from the standard library and the folders that hold sympy, mpmath and this package,
in that order: never from the current folder, from PYTHONPATH, from the user's site folder, nor by
way of `.pth` files or `sitecustomize`. Its hash seed is fixed. Whatever libraries print there goes
nowhere.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from reason_w2s.answers.workers.worker import Failure, Lines, decode, encode

Outcome = Literal["same", "different", "unknown", "timeout", "memory", "crashed"]

# What one symbolic comparison may take, of wall time, before its process is killed: by values of
# many digits, and then, where those cannot be computed, by sympy.
VALUES_SECONDS = 2.0
PROOF_SECONDS = 3.0
SYMBOLIC_SECONDS = VALUES_SECONDS + PROOF_SECONDS
# What a worker's process may have as address space, itself (150 MiB) included.
WORKER_MEMORY_BYTES = 1 << 30
# What a worker may take to start and load sympy; no comparison is charged for it.
START_SECONDS = 60.0
# After a deadline a worker says so within milliseconds; one that does not is killed whole.
GRACE_SECONDS = 10.0
# How long a worker may take to leave by itself once its pipe is closed.
CLOSE_SECONDS = 2.0
# Workers of each of the two kinds in one process, one per thread that is comparing.
MAX_WORKERS = 4
# After as many failed starts in a row no more are tried in this process.
MAX_FAILED_STARTS = 3
# Outcomes remembered, so that many samples of one problem pay once. Timeouts too, crashes not.
OUTCOMES_KEPT = 4096

_VALUES = "reason_w2s.answers.algebra.precise:answer"
_PROOF = "reason_w2s.answers.algebra.symbolic:answer"
_BOOT = (
    "import sys; sys.path += sys.argv[4:]; "
    "from reason_w2s.answers.workers.worker import main; main()"
)
_OURS = ("PYTHON", "SYMPY_", "MPMATH_")


class Failed(Exception):
    """A request that got no reply: `failure` says why, `reason` in words where there are any."""

    def __init__(self, failure: Failure, reason: str = "") -> None:
        super().__init__(reason or failure)
        self.failure: Failure = failure
        self.reason = reason


class Gone(Failed):
    """The worker itself has ended, not only the child that worked for it."""


class Worker:
    """A process that answers one request at a time with `service`, a `module:function`.

    It starts loading at once. Not for two threads at a time. `usable` is False once it is closed.
    """

    def __init__(self, service: str, memory_bytes: int | None = None) -> None:
        memory_bytes = WORKER_MEMORY_BYTES if memory_bytes is None else memory_bytes
        arguments = [service, str(os.getpid()), str(memory_bytes), *_folders(service)]
        flags = ["-s", "-S", "-P", *(["-B"] if sys.dont_write_bytecode else [])]
        self.ready = False
        self.usable = True
        self.process = subprocess.Popen(
            [sys.executable, *flags, "-c", _BOOT, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env=_environment(),
            # Ctrl-C in a terminal is for the caller; the worker would die of it.
            start_new_session=True,
        )
        _workers.add(self)
        assert self.process.stdin and self.process.stdout
        self.lines = Lines(self.process.stdout.fileno(), self.process.stdin.fileno())

    def ask(self, request: Any, seconds: float) -> Any:
        """The reply to a request that may take so many seconds.

        Raises:
            Failed: there is none. The worker is ready for the next request if it is `usable`.
        """
        self.send(request, seconds)
        return self.reply(seconds)

    def start(self) -> None:
        """Wait until the worker has loaded its service.

        Raises:
            Failed: it cannot.
        """
        if not self.ready:
            self._receive(START_SECONDS)
            self.ready = True

    def send(self, request: Any, seconds: float) -> None:
        """Send a request, once the worker has started.

        Raises:
            Failed: it did not start, or is gone.
        """
        self.start()
        line = b"%.3f " % seconds + encode(request)
        with self._closing():
            self.lines.send(line, time.monotonic() + GRACE_SECONDS)

    def reply(self, seconds: float) -> Any:
        """The reply to the request sent.

        Raises:
            Failed: there is none.
        """
        return self._receive(seconds + GRACE_SECONDS)

    def _receive(self, seconds: float) -> Any:
        with self._closing():
            reply = decode(self.lines.receive(time.monotonic() + seconds))
        if "failed" in reply:
            raise Failed(reply["failed"], reply["reason"])
        return reply["ok"]

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """Close a worker that does not do as agreed, or whose reply nobody will wait for."""
        try:
            yield
        except TimeoutError:
            self.close()
            raise Gone("timeout", "the worker does not react") from None
        except (EOFError, OSError, ValueError):
            self.close()
            raise Gone("crashed", "the worker is gone") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process and whatever it does. Closing twice is fine."""
        self.abandon()
        try:
            self.process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _workers.discard(self)

    def abandon(self) -> None:
        """Close the pipes and wait for nothing."""
        self.usable = False
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()


def _folders(service: str) -> list[str]:
    """Where the worker imports from: site-packages first, so that a checkout hides nothing."""
    found = []
    for name in ("sympy", "mpmath", service.partition(".")[0], "reason_w2s"):
        spec = find_spec(name)
        for place in (spec.submodule_search_locations or []) if spec else []:
            found.append(str(Path(place).absolute().parent))
    return list(dict.fromkeys(found))


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "PYTHONHOME" or not name.startswith(_OURS)
    }
    # gmpy2 and flint abort the process where Python's integers raise MemoryError.
    plain = {"MPMATH_NOGMPY": "1", "SYMPY_GROUND_TYPES": "python"}
    return {**kept, **plain, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}


class _Pool:
    """The workers of this process for one service."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.slots = threading.BoundedSemaphore(MAX_WORKERS)
        self.idle: list[Worker] = []
        self.failed_starts = 0

    def ask(self, request: Any, seconds: float) -> Any:
        """Ask an idle worker, or a new one; wait for one where `MAX_WORKERS` are busy."""
        with self.slots:
            worker = self._take()
            try:
                return worker.ask(request, seconds)
            finally:
                if worker.usable:
                    self.idle.append(worker)

    def _take(self) -> Worker:
        with suppress(IndexError):
            while True:
                worker = self.idle.pop()
                # `close` ends workers that are idle
                if worker.usable:
                    return worker
        return self._start()

    def _start(self) -> Worker:
        if self.failed_starts >= MAX_FAILED_STARTS:
            raise Failed("crashed", "no worker starts")
        begun = time.monotonic()
        try:
            worker = _started(self.service)
        except (Failed, OSError, RuntimeError) as error:
            self.failed_starts += 1
            if self.failed_starts == 1:
                warnings.warn(f"no symbolic comparison: {error}", RuntimeWarning, stacklevel=2)
            raise Failed("crashed", str(error)) from None
        finally:
            _waited.seconds = waited_s() + time.monotonic() - begun
        self.failed_starts = 0
        return worker


def _started(service: str) -> Worker:
    worker = Worker(service)
    try:
        worker.start()
    except Failed:
        worker.close()
        raise
    return worker


def waited_s() -> float:
    """How long this thread has waited for workers to start, which no comparison is charged for."""
    seconds: float = getattr(_waited, "seconds", 0.0)
    return seconds


_waited = threading.local()
_workers: set[Worker] = set()
_pools = {name: _Pool(name) for name in (_VALUES, _PROOF)}


def symbolic(left: str, right: str) -> Outcome:
    """Whether two normalised formulas are the same: decided in `SYMBOLIC_SECONDS` or not at all.

    `crashed` where the process died, or could not be started: the latter warns, once. The order of
    the two never matters.
    """
    try:
        first, second = sorted((left, right))
        return _remembered(first, second)
    except Failed as failed:
        return failed.failure


@lru_cache(maxsize=OUTCOMES_KEPT)
def _remembered(left: str, right: str) -> Outcome:
    try:
        outcome = _ask(_VALUES, [left, right], VALUES_SECONDS)
        return _ask(_PROOF, [left, right], PROOF_SECONDS) if outcome == "unknown" else outcome
    except Failed as failed:
        if failed.failure == "crashed":
            raise
        return failed.failure


def _ask(service: str, request: list[str], seconds: float) -> Outcome:
    try:
        outcome: Outcome = _pools[service].ask(request, seconds)
    except Gone:
        # Somebody may have ended a worker while it waited; a new one answers.
        outcome = _pools[service].ask(request, seconds)
    return outcome


def close() -> None:
    """End all workers of this process; the next comparison starts one again."""
    for worker in list(_workers):
        worker.close()


def _after_fork() -> None:
    """The workers belong to the parent: close our copies of its pipes, and start with none."""
    for worker in list(_workers):
        worker.abandon()
        # Not our child: there is nothing to wait for.
        worker.process.returncode = 0
    _workers.clear()
    _pools.update({name: _Pool(name) for name in _pools})


os.register_at_fork(after_in_child=_after_fork)
atexit.register(close)
