"""Loaded by the processes of a trial: marks what they do in a file, and slows cheap things down.

Nothing of what is tried is changed but for its pace: a fake response takes CHAOS_SLEEP seconds, a
file CHAOS_SYNC more between being written and being renamed, and a part holds CHAOS_PART traces.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

MARKS = os.environ.get("CHAOS_MARKS", "")


def mark(what: str) -> None:
    """A line: time, process, what."""
    line = f"{time.monotonic():.4f} {os.getpid()} {what}\n".encode()
    file = os.open(MARKS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, line)
    os.close(file)


def hook() -> None:
    """Put marks around steps and responses, and pauses into what takes no time."""
    from dataclasses import replace

    from reason_w2s.engines import fake
    from reason_w2s.runs import makers
    from reason_w2s.runs.makers import samples

    make, sample, complete, fsync = makers.make, samples.sample, fake._complete, os.fsync
    samples.PART = int(os.environ["CHAOS_PART"])
    pause, sync = float(os.environ["CHAOS_SLEEP"]), float(os.environ["CHAOS_SYNC"])

    def marked_make(work: Any) -> None:
        def report(done: int, total: int, unit: str) -> None:
            mark(f"progress {work.step.name} {done} {total}")
            work.report(done, total, unit)

        mark(f"begin {work.step.name}")
        make(replace(work, report=report))
        mark(f"end {work.step.name}")

    def marked_sample(*arguments: Any, **keywords: Any) -> Iterator[Any]:
        mark("sampling")
        for trace in sample(*arguments, **keywords):
            mark(f"drawn {trace.key}")
            yield trace

    def slow_complete(*arguments: Any) -> Any:
        time.sleep(pause)
        return complete(*arguments)

    def slow_fsync(file: int) -> None:
        fsync(file)
        time.sleep(sync)

    makers.make, samples.sample, fake._complete = marked_make, marked_sample, slow_complete
    os.fsync = slow_fsync
    if "reason_w2s.runs.execute" in sys.modules:  # imported before: it has the name already
        sys.modules["reason_w2s.runs.execute"].make = marked_make  # type: ignore[attr-defined]


if MARKS and any(name in sys.orig_argv for name in ("reason_w2s.cli", "reason_w2s.runs.worker")):
    hook()
