"""What a gap may be called: which ceiling makes a share PGR, RGR, or one of the gold-SFT gain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.schema import Gap
from reason_w2s.train.objectives import OBJECTIVES

if TYPE_CHECKING:
    from reason_w2s.evaluate.gaps import Measure


def measure_of(plan: Plan, gap: Gap, where: str = "gap") -> Measure | None:
    """What a gap of the plan is called; None for a plain gain.

    A ceiling that the plan trains by RL from the gap's base makes it RGR; of one that comes from
    elsewhere the recipe has to say so.

    Raises:
        ConfigError: it starts at a base, and nothing says that its ceiling was trained by RL or on
            gold solutions, or the plan trains it in another way, or from another model.
    """
    if gap.ceiling is None:
        return None
    if gap.base is None:
        return "PGR"
    step = _measured_as(plan, gap.ceiling)
    if step.stage == "train" and OBJECTIVES[step.config["objective"]].reward:
        _reinforced(plan, gap, step, where)
        return "RGR"
    gold = step.stage == "train" and step.config.get("target") == "solution"
    if step.stage == "train" and not (gold and gap.ceiling_by in (None, "gold_sft")):
        raise ConfigError(
            f"{where}.ceiling: '{gap.ceiling}' is trained here, "
            f"{'on gold solutions, not by RL' if gold else 'neither on gold solutions nor by RL'}; "
            f"a share of what a base can gain needs a ceiling of its own kind"
        )
    if not gold and gap.ceiling_by is None:
        raise ConfigError(
            f"{where}: say how '{gap.ceiling}' was trained: ceiling_by: rl (then it is RGR) or "
            f"gold_sft (then the share of the gold-SFT gain)"
        )
    return "RGR" if gap.ceiling_by == "rl" else "share of the gold-SFT gain"


def _reinforced(plan: Plan, gap: Gap, step: Step, where: str) -> None:
    """A ceiling trained here by RL is that of the model it was trained from, and of no other."""
    if gap.ceiling_by == "gold_sft":
        raise ConfigError(
            f"{where}.ceiling_by: '{gap.ceiling}' is trained here by RL, not on gold solutions; "
            f"remove ceiling_by"
        )
    base, init = _measured_as(plan, str(gap.base)), plan.steps[step.roles["init"]]
    if _origin(plan, base) != _origin(plan, init):
        raise ConfigError(
            f"{where}.ceiling: '{gap.ceiling}' is trained from '{init.name}', which is not the "
            f"base '{gap.base}'; the ceiling of RGR is RL from the base itself"
        )


def _measured_as(plan: Plan, name: str) -> Step:
    """The step whose model is measured under this name."""
    return plan.steps[next(one.step for one in plan.measured if one.model == name)]


def _origin(plan: Plan, step: Step) -> tuple[Any, ...]:
    """What makes a model what it is, however it is asked and whatever its steps are called."""
    while step.stage == "prompted":
        step = plan.steps[step.roles["model"]]
    made = sorted((key, str(value)) for key, value in step.config.items() if key != "prompt")
    roles = [(role, _origin(plan, plan.steps[name])) for role, name in step.roles.items()]
    return step.stage, step.seed, made, roles, [_origin(plan, plan.steps[one]) for one in step.of]
