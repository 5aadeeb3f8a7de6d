"""How measured models are asked, and where that was found, in lines for the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reason_w2s.engines import model_folder, shards
from reason_w2s.engines.client import is_url
from reason_w2s.prompts import Prompt
from reason_w2s.prompts.view import describe
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.runs.makers import located
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Run


def before(plan: Plan, option: str | None, profile: Profile) -> Iterator[str]:
    """The lines before a run: models that are asked alike share one.

    option: the prompt's name on the command line, if it was given there.

    Raises:
        ConfigError: a model is not there, or has no prompt.
    """
    said: dict[str, list[str]] = {}
    fake = profile.sampler == "fake"
    for name in dict.fromkeys(one.step for one in plan.measured):
        step = plan.steps[name]
        if step.stage == "model" and not (is_url(step.config["path"]) and not fake):
            for line in _lines(step, option, fake=fake):
                said.setdefault(line, []).append(name)
    for line, names in said.items():
        yield f"{', '.join(names)}: {line}"
    yield from _suites(plan)


def after(run: Run) -> Iterator[str]:
    """The lines after a run, for models at an endpoint, of which little is known before."""
    for name, item in run.items.items():
        if item.stage == "model" and item.model is not None and item.model.served is not None:
            model = item.model
            sent = f"as tokens of {model.tokenizer}" if model.tokenizer else "as text"
            prompt = describe(model.asked())
            yield f"{name} ('{model.served}'): asked with {prompt}, {sent}"


def _lines(step: Step, option: str | None, *, fake: bool) -> Iterator[str]:
    folder = located.place(step, fake=fake)
    asked, found = located.asked(step, folder)
    prompt = Prompt.model_validate(asked)
    yield f"asked with {describe(prompt)} ({_origin(folder, found, option)})"
    if folder is None:
        return
    yield from _template(folder, prompt)
    if model_folder.is_adapter(folder):
        yield f"LoRA adapter on {model_folder.base_of(folder).resolve()}"
    if shards.needed(folder):
        yield "weights in DeepSpeed's shards, gathered once and kept in the store"


def _origin(folder: Path | None, found: Path | None, option: str | None) -> str:
    if found is None:
        return f"--prompt {option}" if option else "from the changes given here"
    if found == folder:
        return f"saved with it, {model_folder.PROMPT_FILE}"
    return f"saved in the training's folder, {found / model_folder.PROMPT_FILE}"


def _template(folder: Path, prompt: Prompt) -> Iterator[str]:
    found = model_folder.template_folder(folder)
    if found is None:
        return
    if not prompt.chat:
        yield "chat template not used: this prompt is plain text"
    elif found == folder:
        yield "chat template: its own"
    else:
        yield f"chat template: that of {found}"


def _suites(plan: Plan) -> Iterator[str]:
    for suite, model in {
        one.suite: one.model for one in plan.measured if one.kind == "model"
    }.items():
        step = plan.steps.get(f"eval/{model}/{suite}/asked")
        if step is not None:
            prompt = describe(Prompt.model_validate(step.config["prompt"]))
            yield f"{suite}: asks with its own prompt: {prompt}"
