"""The script of a job, as sbatch takes it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reason_w2s.runs.slurm import Needs, SlurmSettings
from reason_w2s.submit.job import Job

TEMPLATE = "job.sh.j2"
PATIENCE_S = 60
"""How long a script that asked to be put back waits for it to happen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where jobs run. run: the run's name, which theirs begin with. folder: where sbatch was
    called. scripts: the folder of scripts and logs. python: the interpreter. arguments: those of
    `reason-w2s run`, but for the steps."""

    run: str
    folder: Path
    scripts: Path
    python: str
    arguments: Sequence[str]


def script(job: Job, stem: str, place: Place, slurm: SlurmSettings) -> str:
    """The bash script of a job. stem: of its file's name."""
    # bash is no HTML: what is put into the script is quoted by shlex
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return found.get_template(TEMPLATE).render(
        directives=[_quoted(line) for line in _asked(job, stem, place, slurm)],
        setup=slurm.setup,
        command=_command(job, place),
        requeues=slurm.requeues,
        patience_s=PATIENCE_S,
    )


def _quoted(option: str) -> str:
    return shlex.quote(option) if " " in option else option


def _asked(job: Job, stem: str, place: Place, slurm: SlurmSettings) -> Iterator[str]:
    """The options of sbatch, one a line."""
    number = "%A_%a" if job.parts > 1 else "%j"
    yield f"--job-name={'-'.join(one for one in (place.run, job.cell, job.name) if one)}"
    yield f"--chdir={place.folder}"
    yield f"--output={place.scripts / stem}-{number}.log"
    yield "--open-mode=append"
    yield "--requeue"
    yield f"--signal=B:USR1@{slurm.grace_s}"
    yield "--kill-on-invalid-dep=yes"
    yield f"--nodes={job.nodes}"
    yield "--ntasks-per-node=1"
    if job.gpus:
        kind = f"{slurm.gpu_type}:" if slurm.gpu_type else ""
        yield f"--gres=gpu:{kind}{job.gpus}"
    yield from _needed(slurm.needs(job.kind))
    if job.parts > 1:
        at_once = f"%{slurm.at_once}" if slurm.at_once else ""
        yield f"--array=1-{job.parts}{at_once}"


def _needed(needs: Needs) -> Iterator[str]:
    if needs.time is not None:
        yield f"--time={needs.time}"
    if needs.cpus is not None:
        yield f"--cpus-per-task={needs.cpus}"
    if needs.memory_gib is not None:
        yield f"--mem={needs.memory_gib}G"
    for name, value in needs.extra.items():
        if value is not False:
            yield f"--{name}" if value is True else f"--{name}={value}"


def _command(job: Job, place: Place) -> str:
    """`reason-w2s run` with the steps of the job, over several lines."""
    lines = [shlex.join([place.python, "-m", "reason_w2s.cli", "run", *place.arguments])]
    if job.cell:
        lines.append(shlex.join(["--cell", job.cell]))
    lines += [shlex.join(["--only", step]) for step in job.steps]
    if job.steps:
        lines.append("--job")
    if job.parts > 1:
        lines.append(f'--part "$SLURM_ARRAY_TASK_ID/{job.parts}"')
    return " \\\n  ".join(lines)
