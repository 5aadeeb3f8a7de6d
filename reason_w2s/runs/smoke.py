"""Around a smoke run: an empty folder, a profile that tiny models fit, no response that failed."""

from __future__ import annotations

import shutil
from pathlib import Path

from reason_w2s.errors import DataError
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Run
from reason_w2s.train import like


def start_over(folder: Path) -> Path:
    """The run's place in `folder`, emptied with the store beside it.

    What was there before does not count: files, packages and profiles change, and a smoke run that
    passes has run.
    """
    for name in ("run", "store"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return folder / "run"


def fitting(profile: Profile) -> Profile:
    """The profile with no model cut into more pieces than a tiny one has heads."""
    size = min(profile.engine.tensor_parallel_size, like.HEADS)
    pieces = {"tensor_parallel_size": size, "pipeline_parallel_size": 1, "sizes": ()}
    engine = profile.engine.model_copy(update=pieces)
    return profile.model_copy(update={"engine": engine})


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
