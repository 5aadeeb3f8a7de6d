"""A worker process: reads work as JSON lines, does it, answers with events as JSON lines.

Events: {"event": "progress", done, total, unit}, {"event": "done"}, {"event": "stopped"},
{"event": "error", type, message, paths}. Everything that libraries print goes to the worker's log,
never into the protocol. A worker dies with its parent. Told to end, it keeps what it has and says
so.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from reason_w2s.errors import Damaged, W2SError, from_system
from reason_w2s.processes import TOLD, Stopped, die_with_parent, leave_nobody, listening, own_stdout
from reason_w2s.runs.makers import make
from reason_w2s.runs.open_engine import OpenEngine
from reason_w2s.runs.work import Work
from reason_w2s.visible import log_visibly

REPORT_EVERY_S = 0.5


class Worker:
    """The parent's end of one worker process.

    log: where it writes what the next work says. begun: it has made some of its present work.
    devices: the GPUs it sees, as CUDA_VISIBLE_DEVICES lists them; "": those its parent sees.
    """

    def __init__(
        self, name: str, log: Path, environment: Mapping[str, str], devices: str = ""
    ) -> None:
        self.name = name
        self.log = log
        self.devices = devices
        seen = {"CUDA_VISIBLE_DEVICES": devices} if devices else {}
        self.begun = False
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reason_w2s.runs.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env={**os.environ, **environment, **seen},
            )
        assert self.process.stdout is not None
        self.answers = self.process.stdout

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        return self.process.poll() is None

    def give(self, work: Work) -> None:
        """Hand it a step."""
        assert self.process.stdin is not None
        self.begun = False
        self.log.parent.mkdir(parents=True, exist_ok=True)
        told = {"log": str(self.log), **work.to_json()}
        # a worker that is gone says so by its last event
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write((json.dumps(told) + "\n").encode())
            self.process.stdin.flush()

    def event(self) -> dict[str, Any]:
        """Its next event; one of type "died" if the process is gone."""
        line = self.answers.readline()
        if not line.endswith(b"\n"):  # the end, or a line that a kill cut
            code = self.process.wait()
            return {"event": "died", "message": f"exit code {code}"}
        event: dict[str, Any] = json.loads(line)
        self.begun = self.begun or event["event"] == "progress"
        return event

    def tell(self) -> None:
        """Tell it to keep what it has of its work, and to do no more."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Let it end; kill it if it does not."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class _Reporter:
    """Sends progress, at most twice a second."""

    def __init__(self, out: IO[str]) -> None:
        self.out = out
        self.last = 0.0

    def send(self, event: dict[str, Any]) -> None:
        self.out.write(json.dumps(event) + "\n")
        self.out.flush()

    def progress(self, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if now - self.last >= REPORT_EVERY_S or done >= total:
            self.last = now
            self.send({"event": "progress", "done": done, "total": total, "unit": unit})


def serve(lines: IO[str], out: IO[str]) -> None:
    """Do one piece of work per line until there are no more."""
    engines, reporter = OpenEngine(), _Reporter(out)
    for line in lines:
        told = json.loads(line)
        _log_to(told["log"])
        work = Work.from_json(told, reporter.progress, engines)
        logging.info("step %s (%s)", work.step.name, work.step.stage)
        try:
            make(work)
        except W2SError as error:
            logging.exception("step %s failed", work.step.name)
            reporter.send(_failure(error))
        except Exception as error:  # the parent must hear of every failure, whatever its kind
            logging.error("step %s failed\n%s", work.step.name, traceback.format_exc())
            reporter.send(_failure(error))
        except Stopped:
            logging.info("step %s was stopped", work.step.name)
            reporter.send({"event": "stopped"})
        else:
            reporter.send({"event": "done"})
    engines.close()


def _log_to(path: str) -> None:
    """What is printed from here on goes to this file: a worker outlives the run it began with."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)


def _failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, OSError) and not isinstance(error, W2SError):
        error = from_system(error)
    paths = [str(path) for path in error.paths] if isinstance(error, Damaged) else []
    said = {"type": type(error).__name__, "message": str(error), "paths": paths}
    return {"event": "error", **said}


def main() -> None:
    """Entry point of the worker process."""
    die_with_parent()
    leave_nobody()
    # the terminal sends Ctrl-C to the whole group; the parent decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = own_stdout()
    log_visibly(logging.INFO, "%(asctime)s %(name)s %(message)s")
    # the scheduler may tell every process, and the parent tells it again
    with contextlib.suppress(Stopped), listening(*TOLD, twice=False):
        serve(sys.stdin, out)


if __name__ == "__main__":
    main()
