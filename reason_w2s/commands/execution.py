"""Carrying out a plan from the command line, and showing what came of it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import typer

from reason_w2s.errors import W2SError


def default_name(recipe: str, seed: int | None) -> str:
    """A run's name where none is given: its recipe's, with a seed that was asked for."""
    return recipe if seed is None else f"{recipe}-seed{seed}"


def of_sweep(base: Path, label: str) -> Path:
    """The folder of one run of a sweep, which all share a store; the run's own without a sweep."""
    return base.with_name(f"{base.name}-{label}") if label else base


def profile_of(path: Path | None, engine: str | None) -> Any:
    """The profile file, or one for what this machine has; `--engine` goes before its sampler."""
    from reason_w2s.recipe.yaml_file import parse, read
    from reason_w2s.runs.profile import Profile

    data = read(path) if path is not None else _this_machine()
    if engine is not None:
        data = {**data, "sampler": engine}
    return parse(Profile, data, str(path or "--engine"))


def _this_machine() -> dict[str, Any]:
    """The profile of a machine that nobody described: with an NVIDIA GPU it is used."""
    if not devices("nvidia[0-9]*"):
        return {}
    return {"isolate": "step", "workers": {"total": 1}, "train": {"device": "cuda"}}


def smoke_run(plan: Any, data: Any, folder: Path, profile: Any, selection: Any) -> None:
    """Run the recipe made small, in a folder with a store of its own."""
    from reason_w2s.recipe.smoke import smoke
    from reason_w2s.runs.smoke import fitting, refuse_failed, start_over

    started = time.monotonic()
    small = smoke(plan, data, profile.train)
    typer.echo(f"{plan.name} --smoke: what is tried in place of what the recipe says", err=True)
    for line in small.replaced:
        typer.echo(f"  {line}", err=True)
    place = start_over(folder)
    finished = carry_out(small.plan, small.data, place, fitting(profile), selection, smoke=True)
    refuse_failed(finished)
    seconds = time.monotonic() - started
    typer.echo(f"smoke passed: {len(finished.items)} steps in {seconds:.0f} s")


def sweep(cells: list[Any], base: Path, profile: Any, selection: Any) -> None:
    """Run the cells of a sweep with the same workers, and report them together.

    Raises:
        W2SError: cells that failed, after all others were done.
    """
    from reason_w2s.runs.crew import Crew

    done: list[Any] = []
    failed: dict[str, W2SError] = {}
    with Crew(profile) as crew:
        for number, one in enumerate(cells, 1):
            typer.echo(f"{number} of {len(cells)}: {one.label}", err=True)
            folder = of_sweep(base, one.label)
            try:
                done.append(carry_out(one.plan, one.recipe, folder, profile, selection, crew=crew))
            except W2SError as error:
                failed[one.label] = error
                typer.echo(f"{one.label} failed: {' '.join(str(error).split())}", err=True)
    _together(done, base, list(failed))
    if failed:
        first = next(iter(failed.values()))
        which = f"{len(failed)} of {len(cells)} cells failed ({', '.join(failed)})"
        kept = "what is finished is kept, the same command goes on"
        raise type(first)(f"{which}; {kept}. The first: {first}")


def _together(done: list[Any], base: Path, failed: list[str]) -> None:
    """One page of all the runs of a sweep that were measured."""
    from reason_w2s.report import command

    measured = [run for run in done if (run.folder / "results.json").is_file()]
    if len(measured) > 1:
        page = base.with_name(f"{base.name}.html")
        typer.echo(f"sweep: {command.together(measured, page, sys.stdout, failed)}")


def carry_out(
    plan: Any,
    data: Any,
    folder: Path,
    profile: Any,
    selection: Any,
    *,
    smoke: bool = False,
    crew: Any = None,
) -> Any:
    """Run a plan and report it; a smoke run's accuracies are left in the report. crew: workers that
    do more than this."""
    from rich.console import Console

    from reason_w2s.runs.run import execute

    console = Console(stderr=True)
    try:
        finished = execute(
            plan, data, folder, profile, selection=selection, console=console, crew=crew
        )
    except KeyboardInterrupt as error:
        kept = "; what is finished is kept, the same command goes on from here"
        typer.echo(f"stopped{'' if smoke else kept}", err=True)
        raise typer.Exit(130) from error
    measured = [*plan.measured, *plan.verifiers]
    if measured and all(one.graded in finished.items for one in measured):
        show_report(finished, table=not smoke)
    else:
        typer.echo(f"{folder}: {len(finished.items)} of {len(plan.steps)} steps are done")
    return finished


def show_report(finished: Any, *, table: bool = True) -> None:
    """Write a run's page and its traces; `table`: print its table too."""
    from reason_w2s.report import command

    typer.echo(f"report: {command.report([finished], None, sys.stdout, table=table)}")
    write_traces(finished, None)


def write_traces(finished: Any, limit: int | None) -> None:
    """Write a run's traces to be looked at: at most `limit` (None: as many as usual)."""
    from reason_w2s.report import viewer

    place = viewer.write(finished) if limit is None else viewer.write(finished, limit)
    typer.echo(f"traces: {place}")


def devices(*patterns: str) -> bool:
    """Whether this machine has a device file of any of these names."""
    return any(any(Path("/dev").glob(pattern)) for pattern in patterns)
