"""What a train step must obey: its objective, what it learns from, and its settings agree."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.plan import Plan, Step

if TYPE_CHECKING:
    from reason_w2s.train.objectives import Objective


def check_training(plan: Plan, step: Step, where: str) -> None:
    """`of`, `target`, `side` and `objective` of a train step fit together."""
    if step.stage != "train":
        return
    from reason_w2s.train.objectives import OBJECTIVES

    _trainer(step, where)
    by = OBJECTIVES[step.config["objective"]]
    kinds = {plan.steps[name].kind for name in step.of}
    _learned(step, by, kinds, where)
    _labelled(step, by, where)
    _valued(step, by, where)
    _noise(step, where)
    if "ref" in step.roles and not by.reference:
        raise ConfigError(
            f"{where}.ref: {step.config['objective']} has no reference model; remove it"
        )
    _judged(step, by, kinds, where)


def _trainer(step: Step, where: str) -> None:
    """What TRL is to be told."""
    from reason_w2s.stages.train import TrainConfig
    from reason_w2s.train.arguments import check_length, check_trainer_keys
    from reason_w2s.train.objectives import OBJECTIVES
    from reason_w2s.train.rollouts import check_groups

    try:
        check_trainer_keys(step.config["objective"], dict(step.config["trainer"]))
        check_length(step.config["updates"], step.config["trainer"])
        if OBJECTIVES[step.config["objective"]].group:
            check_groups(TrainConfig.model_validate(step.config))
    except ConfigError as error:
        raise ConfigError(f"{where}.{error}") from error


def _learned(step: Step, by: Objective, kinds: Set[str], where: str) -> None:
    """`of` holds what the objective learns from, and `target` and `side` say what of it."""
    objective = step.config["objective"]
    target, side = step.config.get("target"), step.config.get("side")
    given = ", ".join(sorted(kinds))
    answers, problems = by.learns == "answers", kinds == {"problems"}
    if len(kinds) > 1:
        raise ConfigError(
            f"{where}.of: {' and '.join(sorted(kinds))} cannot be trained on together"
        )
    if answers and problems and target != "solution":
        raise ConfigError(f"{where}.of: problems can be trained on with target: solution only")
    if target == "solution" and not (answers and problems):
        raise ConfigError(f"{where}.target: solution needs 'of' to be a problem set")
    if target == "answer" and (not answers or problems):
        raise ConfigError(f"{where}.target: answer is for objectives that learn answers, of traces")
    if by.learns == "pairs" and kinds != {"pairs"}:
        raise ConfigError(f"{where}.of: {objective} needs pairs (a pair step), got {given}")
    if (side is not None) != (answers and kinds == {"pairs"}):
        raise ConfigError(f"{where}.side: chosen or rejected, for sft on pairs and nothing else")
    if by.learns in ("verdicts", "values") and kinds != {"traces"}:
        raise ConfigError(f"{where}.of: {objective} needs traces, got {given}")


def _labelled(step: Step, by: Objective, where: str) -> None:
    """A yes-or-no column is learned by the objective that learns verdicts."""
    if (by.learns == "verdicts") != (step.config.get("label") is not None):
        raise ConfigError(
            f"{where}.label: the yes-or-no column of what is wanted (label: STEP.correct), for "
            f"objective kto and no other"
        )


def _valued(step: Step, by: Objective, where: str) -> None:
    """A column of numbers is learned by the objective that learns to give them."""
    target = step.config.get("target")
    if (by.learns == "values") != (target is not None and "." in target):
        raise ConfigError(
            f"{where}.target: the column of numbers to give (target: STEP.value), for objective "
            f"regress and no other"
        )


def _judged(step: Step, by: Objective, kinds: Set[str], where: str) -> None:
    """What samples while it trains learns from problems; `reward` and `teacher` stand where the
    objective has them, and nowhere else."""
    objective = step.config["objective"]
    if by.learns == "problems" and kinds != {"problems"}:
        raise ConfigError(
            f"{where}.of: {objective} samples by itself and needs problems, got {', '.join(kinds)}"
        )
    if by.reward and step.config["reward"] is None:
        raise ConfigError(f"{where}: {objective} needs a reward; say reward: check")
    if not by.reward and step.config["reward"] is not None:
        raise ConfigError(f"{where}.reward: {objective} takes no reward; remove it")
    if by.teacher and "teacher" not in step.roles:
        raise ConfigError(f"{where}: {objective} needs a teacher; name a model: teacher: NAME")
    if not by.teacher and "teacher" in step.roles:
        raise ConfigError(f"{where}.teacher: {objective} follows no teacher; remove it")


def _noise(step: Step, where: str) -> None:
    """The rate of flipped pairs is said once, where a loss takes it."""
    trainer, loss = step.config["trainer"], step.config.get("loss") or {}
    asked = trainer.get("loss_type", "sigmoid")
    robust = step.config["objective"] == "dpo" and "robust" in (
        [asked] if isinstance(asked, str) else asked
    )
    takes = robust or loss.get("name") == "conservative"
    key = "trainer.label_smoothing" if robust else "loss.flipped"
    typed = trainer.get("label_smoothing") if robust else loss.get("flipped")
    if "noise" in step.roles and not takes:
        raise ConfigError(
            f"{where}.noise: only trainer.loss_type: robust and loss: {{name: conservative}} take "
            f"a rate of flipped pairs; use one of them, or remove it"
        )
    if takes and (typed is None) != ("noise" in step.roles):
        said = "is measured by 'noise' and typed here" if typed is not None else "is not said"
        raise ConfigError(
            f"{where}.{key}: the rate of flipped pairs {said}; give either noise: STEP or a number"
        )
