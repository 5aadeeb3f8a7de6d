"""Models and sets of other recipes: `ceiling: {use: {recipe: ceilings/gold.yaml, step: tuned}}`.

The other recipe is loaded as this one is, under the same overlays, seed and values of what is
swept, and kept inside this one, so that a run says all it rests on. What the step needs becomes
steps of this plan, under `ceiling/`; the store shares what a run of the other recipe has made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.blocks import renamed
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.yaml_file import nearest, parse

SECTIONS = ("models", "problems", "steps")


class Use(BaseModel):
    """A step of another recipe. recipe: its file, or what stands in it. step: of a block
    `block.step`, its last; or a name that the other measures it under. seed: None: this one's.
    values: of the variables that the other recipe sweeps and this one does not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: str | dict[str, Any]
    step: str
    seed: int | None = None
    values: dict[str, Any] | None = None


def embedded(
    recipe: Mapping[str, Any], load: Callable[[Path, Use], dict[str, Any]], place: str
) -> dict[str, Any]:
    """The recipe with what it uses inside it; `load` reads a file as the use of it says."""
    whole = dict(recipe)
    for section, name, use in _uses(recipe, place):
        if isinstance(use.recipe, str):
            other = load(Path(use.recipe), use)
            given = {**use.model_dump(exclude_none=True, exclude={"values"}), "recipe": other}
            whole[section] = {**whole[section], name: {"use": given}}
    return whole


def taken_out(recipe: Mapping[str, Any], place: str) -> tuple[dict[str, Any], dict[str, Use]]:
    """The recipe without what it uses, and that by the names it goes by here."""
    found = list(_uses(recipe, place))
    own = dict(recipe)
    for section, name, _ in found:
        own[section] = {key: value for key, value in own[section].items() if key != name}
    return own, {name: use for _, name, use in found}


def used_steps(recipe: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """By its name here, each step of another recipe: the recipe's name, and the step's there."""
    return {
        name: {"recipe": use.recipe["name"], "step": use.step}
        for _, name, use in _uses(recipe, "")
        if isinstance(use.recipe, dict)
    }


def steps(name: str, step: str, plan: Plan, where: str) -> Iterator[Step]:
    """The step as `name`, and before it all it needs as `name/...`.

    Raises:
        ConfigError: the plan has no such step.
    """
    if step not in plan.steps:
        raise ConfigError(
            f"{where}.use.step: {plan.name} has no '{step}'{nearest(step, plan.steps)}"
        )
    needed = plan.needed([step])
    names = {one: name if one == step else f"{name}/{one}" for one in needed}
    for one in plan.steps.values():
        if one.name in needed:
            yield replace(
                one,
                name=names[one.name],
                config=renamed(one.config, names),
                of=tuple(names[other] for other in one.of),
                roles={role: names[other] for role, other in one.roles.items()},
                after=tuple(names[other] for other in one.after),
            )


def _uses(recipe: Mapping[str, Any], place: str) -> Iterator[tuple[str, str, Use]]:
    for section in SECTIONS:
        entries = recipe.get(section)
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            if isinstance(entry, Mapping) and "use" in entry:
                where = f"{place}: {section}.{name}"
                if len(entry) > 1:
                    raise ConfigError(f"{where}: 'use' stands alone; remove the other keys")
                yield section, name, parse(Use, entry["use"], f"{where}.use")
