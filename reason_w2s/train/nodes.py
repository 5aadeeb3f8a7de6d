"""The nodes of a Slurm job, as a training step over several machines uses them.

Slurm's environment says which they are. The first one, where the job's script runs, is where the
processes of all find each other.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass

from reason_w2s.errors import ConfigError, EngineError

FIRST_PORT, PORTS = 20_000, 12_000
"""Below the range that Linux gives out by itself (from 32,768)."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where processes find each other. host: None: this machine. port: 0: any that is free."""

    host: str | None
    port: int


# a free port: two runs on one machine must not meet
HERE = Meeting(None, 0)


def check(machines: int) -> None:
    """Refuse several machines where Slurm does not lend as many.

    Raises:
        ConfigError: not in a job, or in one of another number of nodes.
    """
    lent = int(os.environ.get("SLURM_JOB_NUM_NODES", "0"))
    if machines > 1 and lent != machines:
        there = f"this one has {lent}" if lent else "this is none"
        raise ConfigError(
            f"train.machines: {machines} takes a Slurm job of {machines} nodes, and {there}; "
            "start it with: reason-w2s submit RECIPE --on PROFILE"
        )


def meeting(machines: int) -> Meeting:
    """Where the processes of so many machines find each other.

    Raises:
        ConfigError: Slurm does not lend so many.
        EngineError: Slurm does not say which they are.
    """
    check(machines)
    if machines == 1:
        return HERE
    port = FIRST_PORT + int(os.environ["SLURM_JOB_ID"]) % PORTS
    return Meeting(_first(os.environ["SLURM_JOB_NODELIST"]), port)


def on_each(machines: int, launcher: list[str], task: list[str]) -> list[str]:
    """The launcher of a task, started on each machine, which is told its number there."""
    line = f'exec {shlex.join(launcher)} --machine_rank "$SLURM_NODEID" {shlex.join(task)}'
    count = [f"--nodes={machines}", f"--ntasks={machines}", "--ntasks-per-node=1"]
    return ["srun", *count, *_cpus(), "--kill-on-bad-exit=1", "bash", "-c", line]


def _cpus() -> list[str]:
    """srun of Slurm 22.05 and later does not take this from the job by itself."""
    lent = os.environ.get("SLURM_CPUS_PER_TASK")
    return [f"--cpus-per-task={lent}"] if lent else []


def _first(nodes: str) -> str:
    """The first of the nodes that Slurm writes in short, `node[01-04]`."""
    try:
        said = subprocess.run(
            ["scontrol", "show", "hostnames", nodes], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(f"scontrol show hostnames {nodes}: {error}") from error
    return said.stdout.split()[0]
