"""Checks that a model is asked alike where it is sampled, trained and measured."""

from __future__ import annotations

from collections.abc import Iterator

from reason_w2s.doctor.case import Case
from reason_w2s.doctor.finding import Fact, Finding, Said
from reason_w2s.prompts import Prompt
from reason_w2s.prompts.view import describe
from reason_w2s.recipe.plan import Step

ASKS = {"template", "system", "chat", "prefill", "chat_template_kwargs"}
"""What a response depends on; shots, separator and stop strings may differ for good reasons."""


def measured(case: Case) -> Iterator[Said]:
    """Trained models are measured with the prompt they were trained with."""
    seen: set[str] = set()
    for one in case.plan.measured:
        train, drawn = case.plan.steps[one.step], _drawn(case, one.graded)
        if train.stage != "train" or drawn is None:
            continue
        taught, asked = (case.models.prompt(name) for name in (train.name, drawn.roles["model"]))
        if taught is None or asked is None or one.suite in seen or _same(taught, asked):
            continue
        seen.add(one.suite)
        yield Finding(
            f"'{one.model}' was trained with {describe(taught)} and is measured with "
            f"{describe(asked)}",
            f"{case.place}: suites.{one.suite}.prompt",
            "a model is best asked the way it was taught; the difference is measured too",
            "leave the suite's prompt out, or train with it",
            "warning",
        )
    if case.trains() and not seen:
        yield Fact("prompts", "models are measured with the prompts they were trained with")


def sampled(case: Case) -> Iterator[Said]:
    """Traces answer the prompt that the student will learn them as answers to."""
    said: set[tuple[str, str]] = set()
    # what reads a trace to score it does not learn to write it
    for step in (one for one in case.trains() if not case.settings(one).by.head):
        taught = case.models.prompt(step.roles["init"])
        for name in case.teachers(step):
            asked = case.models.prompt(name)
            if taught is None or asked is None or _same(taught, asked):
                continue
            both = describe(asked), describe(taught)
            if both not in said:
                said.add(both)
                yield Finding(
                    f"'{name}' is asked with {both[0]}, and its traces are learned as answers to "
                    f"{both[1]}",
                    f"{case.at(step, 'init')} and models.{name}.prompt",
                    "what only the teacher was asked for (a box, steps, a language) is learned as "
                    "if nobody had asked",
                    "give both one prompt, unless that is the point",
                    "note",
                )


def _drawn(case: Case, graded: str) -> Step | None:
    """The step that samples what is graded; None: lm-eval asks by itself."""
    return next((one for one in case.plan.lineage(graded) if one.stage == "sample"), None)


def _same(one: Prompt, other: Prompt) -> bool:
    return one.model_dump(include=ASKS) == other.model_dump(include=ASKS)
