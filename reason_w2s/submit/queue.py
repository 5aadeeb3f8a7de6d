"""Slurm's own commands: handing a job in, and asking what of it is still there."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from reason_w2s.errors import ConfigError, EngineError

TIMEOUT_S = 60.0


def hand_in(script: Path, after: Sequence[str]) -> str:
    """Hand a script to sbatch; the job's number.

    Raises:
        ConfigError: there is no sbatch, or it refuses the job.
        EngineError: Slurm does not answer.
    """
    dependency = [f"--dependency=afterok:{':'.join(after)}"] if after else []
    said = _asked(["sbatch", "--parsable", *dependency, str(script)])
    return said.strip().split(";")[0]


def waiting(numbers: Sequence[str]) -> list[str]:
    """Those of the jobs that have not ended yet.

    Raises:
        EngineError: Slurm does not answer.
    """
    # asked for all of one's own: a number that Slurm has forgotten would be an error
    said = _asked(["squeue", "--me", "--noheader", "--array", "--format=%F"])
    there = set(said.split())
    return [number for number in numbers if number in there]


def _asked(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        raise ConfigError(
            f"{command[0]}: not found: this machine hands no jobs to Slurm; --dry-run writes the "
            "scripts without it"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{command[0]}: no answer in {TIMEOUT_S:.0f} s; try again") from error
    if done.returncode:
        said = " ".join(done.stderr.split())[-400:]
        kind = EngineError if "nable to contact" in said else ConfigError
        raise kind(f"{' '.join(command)}: {said or f'exit code {done.returncode}'}")
    return done.stdout
