"""Checkpoints inside a training step: when to write one, which are whole, and whose they are.

A training that is told to end writes one at the next update.

transformers writes a checkpoint's files one after another; a killed run leaves one half written.
A file of our own, written last, marks the whole ones and says what their files were; only those
that still are that are resumed from.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from reason_w2s.engines.seal import broken, seal
from reason_w2s.processes import TOLD, Stopped, told
from reason_w2s.train.config import Progress, TrainProfile

if TYPE_CHECKING:
    from transformers import TrainerCallback

log = logging.getLogger(__name__)

WHOLE = "whole.json"
OWNER = "job.json"
STOP = "stop"
"""A file in the work folder that tells the processes of a training to end."""
DAMAGED = "damaged"
"""The folder in a step's work folder that damaged checkpoints are moved into."""
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
    them would give a curve that belongs to neither. One that is not what was written is moved into
    `work/damaged`, and the one before it is taken.
    """
    work.mkdir(parents=True, exist_ok=True)
    same = is_of(work, job)
    found = sorted(work.glob("checkpoint-*"), key=_updates)
    whole = [path for path in found if same and (path / WHOLE).is_file()]
    for path in found:
        if path not in whole:
            log.warning("%s: not a whole checkpoint of this run; removed", path)
            shutil.rmtree(path)
    if not same:
        _write(work / OWNER, job)
    return next((path for path in reversed(whole) if _is_sound(path)), None)


def _is_sound(path: Path) -> bool:
    """Whether a checkpoint is what was written; one that is not is moved away."""
    try:
        files = json.loads((path / WHOLE).read_text(encoding="utf-8")).get("files", {})
        why = broken(path, files, content=True)
    except ValueError:
        why = f"{WHOLE} is no JSON"
    if why is None:
        return True
    place = path.parent / DAMAGED
    place.mkdir(exist_ok=True)
    log.warning("%s: damaged (%s); moved to %s", path, why, place)
    path.rename(place / f"{path.name}.{1 + len(list(place.iterdir()))}")
    return False


def damaged(work: Path) -> list[str]:
    """The checkpoints of a step that were found damaged, by name."""
    return sorted(path.name.partition(".")[0] for path in (work / DAMAGED).glob("*"))


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a run may be killed here too."""
    aside = path.with_name(f".{path.name}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


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
            self.stopped = False

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if _all_told(args):
                stop()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            done, total = state.global_step, state.max_steps
            if state.is_world_process_zero:
                progress(done, total)
            every = -(-(profile.save_updates or -(-total // PER_RUN)) // between) * between
            due = done % every == 0 and done < total
            long = time.monotonic() - self.saved_at >= LONG_S
            if due and (profile.save_updates or profile.processes > 1 or long):
                control.should_save = True
            if _all_told(args) and done % between == 0 and done < total:
                control.should_save = control.should_training_stop = self.stopped = True
            # what was summed up since the last entry of the log is in no checkpoint
            control.should_log = control.should_log or control.should_save

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.stopped:
                stop()

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved_at = time.monotonic()
            _wait_for_all()
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            if state.is_world_process_zero:
                mark = {"updates": state.global_step, "files": seal(folder)}
                _write(folder / WHOLE, json.dumps(mark))

    return Saver()


def stop() -> NoReturn:
    """End a training before its last update: what it has is in a checkpoint."""
    raise Stopped(TOLD[0])


def _all_told(args: Any) -> bool:
    """Whether any process of a training was told to end; they all come to the same answer."""
    import torch

    heard = told() or (Path(args.output_dir) / STOP).exists()
    if not _several():
        return heard
    flag = torch.tensor(int(heard), device=args.device)
    torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
    return bool(flag.item())


def _wait_for_all() -> None:
    """A checkpoint is whole when every process has written its share."""
    import torch

    if _several():
        torch.distributed.barrier()


def _several() -> bool:
    import torch

    return bool(torch.distributed.is_available() and torch.distributed.is_initialized())


def _updates(path: Path) -> int:
    number = path.name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1
