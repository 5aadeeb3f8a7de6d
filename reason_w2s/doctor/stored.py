"""What earlier runs made of this very recipe, found without reading any weights.

A run's step counts if its settings, and those of all it was made from, are those of the plan. So
nothing has to be fingerprinted, which takes minutes for large models; whether a file changed under
the same name since then is not noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reason_w2s.errors import W2SError
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.runs.items import Item
from reason_w2s.runs.results import asked
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_json


@dataclass(frozen=True, slots=True)
class Made:
    """A step's result, and the run that has it."""

    run: Run
    item: Item


@dataclass(frozen=True, slots=True)
class Stored:
    """made: by step. runs: all that were looked at, each with its plan. skipped: those that were
    not, each with why."""

    made: Mapping[str, Made]
    runs: tuple[tuple[Run, Plan], ...] = ()
    skipped: tuple[str, ...] = ()


def stored(plan: Plan, folder: Path, *, fake: bool) -> Stored:
    """What the run in `folder`, and after it the other runs beside it, have of the plan.

    fake: whether the fake engine samples; what it made and what a real one made are never mixed.
    """
    made: dict[str, Made] = {}
    runs: list[tuple[Run, Plan]] = []
    skipped: list[str] = []
    for place in _runs(folder):
        try:
            run, old, sampler = _read(place)
        except (W2SError, KeyError, TypeError) as error:
            skipped.append(f"{place} cannot be read: {' '.join(str(error).split())}")
            continue
        shared = [name for name in _shared(plan, old) if name in run.items]
        if ("fake" in sampler) != fake:
            if any(plan.steps[name].stage == "sample" for name in shared):
                told = "a real engine" if fake else "the fake engine"
                skipped.append(f"{place} was sampled by {told}")
            continue
        runs.append((run, old))
        for name in shared:
            if _there(run.items[name]):
                made.setdefault(name, Made(run, run.items[name]))
    return Stored(made, tuple(runs), tuple(skipped))


def _read(place: Path) -> tuple[Run, Plan, str]:
    """A run, its plan, and the engines that sampled it."""
    run = Run.open(place)
    return run, asked(run)[1], str(read_json(place / "manifest.json")["sampler"])


def _runs(folder: Path) -> Iterator[Path]:
    """The run asked for, then the others, the newest first."""
    beside = folder.parent.glob("*/manifest.json") if folder.parent.is_dir() else iter(())
    others = sorted(beside, key=lambda path: path.stat().st_mtime, reverse=True)
    if (folder / "manifest.json").is_file():
        yield folder
    yield from (path.parent for path in others if path.parent.resolve() != folder.resolve())


def _shared(plan: Plan, old: Plan) -> list[str]:
    """The steps that both plans have, made from the same."""
    shared: set[str] = set()
    for name, step in plan.steps.items():
        other = old.steps.get(name)
        same = other is not None and _bare(step) == _bare(other)
        if same and all(one in shared for one in (*step.of, *step.roles.values())):
            shared.add(name)
    return [name for name in plan.steps if name in shared]


def _bare(step: Step) -> Step:
    """A step without what changes no result."""
    return replace(step, after=())


def _there(item: Item) -> bool:
    """A model whose folder is gone is no result; tables are read when they are needed."""
    return item.model is None or item.model.served is not None or item.folder().is_dir()
