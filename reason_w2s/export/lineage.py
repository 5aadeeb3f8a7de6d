"""What a run knows of where a step's records come from. Read from the run, nothing is typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reason_w2s.recipe.plan import Plan
from reason_w2s.runs.items import Item
from reason_w2s.runs.run import Run


def made_from(run: Run, plan: Plan, names: Iterable[str]) -> list[Item]:
    """The steps that these rest on, themselves last: data, and the models that wrote or judged."""
    needed = plan.needed(names)
    return [run.items[step] for step in plan.steps if step in needed and step in run.items]


def models(run: Run, plan: Plan, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The models these rest on: `name`, `origin` as the recipe says it, `fingerprint`, `prompt`.

    Those made here have no path worth naming: the step that made them is their origin.
    """
    for item in made_from(run, plan, names):
        if item.kind != "model":
            continue
        step = plan.steps[item.step]
        origin = step.config.get("path") if step.stage == "model" else f"{step.stage}, in this run"
        if step.stage == "prompted":
            origin = f"'{step.roles['model']}', asked differently"
        model = item.reference()
        revision = step.config.get("revision")
        yield {
            "name": item.step,
            "origin": f"{origin}, revision {revision}" if revision else origin,
            "fingerprint": model.fingerprint[:16],
            "prompt": model.prompt,
        }


def sampling(run: Run, plan: Plan, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """How traces were drawn: `step`, `model`, `seed` and the sampling settings."""
    for item in made_from(run, plan, names):
        step = plan.steps[item.step]
        if step.stage == "sample":
            settings = {"seed": step.seed, **step.config["sampling"]}
            yield {"step": item.step, "model": step.roles["model"], "settings": settings}


def without_places(value: Any) -> Any:
    """A recipe with files named, but not where they lie on the machine it ran on."""
    if isinstance(value, Mapping):
        return {
            key: _file(one) if key == "file" else without_places(one) for key, one in value.items()
        }
    return [without_places(one) for one in value] if isinstance(value, list) else value


def _file(value: Any) -> Any:
    if isinstance(value, list):
        return [_file(one) for one in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
