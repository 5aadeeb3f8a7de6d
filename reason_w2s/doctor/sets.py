"""The problem sets and imported traces of a plan, read where they lie on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from reason_w2s.doctor.stored import Stored
from reason_w2s.errors import DataError
from reason_w2s.problems.hub import USUAL, ask
from reason_w2s.problems.load import load, source
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.records import Problem, Trace
from reason_w2s.runs import rows
from reason_w2s.stages.imports import ImportConfig, import_traces

LARGE = 64 * 2**20
"""Bytes; of larger files only the first `FIRST` rows are read, for seconds are to be spent."""
FIRST = 1000


@dataclass(frozen=True, slots=True)
class Loaded:
    """A problem set as far as it is here.

    problems: None where it cannot be read here. whole: whether these are all of them. absent: why
    not. wrong: the mistake, where it is one; else this machine just does not have it.
    """

    problems: list[Problem] | None = None
    whole: bool = False
    absent: str = ""
    wrong: str = ""


class Sets:
    """The problem sets of a plan; each is read once."""

    def __init__(self, plan: Plan, store: Stored) -> None:
        self._plan = plan
        self._store = store
        self._loaded: dict[str, Loaded] = {}
        self._imported: dict[str, list[Trace]] = {}

    def problems(self, name: str) -> Loaded:
        """A set, read from the store, its file or its generator; sets of the hub are only asked
        for."""
        if name not in self._loaded:
            self._loaded[name] = self._load(self._plan.steps[name])
        return self._loaded[name]

    def questions(self, names: Iterable[str]) -> list[str]:
        """The questions of several sets, as far as they are here."""
        found = [self.problems(name).problems or [] for name in names]
        return [problem.question for one in found for problem in one]

    def imported(self, step: Step) -> list[Trace]:
        """The traces of an import step, before any choice; none where files or problems miss.

        Raises:
            DataError: a file is here, but not as the recipe says.
        """
        if step.name not in self._imported:
            self._imported[step.name] = self._import(step)
        return self._imported[step.name]

    def large(self, step: Step) -> bool:
        """Whether an import step has a file of which only the first rows are read here."""
        files = [Path(file) for file in ImportConfig.model_validate(step.config).file]
        return any(file.is_file() and file.stat().st_size > LARGE for file in files)

    def _import(self, step: Step) -> list[Trace]:
        cfg = ImportConfig.model_validate(step.config)
        asked = [one for name in step.of for one in self.problems(name).problems or []]
        if not asked or any(not Path(file).is_file() for file in cfg.file):
            return []
        made = import_traces(asked, cfg, step=step.name)
        found = (one for one in made if isinstance(one, Trace))
        return list(islice(found, FIRST) if self.large(step) else found)

    def _load(self, step: Step) -> Loaded:
        made = self._store.made.get(step.name)
        if made is not None:
            return Loaded(rows.problems(made.run.store, made.item), whole=True)
        spec = ProblemSpec.model_validate(step.settings("near"))
        if spec.of is None and _on_the_hub(spec):
            return _asked(spec)
        if spec.file is not None and not Path(spec.file).is_file():
            todo = f"put it there, or name another: {step.place}.file=FILE"
            return Loaded(absent="no such file", wrong=f"{spec.file} is not there; {todo}")
        try:
            return self._read(step, spec)
        except DataError as error:
            return Loaded(absent="it cannot be read", wrong=str(error))

    def _read(self, step: Step, spec: ProblemSpec) -> Loaded:
        others = [self.problems(name) for name in step.roles.values()]
        without = [one for other in others for one in other.problems or []]
        # what a suite asks too is found by the run; here it would take longer than all else
        whole = "near" not in step.config and all(other.whole for other in others)
        assert step.labels is not None, step.name
        if spec.of is None and spec.file and Path(spec.file).stat().st_size > LARGE:
            assert spec.source is not None, step.name
            return Loaded(list(islice(source(spec.source)(spec, step.seed, FIRST), FIRST)))
        parent = self.problems(spec.of) if spec.of is not None else None
        if parent is not None and parent.problems is None:
            return Loaded(absent=f"'{spec.of}' is not here: {parent.absent}")
        found = load(
            spec,
            labels=step.labels,
            seed=step.seed,
            of=None if parent is None else parent.problems,
            without=without,
        )
        return Loaded(found, whole and (parent is None or parent.whole))


def _on_the_hub(spec: ProblemSpec) -> bool:
    """Whether the hub has it; a folder named instead of a hub name is read like a file."""
    named = spec.path or USUAL.get(str(spec.source))
    return spec.file is None and named is not None and not Path(named).is_dir()


def _asked(spec: ProblemSpec) -> Loaded:
    path = spec.path or USUAL[str(spec.source)]
    answer = ask(path, spec.revision)
    if answer.refusal is None:
        return Loaded(absent=f"{path} is on the hub; the run fetches it")
    if not answer.reached:
        return Loaded(absent=f"{path} is on the hub, and there is no network")
    return Loaded(absent="the hub does not give it", wrong=f"{path}: {answer.refusal}")
