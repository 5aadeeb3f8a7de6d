"""A recipe on a machine, as the checks see it: everything is looked up once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reason_w2s.doctor.finding import Finding
from reason_w2s.doctor.machine import Machine
from reason_w2s.doctor.material import Material, material
from reason_w2s.doctor.models import Models
from reason_w2s.doctor.sets import Sets
from reason_w2s.doctor.stored import Stored
from reason_w2s.errors import W2SError
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.runs.profile import Profile
from reason_w2s.stages.train import TrainConfig
from reason_w2s.train import examples
from reason_w2s.train.config import TrainSettings
from reason_w2s.train.objectives import OBJECTIVES

Rows = list[dict[str, list[int]]]
Value = TypeVar("Value")


class Case:
    """place: the recipe, as findings call it. on: the profile, likewise."""

    def __init__(
        self, plan: Plan, profile: Profile, store: Stored, machine: Machine, *, place: str, on: str
    ) -> None:
        self.plan = plan
        self.profile = profile
        self.store = store
        self.machine = machine
        self.place = place
        self.on = on
        self.sets = Sets(plan, store)
        self.models = Models(plan, store, self.sets.questions)
        self._materials: dict[str, Material | W2SError] = {}
        self._rows: dict[str, Rows | W2SError | None] = {}

    def at(self, step: Step, key: str = "") -> str:
        """Where a finding is: the recipe and the key in it."""
        return f"{self.place}: {step.place}{f'.{key}' if key else ''}"

    def trains(self) -> list[Step]:
        """The steps that train."""
        return [step for step in self.plan.steps.values() if step.stage == "train"]

    def written(self) -> list[Step]:
        """Those that learn from answers or pairs that others wrote before."""
        return [step for step in self.trains() if not self.settings(step).group]

    def sampling(self) -> list[Step]:
        """Those that sample while they train."""
        return [step for step in self.trains() if self.settings(step).group]

    def teachers(self, step: Step) -> list[str]:
        """The models whose sampled traces flow into a train step."""
        lineage = self.plan.lineage(step.name)
        return list(dict.fromkeys(one.roles["model"] for one in lineage if one.stage == "sample"))

    def settings(self, step: Step) -> TrainSettings:
        """A train step's settings."""
        return TrainConfig.model_validate(step.config).settings()

    def material(self, step: Step) -> Material:
        """What a train step learns from, or the nearest thing to it.

        Raises:
            W2SError: what is here cannot be used; the same one each time.
        """
        return _once(
            self._materials,
            step.name,
            lambda: material(step, self.plan, self.store, self.sets, self.models),
        )

    def rows(self, step: Step) -> Rows | None:
        """The token ids of that material, made as training makes them; None without a tokenizer.

        Raises:
            W2SError: training would not take them.
        """
        return _once(self._rows, step.name, lambda: self._tokenised(step))

    def positions(self, name: str) -> int | None:
        """The longest sequence a model takes (tokens), where its config is here and says so."""
        config = self.models.config(name) or {}
        found = config.get("max_position_embeddings") or config.get("text_config", {}).get(
            "max_position_embeddings"
        )
        return None if found is None else int(found)

    def _tokenised(self, step: Step) -> Rows | None:
        init = step.roles["init"]
        prompt, tokenizer = self.models.prompt(init), self.models.tokenizer(init)
        data = self.material(step).data
        if prompt is None or tokenizer is None or not data:
            return None
        learns = OBJECTIVES[step.config["objective"]].learns
        return examples.rows(data, learns, prompt, tokenizer)


def _once(known: dict[str, Value | W2SError], name: str, make: Callable[[], Value]) -> Value:
    if name not in known:
        try:
            known[name] = make()
        except W2SError as error:
            known[name] = error
    found = known[name]
    if isinstance(found, W2SError):
        raise found
    return found


def failed(error: W2SError, where: str, why: str) -> Finding:
    """An error of ours as a finding: our messages end in what to do."""
    what, _, todo = " ".join(str(error).split()).partition("; ")
    # `where` says the place already
    what = what.removeprefix(f"{where.rpartition(': ')[2]}: ")
    return Finding(what, where, why, todo or "correct what is named there")
