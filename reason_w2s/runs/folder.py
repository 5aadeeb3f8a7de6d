"""A run's own folder: who may work in it, and what is written there."""

from __future__ import annotations

import fcntl
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reason_w2s.errors import Damaged, RunBusy, StoreError
from reason_w2s.runs.execute import Execution
from reason_w2s.runs.open_engine import engine_of
from reason_w2s.runs.store import read_json, write_bytes, write_json

MANIFEST = "manifest.json"
REPORTED = ("results.json", "report.html", "traces.html")
"""What a report writes, the last one last."""


@contextmanager
def occupied(folder: Path, *, job: bool) -> Iterator[None]:
    """Only one process works on a run, or several jobs of it.

    Raises:
        RunBusy: another does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # on network file systems a shared lock wants a file that is open for reading
    with (folder / ".lock").open("a+") as stream:
        try:
            fcntl.flock(stream, (fcntl.LOCK_SH if job else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunBusy(
                f"{folder}: another process is working on this run; wait for it, or give this one "
                f"a --name"
            ) from error
        yield


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Jobs of a run write what they have in common one after another."""
    with _turn(folder / ".writing"):
        yield


@contextmanager
def reporting(folder: Path) -> Iterator[bool]:
    """One job of a run writes its report; whether that is still to do."""
    with _turn(folder / ".reporting"):
        yield not (folder / REPORTED[-1]).is_file()


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def redo_counts(folder: Path, redo: Sequence[str]) -> dict[str, int]:
    """How often each step was redone in this run."""
    path = folder / "redo.json"
    counts = _redone(path) if path.is_file() else {}
    for name in redo:
        counts[name] = counts.get(name, 0) + 1
    if redo:
        write_json(path, counts)
    return counts


def _redone(path: Path) -> dict[str, int]:
    try:
        counts = {str(name): int(often) for name, often in read_json(path).items()}
    except (Damaged, AttributeError, TypeError, ValueError) as error:
        raise StoreError(
            f"{path}: damaged: it says how often steps were made again (--redo), as in "
            f'{{"drawn": 1}}; write that again, or delete it to go back to their first results'
        ) from error
    return counts


def remember(execution: Execution, recipe: Mapping[str, Any]) -> None:
    """Write what was asked and what is done. Called after every step: a kill loses nothing.

    What an earlier form of this run reported is not what this one found, and goes.
    """
    plan, items = execution.plan, execution.items
    text = io.StringIO()
    YAML().dump(dict(recipe), text)
    path = execution.folder / "recipe.yaml"
    if not path.is_file() or path.read_text(encoding="utf-8") != text.getvalue():
        write_bytes(path, text.getvalue().encode())
    done = {name: items[name].to_json(named=True) for name in plan.steps if name in items}
    models = [item.model for item in items.values() if item.model is not None]
    engines = {engine_of(model, execution.profile) for model in models}
    manifest = {
        "name": plan.name,
        "title": plan.title,
        "seed": plan.seed,
        "reproducible": execution.profile.train.device == "cpu" and "server" not in engines,
        "sampler": ", ".join(sorted(engines)) or execution.profile.sampler,
        "complete": len(done) == len(plan.steps),
        "steps": done,
    }
    damaged = _damaged(execution)
    if damaged:
        manifest["damaged"] = damaged
    if write_json(execution.folder / MANIFEST, manifest) or not manifest["complete"]:
        for stale in REPORTED:
            (execution.folder / stale).unlink(missing_ok=True)


def _damaged(execution: Execution) -> list[dict[str, str]]:
    """What was set aside, by this process and by those that wrote before it."""
    path = execution.folder / MANIFEST
    known: list[dict[str, str]] = read_json(path).get("damaged", []) if path.is_file() else []
    found = [] if execution.mending is None else execution.mending.found
    return [*known, *(one for one in found if one not in known)]
