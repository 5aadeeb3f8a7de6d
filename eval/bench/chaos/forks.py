"""A process that has imported everything and gives a copy of itself to each cheap trial.

Started as `python forks.py`, it reads a line of JSON per request: {"run": arguments, "folder": ...,
"said": file, "environment": ...} is answered by the process id of a new group in which the command
line runs, {"poll": id} by its exit code or null. The commands are the real ones; only their imports
were done before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Forks:
    """The parent's end of such a process."""

    def __init__(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request: Any) -> Any:
        """Its answer to a request."""
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        return json.loads(self.server.stdout.readline())


class Fork:
    """A command in a copy of the process: so much of `subprocess.Popen` as trials use."""

    def __init__(
        self, forks: Forks, arguments: list[str], folder: Path, said: Path, own: Mapping[str, str]
    ) -> None:
        self.forks = forks
        given = {"folder": str(folder), "said": str(said), "environment": dict(own)}
        self.pid: int = forks.ask(run=arguments, **given)
        self.code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        if self.code is None:
            self.code = self.forks.ask(poll=self.pid)
        return self.code

    def wait(self, timeout: float = 60.0) -> int:
        """Its exit code.

        Raises:
            subprocess.TimeoutExpired: it takes longer.
        """
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a trial", timeout)
            time.sleep(0.002)
        return code


def serve() -> None:
    """Answer requests until there are no more."""
    from reason_w2s import cli
    from reason_w2s.recipe import load
    from reason_w2s.runs import run

    assert cli and load and run
    codes: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        answer = codes.get(request["poll"]) if "poll" in request else _fork(request)
        if "poll" in request and answer is None:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            if pid:
                answer = codes[pid] = os.waitstatus_to_exitcode(status)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _fork(request: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    file = os.open(request["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    code = 1
    try:
        _command(request["run"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _command(arguments: list[str]) -> None:
    import hooks

    from reason_w2s import cli

    hooks.MARKS = os.environ["CHAOS_MARKS"]
    hooks.hook()
    sys.argv = ["reason-w2s", "run", *arguments]
    cli.main()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    serve()
