"""What a profile says to Slurm: what the jobs of a recipe ask for, and how they are kept going."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

JobKind = Literal["cpu", "engine", "torch"]
"""What a job's steps need: no device, an engine that samples, or torch."""

OURS = {
    *("array", "chdir", "dependency", "error", "gres", "job-name", "kill-on-invalid-dep"),
    *("nodes", "ntasks", "ntasks-per-node", "open-mode", "output", "parsable", "requeue"),
    *("signal", "wrap"),
}
"""Options of sbatch that `submit` gives; a second one would undo it."""
NAMED = {"time": "time", "cpus-per-task": "cpus", "mem": "memory_gib"}
"""Options that have a key of their own here."""


class Needs(BaseModel):
    """What a job asks for; None: what the cluster gives by itself.

    time: as Slurm writes it ("12:00:00", "2-00:00:00"), or minutes. cpus: of each node.
    memory_gib: of each node. extra: any other option of sbatch by its long name, such as
    {partition: gpu, account: ours}; true gives it without a value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: str | int | None = None
    cpus: int | None = Field(None, ge=1)
    memory_gib: int | None = Field(None, ge=1)
    extra: dict[str, str | int | bool] = Field(default_factory=dict)

    @field_validator("time")
    @classmethod
    def _a_time(cls, value: str | int | None) -> str | int | None:
        if isinstance(value, str) and not re.fullmatch(r"(\d+-)?\d+(:\d+){0,2}", value):
            raise ValueError("expected a time such as 12:00:00 or 2-00:00:00, or minutes")
        return value

    @field_validator("extra")
    @classmethod
    def _not_ours(cls, value: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
        named = {name.lstrip("-").replace("_", "-"): told for name, told in value.items()}
        for name, told in named.items():
            if name in NAMED:
                raise ValueError(f"'{name}' has a key of its own here: {NAMED[name]}")
            if name in OURS:
                raise ValueError(f"'{name}' is for submit to give; leave it out")
            if not re.fullmatch(r"[a-z][a-z-]*", name) or "\n" in str(told):
                raise ValueError(f"'{name}' is no option of sbatch on one line")
        return named


class SlurmSettings(Needs):
    """The jobs of a recipe. What stands here holds for all; `cpu`, `engine` and `torch` say what
    differs for jobs without a device, for those that sample, and for those that train or score.

    GPUs and nodes are not said here: they follow from `engine` and `train`. gpu_type: of which kind
    ("h100"). parts: jobs of the array that a sampling step becomes, at most; part_traces: one of
    them has at least so many to draw. at_once: array jobs that run at a time; None: all.
    requeues: how often a job that ended with "try again" is put back. grace_s: seconds before the
    time limit at which it is told to save; longer than an update and its checkpoint take. setup:
    lines of bash before anything else, such as "module load cuda".
    """

    gpu_type: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]+$")
    parts: int = Field(1, ge=1)
    part_traces: int = Field(1000, ge=1)
    at_once: int | None = Field(None, ge=1)
    requeues: int = Field(20, ge=0)
    grace_s: int = Field(300, ge=1, le=65535)
    setup: tuple[str, ...] = ()
    cpu: Needs = Needs()
    engine: Needs = Needs()
    torch: Needs = Needs()

    def needs(self, kind: JobKind) -> Needs:
        """What a job of a kind asks for."""
        own: Needs = getattr(self, kind)
        told = own.model_dump(exclude_none=True, exclude={"extra"})
        whole = {name: getattr(self, name) for name in ("time", "cpus", "memory_gib")}
        return Needs(**{**whole, **told}, extra={**self.extra, **own.extra})
