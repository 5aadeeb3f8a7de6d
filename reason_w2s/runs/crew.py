"""The worker processes of a run, or of several one after another: who is idle, who may start."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError
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

    def take(
        self, place: Place, model: str, working: int, logs: Path, devices: str = ""
    ) -> Worker | None:
        """A worker that is idle, one that has the model open if there is such, or a new one; None
        where as many steps as may are `working`. It writes its log in `logs`, sees `devices`."""
        if working >= getattr(self.profile.workers, place):
            return None
        self.idle[place] = [one for one in self.idle[place] if one.alive]
        idle = [one for one in self.idle[place] if one.devices == devices]
        worker = next((one for one in idle if self.last_model.get(one) == model), None)
        worker = worker or (idle[0] if idle else None)
        if worker is None:
            self._make_room(place, devices)
            worker = self._start(place, logs, devices)
        else:
            self.idle[place].remove(worker)
            worker.log = logs / worker.log.name
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

    def _make_room(self, place: Place, devices: str) -> None:
        """End idle ones that hold memory of these GPUs."""
        wanted = set(devices.split(","))
        for one in list(self.idle[place]):
            apart = one.devices and devices and not wanted & set(one.devices.split(","))
            if one.devices != devices and not apart:
                self.idle[place].remove(one)
                one.stop()

    def _start(self, place: Place, logs: Path, devices: str) -> Worker:
        self.count += 1
        name = f"{place}-{self.count}"
        worker = Worker(name, logs / f"{name}.log", self.profile.environment, devices)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: Worker) -> None:
        while True:
            event = worker.event()
            self.events.put((worker, event))
            if event["event"] == "died":
                return


def devices_of(settings: EngineSettings, profile: Profile) -> list[str]:
    """The GPUs of each of the engines that work together, as CUDA_VISIBLE_DEVICES lists them; ""
    where all are seen: for one engine, and where there are none.

    Raises:
        ConfigError: fewer are lent than the engines take.
    """
    count, each = settings.replicas, settings.gpus
    known = {**os.environ, **profile.environment}.get("CUDA_VISIBLE_DEVICES")
    if count == 1 or known == "":
        return [""] * count
    lent = [str(one) for one in range(count * each)] if known is None else known.split(",")
    if len(lent) < count * each:
        raise ConfigError(
            f"engine.replicas: {count} engines of {each} GPUs each take {count * each}, and "
            f"CUDA_VISIBLE_DEVICES lends {len(lent)} ({known}); ask for more, or set fewer replicas"
        )
    return [",".join(lent[at * each : (at + 1) * each]) for at in range(count)]
