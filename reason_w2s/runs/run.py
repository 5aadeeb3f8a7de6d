"""A run: a folder that names what was asked, what was made for it, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from reason_w2s.errors import (
    ConfigError,
    DataError,
    EngineError,
    StoreError,
    W2SError,
    require,
)
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.rules import check_batches, check_files
from reason_w2s.recipe.yaml_file import nearest
from reason_w2s.records import Pair, Problem, Row, listed
from reason_w2s.runs import rows
from reason_w2s.runs.crew import Crew
from reason_w2s.runs.execute import Execution
from reason_w2s.runs.folder import MANIFEST, occupied, redo_counts, remember, writing
from reason_w2s.runs.items import Item
from reason_w2s.runs.kept import kept
from reason_w2s.runs.ledger import ledger
from reason_w2s.runs.mending import Mending
from reason_w2s.runs.pool import run_steps
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.progress import RunProgress
from reason_w2s.runs.rows import Columns
from reason_w2s.runs.selection import Selection, chosen
from reason_w2s.runs.store import Store, read_json, write_json
from reason_w2s.runs.tables import DROPPED, JUDGED, OVERLAPS

if TYPE_CHECKING:
    from datasets import Dataset


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
            StoreError: its manifest is damaged.
        """
        folder = Path(path)
        manifest = folder / MANIFEST
        if not manifest.is_file():
            raise ConfigError(
                f"{folder}: no run here (no manifest.json); give a run's folder, runs/NAME"
            )
        items: dict[str, Item] = {}
        try:
            for name, data in read_json(manifest)["steps"].items():
                items[name] = Item.from_json(data, items)
        except (KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{manifest}: is no manifest of this version ({type(error).__name__}: {error}); "
                "run the recipe again: what the store has is not made again"
            ) from error
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
            found, named = self.pairs(step, ())
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
            yield from kept(self.store, item, JUDGED).to_pylist()
        else:
            raise ConfigError(f"{step} is a model, in {item.reference().path}")

    def _overlaps(self, item: Item) -> Iterator[dict[str, Any]]:
        """Each pair with both questions."""
        table = kept(self.store, item, OVERLAPS)
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

    def rows(self, step: str, columns: Columns = None, keys: Columns = None) -> Iterator[Row]:
        """The traces of a step, with their columns; `columns` and `keys` as of `rows.rows`."""
        return rows.rows(self.store, self.item(step), columns, keys)

    def dropped(self, step: str) -> dict[str, str]:
        """What a choosing step dropped: key (of the trace; of the problem for pairs) -> reason."""
        item = self.item(step)
        table = kept(self.store, item, DROPPED, "dropped")
        return {row["key"]: row["reason"] for row in table.to_pylist()}

    def pairs(self, step: str, columns: Columns = None) -> tuple[list[Pair], dict[str, Row]]:
        """The pairs of a step and the rows they name; `columns` as of `rows`."""
        return rows.pairs(self.store, self.item(step), columns)


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
    wanted, given = chosen(plan, selection)
    check_batches(plan, wanted, profile.train)
    check_files(plan, wanted)
    with occupied(folder, job=selection.job):
        with RunProgress(len(wanted | given), console) as progress:
            execution = _execution(plan, folder, profile, progress, selection)
            others: dict[str, Item] = {}
            execution.made = lambda: _keep(execution, recipe, selection, others)
            execution.mending = _mending(folder, progress)

            def steps() -> None:
                _find_given(execution, given, wanted)
                run_steps(execution, wanted, crew)

            execution.mending.until_sound(steps, execution.start_over)
        if not (selection.part and selection.only[0] not in execution.items):
            _finish(execution, recipe)
    ordered = {name: execution.items[name] for name in plan.steps if name in execution.items}
    return Run(folder, execution.store, ordered)


