"""Checkpoints inside a training step: when to write one, which are whole, and whose they are.

transformers writes a checkpoint's files one after another; a killed run leaves one half written.
A file of our own, written last, marks the whole ones; only those are resumed from.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.train.config import Progress, TrainProfile

if TYPE_CHECKING:
    from transformers import TrainerCallback

log = logging.getLogger(__name__)

WHOLE = "whole.json"
OWNER = "job.json"
PER_RUN = 10
LONG_S = 60.0


def digest(*parts: Any) -> str:
    """A digest of anything JSON can hold: what a checkpoint must match to be resumed from."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def is_of(work: Path, job: str) -> bool:
    """Whether `work` belongs to this very job."""
    owner = work / OWNER
    return owner.is_file() and owner.read_text(encoding="utf-8") == job


def latest(work: Path, job: str) -> Path | None:
    """The newest whole checkpoint of this very job in `work`; half-written ones are removed.

    Checkpoints of another job (other data, settings or seed) are removed as well: continuing from
    them would give a curve that belongs to neither.
    """
    work.mkdir(parents=True, exist_ok=True)
    same = is_of(work, job)
    found = sorted(work.glob("checkpoint-*"), key=_updates)
    whole = [path for path in found if same and (path / WHOLE).is_file()]
    for path in found:
        if path not in whole:
            log.warning("%s: not a whole checkpoint of this run; removed", path)
            shutil.rmtree(path)
    (work / OWNER).write_text(job, encoding="utf-8")
    return whole[-1] if whole else None


def saver(profile: TrainProfile, progress: Progress, between: int = 1) -> TrainerCallback:
    """The callback that asks for checkpoints, marks the whole ones and reports progress.

    With `save_updates`, one every so many updates. Without, at most ten per run; on one process
    none before a minute has passed since the last, so short runs write none. (Several processes
    must agree without talking, so there the clock is not asked.)

    between: updates from one sampling to the next; what was sampled is in no checkpoint, so those
    are written just before the next.
    """
    from transformers import TrainerCallback

    class Saver(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.saved_at = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            done, total = state.global_step, state.max_steps
            if state.is_world_process_zero:
                progress(done, total)
            every = -(-(profile.save_updates or -(-total // PER_RUN)) // between) * between
            due = done % every == 0 and done < total
            long = time.monotonic() - self.saved_at >= LONG_S
            if due and (profile.save_updates or profile.processes > 1 or long):
                control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved_at = time.monotonic()
            _wait_for_all()
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            if state.is_world_process_zero:
                mark = json.dumps({"updates": state.global_step})
                (folder / WHOLE).write_text(mark, encoding="utf-8")

    return Saver()


def _wait_for_all() -> None:
    """A checkpoint is whole when every process has written its share."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


def _updates(path: Path) -> int:
    number = path.name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1
