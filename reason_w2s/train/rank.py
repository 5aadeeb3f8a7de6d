"""One of the processes that `accelerate launch` starts: `python -m reason_w2s.train.rank TASK`.

The first one prints a line of JSON per update and leaves its statistics, or the error it met, in
the step's work folder.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO

from reason_w2s.errors import W2SError, require
from reason_w2s.processes import die_with_parent, leave, own_stdout
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
        stats = fit(task, rows, lambda done, total: _tell(out, done, total))
    except W2SError as error:
        if first:
            said = {"error": type(error).__name__, "message": str(error)}
            result.write_text(json.dumps(said), encoding="utf-8")
        raise
    if first:
        result.write_text(json.dumps(asdict(stats)), encoding="utf-8")
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
