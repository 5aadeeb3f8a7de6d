"""The far side of `pool.Worker`: a process that answers JSON lines and can be killed at any moment.

It is two processes. The supervisor, which the caller starts, loads the service once (sympy takes
most of a second) and forks the child that does the work; it never works itself. So it notices at
once when a deadline passes, when the child dies and when the caller is gone, even while the child
is deep in a computation; and after a kill the next child is there in milliseconds.

Nobody outlives the caller. The supervisor leaves when the pipe from the caller closes, which the
kernel does however the caller ends, and where a copy of the pipe lives on in some other process,
when its parent has changed. The child asks the kernel to be killed with the *thread* that forked
it: of the caller that could be a short-lived one, of the supervisor it is the only one.

A request is `SECONDS JSON`, a reply `{"ok": ...}` or `{"failed": "timeout"}` (or `memory`,
`crashed`); one is on its way at a time. The first line says that the service is loaded.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, Literal, NoReturn

from reason_w2s.processes import die_with_parent

Service = Callable[[Any], Any]
Failure = Literal["timeout", "memory", "crashed"]

# A child is replaced after so many requests: what libraries cache cannot add up.
REQUESTS_PER_CHILD = 200
# How often the supervisor looks whether its parent is still the same.
PARENT_CHECK_SECONDS = 1.0
# How long a child that closed its pipes may take to end, which tells why it did.
EXIT_SECONDS = 5.0
# The exit status of a child that ran into its memory limit.
OUT_OF_MEMORY = 77

_READ_BYTES = 1 << 20


class Orphaned(Exception):
    """The caller is gone."""


class Caller:
    """The process that asked for this one: its end of a pipe, and its id."""

    def __init__(self, descriptor: int, process: int) -> None:
        self.descriptor, self.process = descriptor, process

    def check(self, ready: dict[int, int]) -> None:
        """Raises:
        Orphaned: the caller is gone; `ready` is what poll said of each descriptor.
        """
        gone = ready.get(self.descriptor, 0) & (select.POLLHUP | select.POLLERR)
        if gone or os.getppid() != self.process:
            raise Orphaned


class Lines:
    """Lines over a pair of pipes, one at a time in each direction, never past a deadline.

    A deadline is a `time.monotonic()` or None. While it waits it also watches the `caller`, if any.
    """

    def __init__(self, reading: int, writing: int, caller: Caller | None = None) -> None:
        self.reading, self.writing, self.caller = reading, writing, caller
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)

    def send(self, line: bytes, deadline: float | None = None) -> None:
        """Write one line.

        Raises:
            TimeoutError: the deadline has passed.
            BrokenPipeError: nobody reads.
            Orphaned: the caller is gone.
        """
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[os.write(self.writing, rest) :]
            except BlockingIOError:
                self._wait(self.writing, select.POLLOUT, deadline)

    def receive(self, deadline: float | None = None) -> bytes:
        """Read one line.

        Raises:
            TimeoutError: the deadline has passed.
            EOFError: nobody writes.
            Orphaned: the caller is gone.
        """
        parts = [b""]
        while not parts[-1].endswith(b"\n"):
            try:
                part = os.read(self.reading, _READ_BYTES)
            except BlockingIOError:
                self._wait(self.reading, select.POLLIN, deadline)
                continue
            if not part:
                raise EOFError("the pipe is closed")
            parts.append(part)
        return b"".join(parts)

    def _wait(self, descriptor: int, event: int, deadline: float | None) -> None:
        poll = select.poll()
        if self.caller:
            poll.register(self.caller.descriptor, 0)
        poll.register(descriptor, event)
        while True:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            step = PARENT_CHECK_SECONDS if left is None else min(left, PARENT_CHECK_SECONDS)
            ready = dict(poll.poll(step * 1000 if self.caller or left is not None else None))
            if descriptor in ready:
                return
            if self.caller:
                self.caller.check(ready)
            if left == 0.0:
                raise TimeoutError("the deadline has passed")

    def close(self) -> None:
        """Close both pipes."""
        for descriptor in {self.reading, self.writing}:
            with suppress(OSError):
                os.close(descriptor)


class Supervisor:
    """Hands each request to a child and its reply, or how it failed, back to the caller."""

    def __init__(self, service: Service, lines: Lines, memory_bytes: int) -> None:
        self.service, self.lines, self.memory_bytes = service, lines, memory_bytes
        self.child, self.child_lines, self.served = 0, lines, 0

    def run(self) -> None:
        """Serve until the caller is gone."""
        try:
            while True:
                seconds, _, request = self.lines.receive().partition(b" ")
                self.lines.send(self._ask(request, float(seconds)))
        except (Orphaned, EOFError, BrokenPipeError):
            self._end_child()

    def _ask(self, request: bytes, seconds: float) -> bytes:
        if not self.child:
            self._fork()
        deadline = time.monotonic() + seconds
        try:
            self.child_lines.send(request, deadline)
            reply = self.child_lines.receive(deadline)
        except TimeoutError:
            self._end_child()
            return _failed("timeout")
        except (EOFError, BrokenPipeError):
            return _failed(_cause(self._end_child(EXIT_SECONDS)))
        self.served += 1
        if self.served >= REQUESTS_PER_CHILD:
            self._end_child()
        return reply

    def _fork(self) -> None:
        requests, to_child = os.pipe()
        from_child, replies = os.pipe()
        supervisor = os.getpid()
        self.child = os.fork()
        if not self.child:
            self.lines.close()
            os.close(to_child)
            os.close(from_child)
            _serve(self.service, Lines(requests, replies), supervisor, self.memory_bytes)
        os.close(requests)
        os.close(replies)
        self.served = 0
        self.child_lines = Lines(from_child, to_child, self.lines.caller)

    def _end_child(self, patience_s: float = 0.0) -> int:
        """Bury the child, killed unless it ends by itself; its exit code, or minus its signal."""
        if not self.child:
            return 0
        code = _exit_code(self.child, patience_s)
        if code is None:
            with suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGKILL)
            code = _exit_code(self.child, None)
        self.child_lines.close()
        self.child = 0
        return code or 0


def _exit_code(process: int, patience_s: float | None) -> int | None:
    """How a child ended; None where it has not within the time given."""
    until = time.monotonic() + (patience_s or 0.0)
    try:
        while True:
            ended, status = os.waitpid(process, 0 if patience_s is None else os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= until:
                return None
            time.sleep(0.002)
    except ChildProcessError:
        # A caller that ignores SIGCHLD passes that on, and then the kernel buries our children.
        return 0


def _cause(code: int) -> Failure:
    # A SIGKILL that is not ours is the kernel's, which was out of memory.
    return "memory" if code in (OUT_OF_MEMORY, -signal.SIGKILL) else "crashed"


def _serve(service: Service, lines: Lines, supervisor: int, memory_bytes: int) -> NoReturn:
    """What the child does until it is killed or nobody asks any more."""
    code = 1
    try:
        die_with_parent()
        _limit(memory_bytes)
        while os.getppid() == supervisor:
            lines.send(encode({"ok": service(decode(lines.receive()))}))
    except MemoryError:
        code = OUT_OF_MEMORY
    except (EOFError, BrokenPipeError):
        code = 0
    finally:
        os._exit(code)


def _limit(memory_bytes: int) -> None:
    for limit, value in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(limit)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # Some systems refuse a limit on the address space.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, hard))


def encode(message: Any) -> bytes:
    """One line. Lone surrogates, even two that look like a pair, arrive as they were."""
    return (json.dumps(message, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def decode(line: bytes) -> Any:
    """What `encode` was given."""
    return json.loads(line.decode("utf-8", "surrogatepass"))


def _failed(failure: Failure, reason: str = "") -> bytes:
    return encode({"failed": failure, "reason": reason})


def _own_pipes(parent: int) -> Lines:
    """The pipes to the caller; whatever libraries print goes nowhere."""
    reading, writing = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return Lines(reading, writing, Caller(reading, parent))


def _load(name: str) -> Service:
    """The function `module:function`, called once with None to load what it loads late."""
    module, _, function = name.partition(":")
    service: Service = getattr(import_module(module), function)
    service(None)
    return service


def main() -> None:
    """Supervise the service named in the arguments: SERVICE PARENT MEMORY_BYTES FOLDER ..."""
    name, parent, memory_bytes = sys.argv[1:4]
    lines = _own_pipes(int(parent))
    try:
        service = _load(name)
    except Exception as error:
        lines.send(_failed("crashed", f"{type(error).__name__}: {error}"))
        return
    gc.freeze()
    with suppress(BrokenPipeError, Orphaned):
        lines.send(encode({"ok": None}))
        Supervisor(service, lines, int(memory_bytes)).run()
