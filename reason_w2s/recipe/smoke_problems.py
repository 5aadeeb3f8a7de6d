"""Five problems of each set of a plan, for a smoke run."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Any

from reason_w2s.errors import DataError
from reason_w2s.problems.load import load
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.records import Problem, Trace
from reason_w2s.stages.imports import ImportConfig, import_traces
from reason_w2s.stages.overlap import asked_by

PROBLEMS = 5


class FewProblems:
    """Which problems stand for each set: five of its own, or of the world where it is not here.

    Sets are loaded whole, as a run loads them, so what is wrong with one shows.

    Raises:
        DataError: a set is here but cannot be read as the recipe says.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loaded: dict[str, list[Problem]] = {}
        self.missing: dict[str, str] = {}
        sets = [step for step in plan.steps.values() if step.stage == "problems"]
        for step in sets:
            self._load(step)
        self._answered = {name: self._answers(name) for name in self._loaded}

    def spec(self, name: str) -> dict[str, Any]:
        """The recipe's entry of a set, for its five problems."""
        if name in self.missing:
            return self._world(name)
        step = root = self._plan.steps[name]
        while root.of:
            if root.config.get("subtasks"):
                # they are few where the problems they are of are
                return {"of": root.of[0], "subtasks": True, "labels": step.labels}
            root = self._plan.steps[root.of[0]]
        spec = ProblemSpec.model_validate(root.settings("near"))
        cuts = {"labels", "where", "without", "part", "take", "salt"}
        few = spec.model_dump(mode="json", exclude_defaults=True, exclude=cuts)
        if spec.source == "world":
            # as many as were drawn for it, so that the chosen ones are among them
            few["take"] = sum(len(self._loaded[one]) for one in root.roles.values())
            few["take"] += spec.take or 0
        # a set cut out of this one may have been what made ids unique
        cut = {"unique": True, "where": {"id": {"in": self._chosen(name)}}}
        return {**few, **cut, "labels": step.labels}

    def said(self, name: str) -> str:
        """What stands for the set, in words."""
        if name in self.missing:
            return f"{PROBLEMS} problems of the procedural world, since {self.missing[name]}"
        return f"{len(self._chosen(name)):,} of its {len(self._loaded[name]):,} problems"

    def imported(self, step: Step) -> bool:
        """Whether an import step's files and problems are here."""
        files = ImportConfig.model_validate(step.config).file
        return all(Path(file).is_file() for file in files) and not self.missing.keys() & step.of

    def _load(self, step: Step) -> None:
        spec = ProblemSpec.model_validate(step.settings("near"))
        absent = [name for name in step.inputs if name in self.missing]
        if absent:
            self.missing[step.name] = self.missing[absent[0]]
            return
        of = self._loaded[step.of[0]] if step.of else None
        without = [one for name in step.roles.values() for one in self._loaded[name]]
        suites = [
            (self._loaded[step.roles[role]], measure)
            for role, measure in step.config.get("near", {}).items()
        ]
        assert step.labels is not None, step.name
        try:
            found = load(
                spec,
                labels=step.labels,
                seed=step.seed,
                of=of,
                without=without,
                near=lambda problems: asked_by(problems, suites),
            )
        except DataError as error:
            if not _is_elsewhere(spec, error):
                raise DataError(f"{step.place}: {error}") from error
            # what to do about it is said once, not of every set
            self.missing[step.name] = str(error).partition("; ")[0]
        else:
            self._loaded[step.name] = found

    def _chosen(self, name: str) -> list[str]:
        """The first five; where traces are imported, those with several and short ones first."""
        answered = self._answered[name]
        if not any(answered):
            return [problem.id for problem in self._loaded[name]][:PROBLEMS]
        texts: dict[str, set[str]] = {}
        for found in answered:
            for one, written in found.items():
                texts.setdefault(one, set()).update(written)
        best = [sorted(found, key=lambda one: _fitness(texts[one])) for found in answered]
        # in turn, so that every import finds problems it answers
        chosen = dict.fromkeys(one for turn in zip_longest(*best) for one in turn)
        return [one for one in chosen if one is not None][:PROBLEMS]

    def _answers(self, name: str) -> list[dict[str, set[str]]]:
        """For each import step of a set: the problems it answers, with the texts."""
        found = []
        for step in self._plan.steps.values():
            if step.stage == "import" and name in step.of and self.imported(step):
                texts: dict[str, set[str]] = {}
                cfg = ImportConfig.model_validate(step.config)
                for one in import_traces(self._loaded[name], cfg, step=step.name):
                    if isinstance(one, Trace):
                        texts.setdefault(one.problem_id, set()).add(one.text)
                found.append(texts)
        return found

    def _world(self, name: str) -> dict[str, Any]:
        """Five problems that no other set which is not here gets."""
        number, count = list(self.missing).index(name) + 1, len(self.missing)
        step = self._plan.steps[name]
        split = "test" if step.place.startswith("suites.") else "train"
        shared = {"source": "world", "split": split, "labels": step.labels}
        return {**shared, "part": f"{number}/{count}", "take": PROBLEMS * count}


def _is_elsewhere(spec: ProblemSpec, error: DataError) -> bool:
    """Whether a set could not be loaded because it is not on this machine."""
    if spec.file is not None:
        return not Path(spec.file).is_file()
    return "no network" in str(error)


def _fitness(texts: set[str]) -> tuple[bool, int]:
    return len(texts) < 2, max(map(len, texts))
