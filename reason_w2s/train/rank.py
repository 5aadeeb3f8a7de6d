"""One of the processes that `accelerate launch` starts: `python -m reason_w2s.train.rank TASK`.

The first one prints a line of JSON per update and leaves its statistics, or the error it met, in
the step's work folder. Told to end, they leave a checkpoint and say that they stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO

from reason_w2s.errors import OutOfSpace, W2SError, require
from reason_w2s.processes import (
    TOLD,
    Stopped,
    die_with_parent,
    holding,
    leave,
    listening,
    own_stdout,
)
from reason_w2s.train.fit import fit
from reason_w2s.train.job import Task
from reason_w2s.train.launch import RESULT, ROWS


def main() -> None:
    """Entry point."""
    die_with_parent()
    out = own_stdout()
    task = Task.from_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if task.profile.device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    place = task.places.work / ROWS
    if not place.is_dir():
        sys.exit(
            f"error: {place}: no examples; the step is finished, or was never started by a run"
        )
    rows = require("datasets", "train").load_from_disk(str(place)).to_list()
    first = os.environ.get("RANK", "0") == "0"
    result = task.places.work / RESULT
    try:
        with listening(*TOLD, twice=False), holding():
            said = asdict(fit(task, rows, lambda done, total: _tell(out, done, total)))
            if first:
                result.write_text(json.dumps(said), encoding="utf-8")
    except (W2SError, Stopped) as error:
        said = {"error": type(error).__name__, "message": str(error)}
        full = isinstance(error, OutOfSpace)
        # any of them may find no room, also for this
        with contextlib.suppress(OSError):
            if full or (first and not result.is_file()):
                result.write_text(json.dumps(said), encoding="utf-8")
        if isinstance(error, W2SError):
            raise
    _part()
    out.flush()
    leave()


def _part() -> None:
    """Leave the group together: nobody ends while another still talks to it."""
    distributed = require("torch.distributed", "train")
    if distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def _tell(out: IO[str], done: int, total: int) -> None:
    out.write(json.dumps({"updates": done, "of": total}) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
