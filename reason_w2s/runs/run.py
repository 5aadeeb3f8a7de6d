"""A run: a folder that names what was asked, what was made for it, and what came out."""

from __future__ import annotations

import fcntl
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from ruamel.yaml import YAML

from reason_w2s.errors import ConfigError, RunBusy, require
from reason_w2s.recipe.plan import Plan
from reason_w2s.recipe.rules import check_batches
from reason_w2s.recipe.yaml_file import nearest
from reason_w2s.records import Pair, Problem, Row, listed
from reason_w2s.runs import rows
from reason_w2s.runs.crew import Crew
from reason_w2s.runs.execute import Execution, run_steps
from reason_w2s.runs.items import Item
from reason_w2s.runs.ledger import ledger
from reason_w2s.runs.open_engine import engine_of
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.progress import RunProgress
from reason_w2s.runs.store import Store, read_json, read_parts, write_bytes, write_json
from reason_w2s.runs.tables import DROPPED, JUDGED, OVERLAPS

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True, slots=True)
class Selection:
    """Which steps of a plan to do.

    until: up to these. start: from these on; what comes before must be there. only: just these.
    redo: make these again, under a key of their own; what other runs share is not touched.
    """

    until: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    redo: tuple[str, ...] = ()


class Run:
    """A run that was made, opened for reading: `Run.open(path)["graded"]`."""

    def __init__(self, folder: Path, store: Store, items: Mapping[str, Item]) -> None:
        self.folder = folder
        self.store = store
        self.items = dict(items)

    @staticmethod
    def open(path: str | Path) -> Run:
        """The run in a folder.

        Raises:
            ConfigError: there is no run.
        """
        folder = Path(path)
        manifest = folder / "manifest.json"
        if not manifest.is_file():
            raise ConfigError(f"{folder}: no run here (no manifest.json)")
        items: dict[str, Item] = {}
        for name, data in read_json(manifest)["steps"].items():
            items[name] = Item.from_json(data, items)
        return Run(folder, Store(folder.parent / "store"), items)

    def item(self, step: str) -> Item:
        """A step's result.

        Raises:
            ConfigError: the run has no such step, or has not done it yet.
        """
        if step not in self.items:
            hint = nearest(step, self.items)
            raise ConfigError(f"{self.folder}: no step '{step}' is done here{hint}")
        return self.items[step]

    def __getitem__(self, step: str) -> Dataset:
        """A step's records as a `datasets.Dataset`: one row per problem, trace or pair."""
        datasets: Any = require("datasets", extra="train")
        return datasets.Dataset.from_list(list(self.records(step)))

    def records(self, step: str) -> Iterator[dict[str, Any]]:
        """A step's records as flat dicts, columns included."""
        item = self.item(step)
        if item.kind == "problems":
            for problem in self.problems(step):
                yield {**_fields(problem), "gold": problem.gold}
        elif item.kind == "pairs":
            found, named = self.pairs(step)
            for pair in found:
                chosen, rejected = named[pair.chosen], named[pair.rejected]
                texts = {"chosen": chosen.trace.text, "rejected": rejected.trace.text}
                yield {**_fields(pair), "question": chosen.problem.question, **texts}
        elif item.kind == "traces":
            for row in self.rows(step):
                asked = {"question": row.problem.question, "gold": row.problem.gold}
                yield {**_fields(row.trace), **asked, **listed(row.columns)}
        elif item.kind == "overlaps":
            yield from self._overlaps(item)
        elif item.kind == "fitted":
            yield from read_parts(self.store.folder(item.stage, item.key), JUDGED).to_pylist()
        else:
            raise ConfigError(f"{step} is a model, in {item.reference().path}")

    def _overlaps(self, item: Item) -> Iterator[dict[str, Any]]:
        """Each pair with both questions."""
        table = read_parts(self.store.folder("overlap", item.key), OVERLAPS)
        asked = {
            (one.digest, problem.id): problem.question
            for one in item.of
            for problem in rows.problems(self.store, one)
        }
        *sets, suite = item.of
        names = {one.digest: one.step for one in sets}
        for row in table.to_pylist():
            yield {
                "set": names[row["set"]],
                "problem_id": row["problem_id"],
                "question": asked[row["set"], row["problem_id"]],
                "suite_id": row["suite_id"],
                "suite_question": asked[suite.digest, row["suite_id"]],
                "kind": row["kind"],
                "share": row["share"],
            }

    def problems(self, step: str) -> list[Problem]:
        """The problems of a problem set."""
        return rows.problems(self.store, self.item(step))

    def rows(self, step: str) -> Iterator[Row]:
        """The traces of a step, with their columns."""
        return rows.rows(self.store, self.item(step))

    def dropped(self, step: str) -> dict[str, str]:
        """What a choosing step dropped: key (of the trace; of the problem for pairs) -> reason."""
        item = self.item(step)
        table = read_parts(self.store.folder(item.stage, item.key), DROPPED, "dropped")
        return {row["key"]: row["reason"] for row in table.to_pylist()}

    def pairs(self, step: str) -> tuple[list[Pair], dict[str, Row]]:
        """The pairs of a step and the rows they name."""
        return rows.pairs(self.store, self.item(step))


