"""Checks what samples while it trains: its prompts fit, can be judged, and fit its teacher."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reason_w2s.doctor.case import Case, failed
from reason_w2s.doctor.finding import Fact, Said, Unchecked
from reason_w2s.errors import W2SError
from reason_w2s.recipe.plan import Step
from reason_w2s.train import distillation, rollouts
from reason_w2s.train.examples import lengths

REFUSED = "the run checks the same before this step's first update, and stops"


def asked(case: Case) -> Iterator[Said]:
    """Prompt and completion fit the model, and rewards have a gold answer to go by."""
    for step in case.sampling():
        try:
            yield _asked(case, step)
        except W2SError as error:
            yield failed(error, case.at(step), REFUSED)


def vocabularies(case: Case) -> Iterator[Said]:
    """The teacher whose distributions are followed has the student's tokens."""
    for step in case.sampling():
        name = step.roles.get("teacher")
        if name is None:
            continue
        own, other = (case.models.tokenizer(one) for one in (step.roles["init"], name))
        if own is None or other is None:
            yield Unchecked(f"whether '{name}' has the student's tokens", "not both are here")
            continue
        try:
            distillation.check_vocabularies(own, other, case.models.called(name))
        except W2SError as error:
            yield failed(error, case.at(step), REFUSED)


def _asked(case: Case, step: Step) -> Said:
    made, found, init = case.rows(step), case.material(step), step.roles["init"]
    prompt, settings = case.models.prompt(init), case.settings(step)
    if made is None or prompt is None:
        return Unchecked(f"what '{step.name}' asks, in tokens", "its model is not here")
    if found.exact:
        rollouts.check_rows(made, settings, prompt, case.positions(init))
    longest = max(lengths(made))
    told = f"prompts of at most {longest:,} tokens and completions of at most {settings.longest:,}"
    data: dict[str, Any] = {"step": step.name, "prompt": longest, "completion": settings.longest}
    return Fact("rollouts", f"{step.name}: {told} (looked at: {found.told})", data)