def _execution(
    plan: Plan, folder: Path, profile: Profile, progress: RunProgress, selection: Selection
) -> Execution:
    again = redo_counts(folder, selection.redo)
    parts = {selection.only[0]: selection.part} if selection.part else {}
    store = Store(folder.parent / "store")
    logs = folder / "logs" / selection.label
    return Execution(plan, store, folder, profile, progress, again, logs=logs, parts=parts)


def _keep(
    execution: Execution,
    recipe: Mapping[str, Any],
    selection: Selection,
    others: dict[str, Item],
) -> None:
    """Remember what is done; of a job, also what `others` did."""
    if not selection.job:
        remember(execution, recipe)
        return
    with writing(execution.folder):
        whole = replace(execution, items={**others, **execution.items})
        _find_rest(whole)
        others.update(whole.items)
        remember(whole, recipe)


def _finish(execution: Execution, recipe: Mapping[str, Any]) -> None:
    """Remember all that is there, and what it cost."""
    folder = execution.folder
    with writing(folder):
        _find_rest(execution)
        remember(execution, recipe)
        plan, items = execution.plan, execution.items
        ordered = {name: items[name] for name in plan.steps if name in items}
        write_json(folder / "ledger.json", ledger(execution.store, ordered, folder.name))


def _mending(folder: Path, progress: RunProgress) -> Mending:
    """What sets damaged files aside, with those of the run itself; it remembers what earlier runs
    in this folder set aside."""
    mending = Mending(folder.parent, progress.say)

    def read(name: str) -> dict[str, Any]:
        found: dict[str, Any] = read_json(folder / name) if (folder / name).is_file() else {}
        return found

    for name in ("ledger.json", "results.json"):
        mending.until_sound(partial(read, name))
    manifest = mending.until_sound(partial(read, MANIFEST))
    mending.found[:0] = manifest.get("damaged", [])
    return mending


def states(plan: Plan, folder: Path, profile: Profile) -> dict[str, Item | W2SError | None]:
    """For each step its item; None where it is not made, or what it takes is not; the error where
    that cannot be known: a model, a file or an endpoint is out of reach here."""
    quiet = RunProgress(0, Console(quiet=True))
    execution = _execution(plan, folder, profile, quiet, Selection())
    found: dict[str, Item | W2SError | None] = {}
    for name, step in plan.steps.items():
        taken = [found[other] for other in step.inputs]
        unknown = next((one for one in taken if isinstance(one, W2SError)), None)
        found[name] = unknown or (None if None in taken else _state(execution, step))
    return found


def _state(execution: Execution, step: Step) -> Item | W2SError | None:
    try:
        item = execution.find(step)
    except (ConfigError, DataError, EngineError) as error:
        return error
    if item is not None:
        execution.items[step.name] = item
    return item


def _find_given(execution: Execution, given: set[str], wanted: set[str]) -> None:
    """Steps that the selection leaves out but needs: they must be there."""
    plan = execution.plan
    for name in (name for name in plan.steps if name in plan.needed(given)):
        step = plan.steps[name]
        ready = all(other in execution.items for other in step.inputs)
        item = execution.find(step) if ready else None
        if item is not None:
            execution.progress.skip(1)
            execution.settle(step, item, new=False)
        elif name in given:
            first = next(one for one in plan.steps if one in wanted and name in plan.needed([one]))
            raise ConfigError(
                f"'{first}' needs '{name}', which is not made yet; run it first "
                f"(--until {name}), or leave out --from and --only"
            )


def _find_rest(execution: Execution) -> None:
    """What the selection left out but an earlier run or another job made is part of the run all
    the same."""
    for step in execution.plan.steps.values():
        if step.name not in execution.items and all(
            name in execution.items for name in step.inputs
        ):
            # a file or an endpoint that only other steps want may be out of reach here
            with suppress(ConfigError, DataError, EngineError):
                item = execution.find(step)
                if item is not None:
                    execution.items[step.name] = item


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).__dataclass_fields__}
