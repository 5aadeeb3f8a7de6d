"""`reason-w2s report`: write the page of runs and print their tables, verify or compare them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from reason_w2s.errors import ConfigError, StoreError
from reason_w2s.evaluate import baseline
from reason_w2s.evaluate.sweep import is_sweep, sweep
from reason_w2s.report import console, sweep_console, viewer
from reason_w2s.report.html import write
from reason_w2s.report.sweep import write as write_sweep
from reason_w2s.report.verify import verified
from reason_w2s.runs.results import FILE, compute, results
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_json, write_json

PAGE = "report.html"
_SHOWN = 5


class Missed(Exception):
    """A run is not what was expected of it."""


def report(runs: Sequence[Run], out: Path | None, file: TextIO, *, table: bool = True) -> Path:
    """Work out the results of runs, write one page of them and print each one's table to `file`.

    Runs of one sweep are taken together (`together`).

    Raises:
        ConfigError: several runs and no `out`, a run twice, or `out` is a folder.
    """
    place = _place(runs, out)
    found = {name: results(run) for name, run in names(runs).items()}
    if is_sweep(list(found.values())):
        return together(runs, place, file)
    place.parent.mkdir(parents=True, exist_ok=True)
    # one run's page stands beside the viewer of its traces
    write(found, place, viewer.FILE if out is None else None)
    for one in found.values() if table else ():
        console.show(one, file)
    return place


def together(runs: Sequence[Run], place: Path, file: TextIO, missing: Sequence[str] = ()) -> Path:
    """Write the page of a sweep and, beside it, its numbers as JSON, from the results of its runs;
    print its table to `file`. missing: its runs that there is nothing of.

    Raises:
        DataError: they are not runs of one sweep.
    """
    named = names(runs)
    made = sweep({name: read_json(run.folder / FILE) for name, run in named.items()}, missing)
    write_json(place.with_suffix(".json"), made)
    write_sweep(made, place, {name: run.folder for name, run in named.items()})
    sweep_console.show(made, file)
    return place


def verify(runs: Sequence[Run]) -> Iterator[str]:
    """A line per run of how many numbers are what its rows say.

    Raises:
        StoreError: some are not; the first of them are named.
    """
    for name, run in names(runs).items():
        found = verified(run)
        if found.differences:
            more = len(found.differences) - _SHOWN
            raise StoreError(
                f"{run.folder}: {len(found.differences):,} of {found.compared:,} numbers are not "
                f"what the rows say: {' | '.join(found.differences[:_SHOWN])}"
                f"{f' | and {more:,} more' if more > 0 else ''}; write them again with: "
                f"reason-w2s report {run.folder}"
            )
        yield f"{name}: {found.compared:,} numbers recomputed from the rows, all equal"


def against(runs: Sequence[Run], file: Path) -> Iterator[str]:
    """A line per accuracy that a baseline expects of the run, and one for all.

    Raises:
        ConfigError: not one run, no such file, or no baseline in it.
        Missed: some are not as expected; after the lines.
    """
    if len(runs) != 1:
        raise ConfigError(f"report --against: got {len(runs)} runs; expected one")
    expected = baseline.read(file)
    held = list(baseline.against(compute(runs[0]), expected))
    yield from (one.line for one in held)
    good = sum(one.verdict == "as expected" for one in held)
    yield f"{good} of {len(held)} as expected of: {expected.command}"
    if good < len(held):
        raise Missed


def names(runs: Sequence[Run]) -> dict[str, Run]:
    """The runs by their folders' names, with the folder above where two share one.

    Raises:
        ConfigError: the same run twice.
    """
    folders = [run.folder.resolve() for run in runs]
    often = Counter(folder.name for folder in folders)
    found = {
        folder.name if often[folder.name] == 1 else f"{folder.parent.name}/{folder.name}": run
        for folder, run in zip(folders, runs, strict=True)
    }
    if len(found) != len(runs):
        given = ", ".join(str(run.folder) for run in runs)
        raise ConfigError(f"report: got {given}; expected different runs, each under another name")
    return found


def _place(runs: Sequence[Run], out: Path | None) -> Path:
    if out is None and len(runs) > 1:
        raise ConfigError(f"report: {len(runs)} runs make one page; name it: --out FILE.html")
    place = out or runs[0].folder / PAGE
    if place.is_dir():
        raise ConfigError(f"--out {place}: is a folder; name a file: {place / PAGE}")
    return place
