"""The worker processes of a run, or of several one after another: who is idle, who may start."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from reason_w2s.runs.profile import Profile
from reason_w2s.runs.worker import Worker
from reason_w2s.stages.table import Place


class Crew:
    """Worker processes by kind. They start when needed and stay until `close`.

    events: what all of them say, each with its worker.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.events: queue.Queue[tuple[Worker, dict[str, Any]]] = queue.Queue()
        self.idle: dict[Place, list[Worker]] = {"engine": [], "torch": []}
        self.last_model: dict[Worker, str] = {}
        self.count = 0

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def take(self, place: Place, model: str, working: int, logs: Path) -> Worker | None:
        """A worker that is idle, one that has the model open if there is such, or a new one; None
        where as many as may already work. It writes its log in `logs`."""
        idle = self.idle[place] = [one for one in self.idle[place] if one.alive]
        worker = next((one for one in idle if self.last_model.get(one) == model), None)
        worker = worker or (idle[0] if idle else None)
        if worker is not None:
            idle.remove(worker)
            worker.log = logs / worker.log.name
        elif working < getattr(self.profile.workers, place):
            worker = self._start(place, logs)
        if worker is not None:
            self.last_model[worker] = model
        return worker

    def done(self, worker: Worker, place: Place) -> None:
        """A worker has done its work: with a process per step it ends, else it waits for more."""
        if self.profile.isolate == "step":
            worker.stop()
        else:
            self.idle[place].append(worker)

    def kill(self, workers: Sequence[Worker]) -> None:
        """End these at once: what they are doing is wanted no more."""
        for worker in workers:
            worker.process.kill()

    def close(self) -> None:
        """Let those that are idle end."""
        for workers in self.idle.values():
            for worker in workers:
                worker.stop()
            workers.clear()

    def _start(self, place: Place, logs: Path) -> Worker:
        self.count += 1
        name = f"{place}-{self.count}"
        worker = Worker(name, logs / f"{name}.log", self.profile.environment)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: Worker) -> None:
        while True:
            event = worker.event()
            self.events.put((worker, event))
            if event["event"] == "died":
                return
