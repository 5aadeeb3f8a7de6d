"""Carrying out a plan from the command line, and showing what came of it."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from reason_w2s.commands.saying import say
from reason_w2s.errors import ConfigError, EngineError, W2SError
from reason_w2s.processes import TOLD, Stopped, listening
from reason_w2s.redaction import keep_secrets
from reason_w2s.visible import one_line

RUN_NAME = re.compile(r"\w[\w.+@-]{0,119}")


@contextmanager
def stoppable(*, smoke: bool = False) -> Iterator[None]:
    """Told to end, by Ctrl-C or a scheduler, a command says in a line that it can go on.

    It exits with 130 after Ctrl-C, else with 3: try again.
    """
    try:
        with listening(signal.SIGINT, *TOLD):
            yield
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, Stopped) else signal.SIGINT
        by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
        kept = "; what is finished is kept, the same command goes on from here"
        say(f"stopped{by}{'' if smoke else kept}", err=True)
        code = 130 if number == signal.SIGINT else EngineError.exit_code
        raise typer.Exit(code) from error


def default_name(recipe: str, seed: int | None) -> str:
    """A run's name where none is given: its recipe's, with a seed that was asked for."""
    return recipe if seed is None else f"{recipe}-seed{seed}"


def run_folder(runs: Path, name: str | None, recipe: str, seed: int | None) -> Path:
    """The folder of a run among the others: named by `--name`, else by its recipe.

    Raises:
        ConfigError: a name that is no folder's name, or the store's.
    """
    if name and (not RUN_NAME.fullmatch(name) or name == "store"):
        raise ConfigError(
            f"--name {name!r}: cannot be a run's name; expected letters, digits and _ . - + @, the "
            "first no sign, and not 'store' (--runs says in which folder runs lie)"
        )
    return runs / (name or default_name(recipe, seed))


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
    found = parse(Profile, data, str(path or "--engine"))
    keep_secrets(found.environment)
    return found


def asking(profile: Any, address: str) -> Any:
    """The profile with the host of an address that was typed among those that may have the key."""
    from reason_w2s.engines.client import host_of, is_url

    host = host_of(address) if is_url(address) else ""
    if not host:
        return profile
    server = profile.engine.server
    known = server.model_copy(update={"key_hosts": (*server.key_hosts, host)})
    engine = profile.engine.model_copy(update={"server": known})
    return profile.model_copy(update={"engine": engine})


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
    say(f"{plan.name} --smoke: what is tried in place of what the recipe says", err=True)
    for line in small.replaced:
        say(f"  {line}", err=True)
    place = start_over(folder)
    finished = carry_out(small.plan, small.data, place, fitting(profile), selection, smoke=True)
    refuse_failed(finished)
    seconds = time.monotonic() - started
    say(f"smoke passed: {len(finished.items)} steps in {seconds:.0f} s")


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
            say(f"{number} of {len(cells)}: {one.label}", err=True)
            folder = of_sweep(base, one.label)
            try:
                done.append(carry_out(one.plan, one.recipe, folder, profile, selection, crew=crew))
            except W2SError as error:
                failed[one.label] = error
                say(f"{one.label} failed: {one_line(str(error))}", err=True)
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
        say(f"sweep: {command.together(measured, page, sys.stdout, failed)}")


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
    finished = execute(plan, data, folder, profile, selection=selection, console=console, crew=crew)
    if selection.job:
        _job_report(plan, finished, selection)
        return finished
    _report(plan, finished, smoke=smoke)
    return finished


def _job_report(plan: Any, finished: Any, selection: Any) -> None:
    """What a job came to; the one after which all is there writes the run's report."""
    from reason_w2s.runs.folder import reporting

    done, whole = len(finished.items), len(plan.steps)
    if selection.part and selection.only[0] not in finished.items:
        say(f"{finished.folder}: part {selection.part} of {selection.only[0]} is done")
    elif done < whole:
        say(f"{finished.folder}: {done} of {whole} steps are done")
    else:
        with reporting(finished.folder) as to_do:
            if to_do:
                _report(plan, finished)
            else:
                say(f"{finished.folder}: all {whole} steps are done, another job reported them")


def _report(plan: Any, finished: Any, *, smoke: bool = False) -> None:
    """Report a run whose models are measured; of others, how far it is."""
    measured = [*plan.measured, *plan.verifiers]
    if measured and all(one.graded in finished.items for one in measured):
        show_report(finished, table=not smoke)
    else:
        done, whole = len(finished.items), len(plan.steps)
        say(f"{finished.folder}: {done} of {whole} steps are done")


def show_report(finished: Any, *, table: bool = True) -> None:
    """Write a run's page and its traces, unless they are there and say what the run is; `table`:
    print its table too."""
    from reason_w2s.report import current

    if current.is_current(finished.folder):
        _show_again(finished.folder, table=table)
        return
    from reason_w2s.report import command

    say(f"report: {command.report([finished], None, sys.stdout, table=table)}")
    write_traces(finished, None)
    current.settle(finished.folder)


def _show_again(folder: Path, *, table: bool) -> None:
    from reason_w2s.report import console
    from reason_w2s.runs.store import read_json

    if table:
        console.show(read_json(folder / "results.json"), sys.stdout)
    say(f"report: {folder / 'report.html'}")
    say(f"traces: {folder / 'traces.html'}")


def write_traces(finished: Any, limit: int | None) -> None:
    """Write a run's traces to be looked at: at most `limit` (None: as many as usual)."""
    from reason_w2s.report import viewer

    place = viewer.write(finished) if limit is None else viewer.write(finished, limit)
    say(f"traces: {place}")


def devices(*patterns: str) -> bool:
    """Whether this machine has a device file of any of these names."""
    return any(any(Path("/dev").glob(pattern)) for pattern in patterns)
