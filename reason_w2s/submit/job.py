"""One Slurm job: the steps it does, what it waits for, and what it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reason_w2s.runs.slurm import JobKind

_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Job:
    """Steps of a run that are done in one place.

    cell: the place in the sweep of the run it belongs to; "" where nothing is swept. steps: in
    order; none: all that is left, which is to report a sweep. after: jobs, by their places in the
    list, that must have ended well. parts: of the array that draws a sample step. gpus: of each
    node.
    """

    name: str
    steps: tuple[str, ...]
    kind: JobKind
    cell: str = ""
    after: tuple[int, ...] = ()
    parts: int = 1
    nodes: int = 1
    gpus: int = 0


def file_name(number: int, job: Job, count: int) -> str:
    """The name of a job's script: its place in the order, and what it does."""
    digits = len(str(count))
    told = "-".join(part for part in (job.cell, job.name) if part)
    return f"{number + 1:0{digits}d}-{_ODD.sub('-', told)}.sh"
