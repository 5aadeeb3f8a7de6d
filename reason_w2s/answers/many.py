"""Many responses checked on all cores, in order, each row as `check` would alone.

The rows go out in chunks to worker processes (`pool.Worker`), which have symbolic workers of their
own. A row that kills its worker, or holds it for `ROW_SECONDS`, gets status `error` or `timeout`;
the rows that were with it are checked again one by one, so no other row pays.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from reason_w2s.answers.equal import Gold, check_kind
from reason_w2s.answers.grade import check
from reason_w2s.answers.verdict import Kind, Status, Verdict
from reason_w2s.answers.workers.pool import GRACE_SECONDS, Failed, Gone, Worker
from reason_w2s.errors import ConfigError

# What one row may take before its worker is killed; comparisons have lower limits of their own.
ROW_SECONDS = 60.0
# The rows of so many seconds are checked in this process before workers are started ...
FIRST_SECONDS = 0.2
# ... which happens where that is quicker. Measured: what their start takes, what a row there and
# back costs this process, and how much longer a worker takes for it, with caches of its own.
START_SECONDS = 0.3
SEND_SECONDS = 1e-5
WORKER_SLOWDOWN = 1.3
# A chunk ends at either; a worker hands over what it has after so many seconds.
CHUNK_ROWS = 128
CHUNK_CHARS = 1 << 20
CHUNK_SECONDS = 2.0

_SERVICE = "reason_w2s.answers.many:answer"
_values = attrgetter(*(field.name for field in fields(Verdict)))
_PLAIN = (str, int, float, bool, type(None))
_MAX_BITS = 10_000  # of an int that is sent as text
_DIED = {
    "timeout": "the row took longer than allowed",
    "memory": "the process that checked the row ran out of memory",
    "crashed": "the process that checked the row died",
}

Row = tuple[Any, Any, Any]  # response, gold, options
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _How:
    kind: Kind
    rel_tol: float

    def check(self, row: Row) -> Verdict:
        return check(row[0], row[1], self.kind, row[2], rel_tol=self.rel_tol)


def check_many(  # noqa: PLR0913
    responses: Iterable[Any],
    golds: Iterable[Gold],
    kind: Kind = "auto",
    options: Iterable[Sequence[str] | None] | None = None,
    workers: int | None = None,
    *,
    rel_tol: float = 0.0,
    on_progress: Progress | None = None,
) -> list[Verdict]:
    """`check(response, gold, kind, options, rel_tol=...)` of each pair, in order.

    `options` has one list (or None) per response. `workers` None uses a process per core where that
    pays, 1 checks in this process, more starts so many. `on_progress` gets the number of rows done
    so far, now and then and at the end. What a response or a gold that is no text comes to is said
    at `check`, and no row raises.

    Raises:
        ConfigError: the lengths differ, a text stands where a list belongs, there is no such kind,
            a tolerance is out of range, or `workers` is below 1.
    """
    check_kind(kind, rel_tol)
    if workers is not None and workers < 1:
        raise ConfigError(f"workers: {workers} is below 1")
    rows = _rows(responses, golds, options)
    work = _Work(rows, _How(kind, rel_tol), on_progress or (lambda done: None))
    if workers == 1:
        work.here(range(len(rows)), None)
    elif workers or not work.small():
        work.out(workers or _cores())
    work.progress(len(rows))
    return [verdict for verdict in work.verdicts if verdict is not None]


def _rows(
    responses: Iterable[Any], golds: Iterable[Any], options: Iterable[Any] | None
) -> list[Row]:
    columns: dict[str, list[Any]] = {}
    given = {"responses": responses, "golds": golds, "options": options}
    for name, column in given.items():
        if column is None and name == "options":
            continue
        if isinstance(column, str | bytes) or not isinstance(column, Iterable):
            raise ConfigError(f"{name}: one per response expected, got a {type(column).__name__}")
        columns[name] = list(column)
    columns.setdefault("options", [None] * len(columns["responses"]))
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise ConfigError(f"one gold, and one list of options if any, per response: got {counts}")
    return list(zip(*columns.values(), strict=True))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Work:
    """Rows and their verdicts, None where there is none yet."""

    def __init__(self, rows: list[Row], how: _How, progress: Progress) -> None:
        self.rows, self.how, self.progress = rows, how, progress
        self.verdicts: list[Verdict | None] = [None] * len(rows)
        self.done = 0

    def here(self, indices: Iterable[int], seconds: float | None) -> None:
        """Check rows in this process, as many as fit into the seconds."""
        until = None if seconds is None else time.monotonic() + seconds
        for index in indices:
            self.put(index, self.how.check(self.rows[index]))
            if self.done % CHUNK_ROWS == 0:
                self.progress(self.done)
            if until is not None and time.monotonic() > until:
                return

    def put(self, index: int, verdict: Verdict) -> None:
        """Set the verdict of a row."""
        self.verdicts[index] = verdict
        self.done += 1

    def small(self) -> bool:
        """Begin in this process, and stay where that is quicker than to start workers."""
        began = time.monotonic()
        self.here(range(len(self.rows)), FIRST_SECONDS)
        spent, left = time.monotonic() - began, len(self.rows) - self.done
        if left and not _worth(left, spent / self.done, _cores()):
            self.here(range(self.done, len(self.rows)), None)
        return self.done == len(self.rows)

    def out(self, count: int) -> None:
        """Check the other rows in workers, and here what cannot be sent or where none starts."""
        left = [index for index, verdict in enumerate(self.verdicts) if verdict is None]
        far = [index for index in left if all(map(_portable, self.rows[index]))]
        near = set(left).difference(far)
        self.here(sorted(near), None)
        chunks = deque(_chunks(self.rows, far, count))
        fan = _Fan(self, chunks, min(count, len(chunks)))
        try:
            fan.run()
        finally:
            fan.close()
        self.here((index for chunk in chunks for index in list(chunk)), None)


def _worth(rows: int, row_seconds: float, cores: int) -> bool:
    """Whether workers on all cores would be done sooner than this process."""
    there = START_SECONDS + rows * (SEND_SECONDS + row_seconds * WORKER_SLOWDOWN / cores)
    return there < rows * row_seconds


def _portable(value: Any) -> bool:
    """Whether a value arrives in a worker as what it is; numbers of numpy would not."""
    if type(value) in (list, tuple):
        return all(type(one) in _PLAIN and _portable(one) for one in value)
    if type(value) is int:
        return value.bit_length() < _MAX_BITS
    return type(value) in _PLAIN


def _chunks(rows: list[Row], indices: list[int], count: int) -> Iterable[list[int]]:
    most = max(1, min(CHUNK_ROWS, len(indices) // (4 * count)))
    chunk: list[int] = []
    chars = 0
    for index in indices:
        chunk.append(index)
        chars += len(rows[index][0]) if isinstance(rows[index][0], str) else 0
        if len(chunk) >= most or chars >= CHUNK_CHARS:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk


class _Fan:
    """Workers and the chunk each of them is at."""

    def __init__(self, work: _Work, chunks: deque[list[int]], count: int) -> None:
        self.work, self.chunks = work, chunks
        self.idle: list[Worker] = []
        self.busy: dict[int, tuple[Worker, list[int], float]] = {}
        self.poll = select.poll()
        for _ in range(count):
            self._start()

    def _start(self) -> None:
        # A process that may not start others checks the rows itself.
        with suppress(OSError, RuntimeError):
            self.idle.append(Worker(_SERVICE))

    def run(self) -> None:
        """Until no chunk is left, or no worker that could take one."""
        while self.busy or (self.chunks and self.idle):
            while self.chunks and self.idle:
                self._give(self.idle.pop(), self.chunks.popleft())
            for worker in self._ready():
                self._collect(worker)
                self.work.progress(self.work.done)

    def _give(self, worker: Worker, chunk: list[int]) -> None:
        rows = [self.work.rows[index] for index in chunk]
        how = self.work.how
        try:
            worker.send([how.kind, how.rel_tol, rows], ROW_SECONDS)
        except Failed:
            # It never started, or somebody ended it while it waited: the others go on without it.
            worker.close()
            self.chunks.appendleft(chunk)
            return
        descriptor = worker.lines.reading
        self.busy[descriptor] = (worker, chunk, time.monotonic() + ROW_SECONDS + GRACE_SECONDS)
        self.poll.register(descriptor, select.POLLIN)

    def _ready(self) -> list[int]:
        if not self.busy:
            return []
        ends = min(deadline for _, _, deadline in self.busy.values())
        ready = self.poll.poll(max(ends - time.monotonic(), 0) * 1000)
        late = [one for one, (_, _, deadline) in self.busy.items() if deadline < time.monotonic()]
        return list({*(descriptor for descriptor, _ in ready), *late})

    def _collect(self, descriptor: int) -> None:
        worker, chunk, _ = self.busy.pop(descriptor)
        self.poll.unregister(descriptor)
        try:
            verdicts = [Verdict(*values) for values in worker.reply(0)]
        except Failed as failed:
            self._failed(chunk, failed)
            if isinstance(failed, Gone):
                self._start()
                return
        else:
            for index, verdict in zip(chunk, verdicts, strict=False):
                self.work.put(index, verdict)
            if len(verdicts) < len(chunk):
                self.chunks.appendleft(chunk[len(verdicts) :])
        self.idle.append(worker)

    def _failed(self, chunk: list[int], failed: Failed) -> None:
        if len(chunk) > 1:
            self.chunks.extendleft([index] for index in reversed(chunk))
            return
        status: Status = "timeout" if failed.failure == "timeout" else "error"
        self.work.put(chunk[0], Verdict(status, None, reason=_DIED[failed.failure]))

    def close(self) -> None:
        """End all workers."""
        workers = [*self.idle, *(worker for worker, _, _ in self.busy.values())]
        for worker in workers:
            worker.abandon()
        for worker in workers:
            worker.close()


def answer(request: list[Any] | None) -> list[tuple[Any, ...]]:
    """The service of a worker: the verdicts of all rows, or of the first if they take long."""
    kind, rel_tol, rows = request or ["auto", 0.0, [("#### 2", "2", None)]]
    how, until = _How(kind, rel_tol), time.monotonic() + CHUNK_SECONDS
    verdicts = []
    for row in rows:
        verdicts.append(_values(how.check(row)))
        if time.monotonic() > until:
            break
    return verdicts
