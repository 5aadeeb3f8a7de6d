"""What was handed to Slurm for a run, kept beside its scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reason_w2s.runs.store import read_json, write_json
from reason_w2s.submit.job import Job

FOLDER = "jobs"
FILE = "jobs.json"


def place(run: Path) -> Path:
    """The folder of a run's scripts, logs and record."""
    return run / FOLDER


def write(folder: Path, jobs: Sequence[Job], numbers: Sequence[str]) -> None:
    """Add to the record what was handed in now: the first jobs of the list, by their numbers."""
    path = folder / FILE
    earlier = read_json(path) if path.is_file() else []
    handed = [
        {"id": number, "name": job.name, "cell": job.cell, "steps": list(job.steps)}
        | {"parts": job.parts, "after": [numbers[one] for one in job.after]}
        for job, number in zip(jobs, numbers, strict=False)
    ]
    at = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(path, [*earlier, {"at": at, "jobs": handed}])


def last(folder: Path) -> Mapping[str, Any] | None:
    """What was handed in last; None: nothing ever was."""
    path = folder / FILE
    known = read_json(path) if path.is_file() else []
    return known[-1] if known else None


def said(run: Path) -> Iterator[str]:
    """Lines on what was handed in for a run; none where nothing was."""
    handed = last(place(run))
    if handed is None:
        return
    yield f"submitted {handed['at']}: {len(handed['jobs'])} jobs; logs are in {place(run)}"
    for one in handed["jobs"]:
        of = f" ({one['parts']} parts)" if one["parts"] > 1 else ""
        after = f"  after {', '.join(one['after'])}" if one["after"] else ""
        cell = f"{one['cell']}: " if one["cell"] else ""
        yield f"  {one['id']:<10} {cell}{one['name']}{of}{after}"
    numbers = [one["id"] for one in handed["jobs"]]
    yield f"  what waits or runs: squeue --jobs={','.join(numbers)}"
    yield f"  to end it: scancel {' '.join(numbers)}"