def execute(  # noqa: PLR0913 - one call is one run: what, where, how much of it, and with whom
    plan: Plan,
    recipe: Mapping[str, Any],
    folder: Path,
    profile: Profile,
    *,
    selection: Selection,
    console: Console,
    crew: Crew | None = None,
) -> Run:
    """Do a plan, or the selected part of it, in `folder`; its store lies beside it.

    crew: workers that also do other plans; None: some of its own.

    Raises:
        W2SError: what went wrong; everything finished is kept.
    """
    store = Store(folder.parent / "store")
    wanted, given = _split(plan, selection)
    check_batches(plan, wanted, profile.train)
    with _alone(folder):
        again = _redo_counts(folder, selection.redo)
        with RunProgress(len(wanted | given), console) as progress:
            execution = Execution(plan, store, folder, profile, progress, again)
            execution.made = lambda: _remember(execution, recipe)
            _find_given(execution, given, wanted)
            run_steps(execution, wanted, crew)
        _find_rest(execution)
        _remember(execution, recipe)
        ordered = {name: execution.items[name] for name in plan.steps if name in execution.items}
        write_json(folder / "ledger.json", ledger(store, ordered, folder.name))
    return Run(folder, store, ordered)


def states(plan: Plan, folder: Path, profile: Profile) -> dict[str, Item | None]:
    """For each step its item, or None where it is not made (or cannot be known yet)."""
    execution = Execution(
        plan,
        Store(folder.parent / "store"),
        folder,
        profile,
        RunProgress(0, Console(quiet=True)),
        _redo_counts(folder, ()),
    )
    found: dict[str, Item | None] = {}
    for name, step in plan.steps.items():
        ready = all(other in execution.items for other in step.inputs)
        item = execution.find(step) if ready else None
        found[name] = item
        if item is not None:
            execution.items[name] = item
    return found


def _find_given(execution: Execution, given: set[str], wanted: set[str]) -> None:
    """Steps that the selection leaves out but needs: they must be there."""
    for step in execution.plan.steps.values():
        if step.name in given:
            item = execution.find(step)
            if item is None:
                first = next(name for name in execution.plan.steps if name in wanted)
                raise ConfigError(
                    f"'{first}' needs '{step.name}', which is not made yet; run it first "
                    f"(--until {step.name}), or leave out --from and --only"
                )
            execution.progress.skip(1)
            execution.settle(step, item, new=False)


def _find_rest(execution: Execution) -> None:
    """What the selection left out but an earlier run made is part of the run all the same."""
    for step in execution.plan.steps.values():
        if step.name not in execution.items and all(
            name in execution.items for name in step.inputs
        ):
            item = execution.find(step)
            if item is not None:
                execution.items[step.name] = item


def _split(plan: Plan, selection: Selection) -> tuple[set[str], set[str]]:
    """(steps to do, steps that must be there)."""
    for name in (*selection.until, *selection.start, *selection.only, *selection.redo):
        if name not in plan.steps:
            raise ConfigError(f"no step '{name}' in the plan{nearest(name, plan.steps)}")
    if selection.only:
        chosen = _with_waited_for(plan, set(selection.only))
        return chosen, plan.needed(chosen) - chosen
    wanted = plan.needed(selection.until) if selection.until else set(plan.steps)
    if selection.start:
        chosen = wanted & plan.after(selection.start)
        if not chosen:
            raise ConfigError("nothing to do: no step lies between --from and --until")
        chosen = _with_waited_for(plan, chosen)
        return chosen, plan.needed(chosen) - chosen
    return wanted, set()


def _with_waited_for(plan: Plan, names: set[str]) -> set[str]:
    """The steps and those they wait for: a selection is no way round what may stop a run."""
    steps = [plan.steps[name] for name in names]
    waited = plan.needed(other for step in steps for other in step.after)
    read = plan.needed(other for step in steps for other in (*step.of, *step.roles.values()))
    return names | (waited - read)


def _redo_counts(folder: Path, redo: Sequence[str]) -> dict[str, int]:
    """How often each step was redone in this run."""
    path = folder / "redo.json"
    counts: dict[str, int] = read_json(path) if path.is_file() else {}
    for name in redo:
        counts[name] = counts.get(name, 0) + 1
    if redo:
        write_json(path, counts)
    return counts


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process works on a run."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunBusy(
                f"{folder}: another process is working on this run; wait for it, or give this one "
                f"a --name"
            ) from error
        yield


def _remember(execution: Execution, recipe: Mapping[str, Any]) -> None:
    """Write what was asked and what is done. Called after every step: a kill loses nothing."""
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
    write_json(execution.folder / "manifest.json", manifest)
    if not manifest["complete"]:
        # what an earlier, finished form of this run reported is not what this one found
        for stale in ("results.json", "report.html", "traces.html"):
            (execution.folder / stale).unlink(missing_ok=True)


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).__dataclass_fields__}
