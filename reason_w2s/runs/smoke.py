"""A smoke run's beginning and end: an empty folder, and no response that failed."""

from __future__ import annotations

import shutil
from pathlib import Path

from reason_w2s.errors import DataError
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_json


def start_over(folder: Path) -> Path:
    """The run's place in `folder`, which has a store of its own; one that passed is cleared.

    What passed once is tried again, for packages and profiles change; what stopped goes on.
    """
    run = folder / "run"
    manifest = run / "manifest.json"
    if manifest.is_file() and read_json(manifest)["complete"]:
        shutil.rmtree(folder)
    return run


def refuse_failed(run: Run) -> None:
    """A failed response is data to a run; to a smoke run it is what was looked for.

    Raises:
        DataError: some failed: which step, how many, and why the first did.
    """
    for name, item in run.items.items():
        failed = item.counts.get("finish", {}).get("error", 0)
        if failed and item.stage == "sample":
            texts = (row.trace.text for row in run.rows(name) if row.trace.finish_reason == "error")
            raise DataError(f"{name}: {failed} of its responses failed: {next(texts)}")
