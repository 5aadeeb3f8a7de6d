"""`submit`: write the scripts of a recipe's jobs, and hand them to Slurm in order."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reason_w2s.doctor.command import Asked, open_case
from reason_w2s.errors import ConfigError, W2SError
from reason_w2s.recipe.load import Loaded
from reason_w2s.recipe.rules import check_batches
from reason_w2s.runs.selection import Selection, chosen
from reason_w2s.runs.slurm import SlurmSettings
from reason_w2s.submit import graph, queue, record
from reason_w2s.submit.job import Job, file_name
from reason_w2s.submit.script import Place, script
from reason_w2s.submit.size import sized


@dataclass(frozen=True, slots=True)
class Submission:
    """The jobs of a recipe and their scripts, in the order they are handed in."""

    jobs: tuple[Job, ...]
    scripts: tuple[Path, ...]
    folder: Path
    left_out: int


def prepare(asked: Asked, base: Path, arguments: Sequence[str], until: Sequence[str]) -> Submission:
    """Work out the jobs and write their scripts. base: the run's folder, or a sweep's.

    arguments: those of `reason-w2s run` that name the recipe, the run and the profile.

    Raises:
        ConfigError: the profile says nothing of Slurm, or a mistake in the recipe.
    """
    slurm = asked.profile.slurm
    if slurm is None:
        raise ConfigError(
            f"{asked.on}: has no `slurm:` section, so what a job may ask for is not known; add "
            'one, such as slurm: {time: "24:00:00", cpus: 8, memory_gib: 64}'
        )
    cells = [_cell(asked, one, slurm, until) for one in asked.cells()]
    jobs = graph.jobs(cells)
    folder = record.place(base)
    place = Place(base.name, Path.cwd(), folder, sys.executable, arguments)
    scripts = _write(jobs, place, slurm)
    return Submission(tuple(jobs), tuple(scripts), folder, sum(len(one.made) for one in cells))


def _cell(asked: Asked, one: Loaded, slurm: SlurmSettings, until: Sequence[str]) -> graph.Cell:
    case = open_case(asked, one)
    wanted, _ = chosen(one.plan, Selection(until=tuple(until)))
    check_batches(one.plan, wanted, asked.profile.train)
    made = frozenset(wanted & case.store.made.keys())
    return graph.Cell(
        one.label, one.plan, frozenset(wanted), made, lambda step: sized(case, step, slurm)
    )


def _write(jobs: Sequence[Job], place: Place, slurm: SlurmSettings) -> Iterator[Path]:
    """One script after another, in place of those of an earlier call: sbatch has its own copies."""
    for path in place.scripts.glob("*.sh"):
        path.unlink()
    for number, job in enumerate(jobs):
        path = place.scripts / file_name(number, job, len(jobs))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script(job, path.stem, place, slurm), encoding="utf-8")
        path.chmod(0o755)
        yield path


def hand_in(submission: Submission) -> Iterator[str]:
    """Hand all jobs to Slurm; a line for each.

    Raises:
        ConfigError: jobs of an earlier submission are not done yet, or sbatch refuses one.
        EngineError: Slurm does not answer.
    """
    _refuse_twice(submission.folder)
    numbers: list[str] = []
    try:
        for job, path in zip(submission.jobs, submission.scripts, strict=True):
            numbers.append(queue.hand_in(path, [numbers[one] for one in job.after]))
            yield f"{numbers[-1]:<10} {path}"
    except W2SError as error:
        if not numbers:
            raise
        listed = " ".join(numbers)
        told = f"{len(numbers)} jobs before it are handed in; end them with: scancel {listed}"
        raise type(error)(f"{error}; {told}") from error
    finally:
        if numbers:
            record.write(submission.folder, submission.jobs, numbers)


def _refuse_twice(folder: Path) -> None:
    handed = record.last(folder)
    left = queue.waiting([one["id"] for one in handed["jobs"]]) if handed else []
    if left:
        raise ConfigError(
            f"{folder}: of the jobs of this run {len(left)} wait or run already; let them end, or "
            f"end them: scancel {' '.join(left)}"
        )


def order(submission: Submission) -> Iterator[str]:
    """The calls of sbatch, with a variable for each job's number."""
    for number, (job, path) in enumerate(zip(submission.jobs, submission.scripts, strict=True)):
        after = ":".join(f"$job{one + 1}" for one in job.after)
        dependency = f" --dependency=afterok:{after}" if after else ""
        yield f"job{number + 1}=$(sbatch --parsable{dependency} {shlex.quote(str(path))})"


def about(submission: Submission) -> str:
    """One line on all of it."""
    jobs = submission.jobs
    if not jobs:
        return "nothing to submit: every step is made already"
    parts = sum(job.parts for job in jobs)
    arrays = f", {parts} with all parts of arrays" if parts > len(jobs) else ""
    out = f"; {submission.left_out} steps are made already" if submission.left_out else ""
    return f"{len(jobs)} job{'s' * (len(jobs) > 1)}{arrays}{out}"
