"""Checks how a batch is shared out, and whether there are examples enough for it."""

from __future__ import annotations

from collections.abc import Iterator

from reason_w2s.doctor.bounds import most
from reason_w2s.doctor.case import Case, failed
from reason_w2s.doctor.finding import Fact, Finding, Said, Unchecked
from reason_w2s.errors import ConfigError, W2SError
from reason_w2s.recipe.plan import Step
from reason_w2s.runs.cautions import FEW_EXAMPLES
from reason_w2s.train.arguments import accumulation, total_updates
from reason_w2s.train.config import TrainSettings

MANY_EPOCHS = 50.0
"""Ours: published recipes of this kind take 1 to 10 epochs, our smallest control takes 32."""


def batches(case: Case) -> Iterator[Said]:
    """processes x micro batch x accumulation = batch, exactly."""
    profile = case.profile.train
    for step in case.trains():
        batch = step.config["batch"]
        try:
            micro, steps = accumulation(batch, profile, case.settings(step).by.least)
        except ConfigError as error:
            yield failed(error, case.at(step, "batch"), "the run refuses it before anything else")
            continue
        what = "completions" if case.settings(step).group else "examples"
        told = (
            (
                f"{step.name}: {profile.processes} processes x {micro} {what} x {steps} passes = "
                f"{batch} per update"
            )
            .replace("1 processes", "1 process")
            .replace("1 passes", "1 pass")
        )
        data = {"step": step.name, "batch": batch, "processes": profile.processes}
        yield Fact("batch", told, {**data, "micro_batch": micro, "accumulation": steps})


def enough(case: Case) -> Iterator[Said]:
    """Examples against `min_examples` and against what the updates ask for."""
    for step in case.trains():
        settings = case.settings(step)
        try:
            count = case.material(step).count
        except W2SError:
            count = None  # said where the rows are looked at
        if count is not None:
            yield from _counted(case, step, settings, count)
            continue
        bound = most(case, step)
        if bound is None:
            yield Unchecked(f"how many examples '{step.name}' has", "they are not made yet")
        else:
            yield from _bounded(case, step, settings, bound)


def _counted(case: Case, step: Step, settings: TrainSettings, count: int) -> Iterator[Said]:
    updates = total_updates(settings, count)
    epochs = updates * settings.batch / (count * max(1, settings.group) * settings.reused)
    told = f"{step.name}: {count:,} examples, {updates:,} updates of {settings.batch}"
    told += f" ({settings.group} completions each)" if settings.group > 1 else ""
    data = {"step": step.name, "examples": count, "updates": updates, "epochs": round(epochs, 2)}
    yield Fact("examples", f"{told}: {epochs:.1f} epochs", data)
    yield from _few(case, step, settings, f"{count:,} examples", count)
    if epochs > MANY_EPOCHS:
        yield Finding(
            f"{updates:,} updates of {settings.batch} see each of {count:,} examples "
            f"{epochs:.0f} times",
            case.at(step, "updates" if settings.updates else "trainer.num_train_epochs"),
            "so often repeated, examples are learned by heart",
            "fewer updates or epochs, or more examples",
            "warning",
        )


def _bounded(case: Case, step: Step, settings: TrainSettings, bound: int) -> Iterator[Said]:
    data = {"step": step.name, "at_most": bound}
    yield Fact("examples", f"{step.name}: at most {bound:,} examples; not made yet", data)
    yield from _few(case, step, settings, f"at most {bound:,} examples", bound)


def _few(
    case: Case, step: Step, settings: TrainSettings, told: str, count: int
) -> Iterator[Finding]:
    if settings.min_examples == 0:
        return  # the recipe says that there may be few, or none
    if count < settings.min_examples:
        what = f"{told}, and min_examples is {settings.min_examples}"
        todo = "loosen the choice before it, sample more per problem, or take more problems"
        yield Finding(what, case.at(step, "of"), "the run stops before this step trains", todo)
    elif count < FEW_EXAMPLES:
        why = f"below {FEW_EXAMPLES}, which examples were left decides the result"
        todo = "take more problems, or sample more per problem; min_examples stops such a run"
        yield Finding(f"trains on {told} only", case.at(step, "of"), why, todo, "warning")
