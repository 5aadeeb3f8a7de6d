"""Changing a recipe from outside: `--with FILE` overlays and `a.b.c=value` overrides.

An overlay is a partial recipe: mappings merge, everything else replaces, null removes a key. Its
own key `every` is a list of {where, set}: `set` merges into the settings of each of the recipe's
steps that meets `where`, a predicate over `stage` and the step's settings (`sampling.n` reads a key
inside one); what the overlay says of a step by name comes after that. So one file sizes any recipe
down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reason_w2s.errors import ConfigError
from reason_w2s.predicate import holds, validate
from reason_w2s.recipe.yaml_file import nearest, value
from reason_w2s.stages.table import USABLE

NAMED = ("models", "problems", "steps", "suites")


def merge(base: Any, patch: Any) -> Any:
    """RFC 7386: `base` with `patch` merged into it; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(base) if isinstance(base, Mapping) else {}
    for key, change in patch.items():
        if change is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), change)
    return merged


def overlay(recipe: dict[str, Any], patch: dict[str, Any], place: str) -> dict[str, Any]:
    """The recipe under an overlay file's content; `place` names the file in errors."""
    patch = dict(patch)
    rules = patch.pop("every", [])
    if not isinstance(rules, list):
        raise ConfigError(f"{place}: every: expected a list, got {rules!r}")
    steps = recipe.get("steps") or {}
    _refuse_shape(patch, place)
    _refuse_misspelt(patch, steps, place)
    for number, rule in enumerate(rules):
        if not isinstance(rule, dict) or set(rule) != {"where", "set"}:
            raise ConfigError(f"{place}: every[{number}]: expected the keys 'where' and 'set'")
        validate(rule["where"], f"{place}: every[{number}].where")
        _refuse_nothing(rule, f"{place}: every[{number}]")
        if not isinstance(steps, dict):
            break
        steps = {name: _apply(step, rule) for name, step in steps.items()}
    merged: dict[str, Any] = merge({**recipe, "steps": steps}, _asked_for(recipe, patch))
    return merged


def _refuse_nothing(rule: Mapping[str, Any], place: str) -> None:
    """A rule for a stage that does not exist, or that sets no mapping."""
    if not isinstance(rule["set"], Mapping):
        raise ConfigError(f"{place}.set: expected a mapping of settings, got {rule['set']!r}")
    stage = rule["where"].get("stage")
    known = (*USABLE, "problems")  # a block's rounds may have sets of their own
    if isinstance(stage, str) and stage not in known:
        raise ConfigError(f"{place}.where.stage: no stage '{stage}'{nearest(stage, known)}")


def _refuse_shape(patch: Mapping[str, Any], place: str) -> None:
    for name in NAMED:
        found = patch.get(name)
        if found is not None and not isinstance(found, Mapping):
            raise ConfigError(f"{place}: {name}: expected a mapping, got {found!r}")


def _refuse_misspelt(patch: Mapping[str, Any], steps: Any, place: str) -> None:
    """A change to a step whose name the recipe has almost, too little to be a new step."""
    taken = {*(patch.get("models") or {}), *(steps if isinstance(steps, Mapping) else {})}
    for name, change in (patch.get("steps") or {}).items():
        known = name in taken or "did you mean" not in nearest(name, steps or {})
        if known or not isinstance(change, Mapping) or len(change) != 1:
            continue
        settings = next(iter(change.values()))
        if isinstance(settings, Mapping) and not {"of", "model", "recipe"} & set(settings):
            raise ConfigError(
                f"{place}: steps.{name}: a new step needs 'of', and to change there is no step of "
                f"this name{nearest(name, steps)}"
            )


def _asked_for(recipe: Mapping[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The patch, less the steps that would take the place of models that the recipe has not."""
    models, steps = patch.get("models"), patch.get("steps")
    if not isinstance(models, Mapping) or not isinstance(steps, Mapping):
        return patch
    known = {*(recipe.get("models") or {}), *(recipe.get("steps") or {})}
    absent = {name for name, change in models.items() if change is None} - known
    return {**patch, "steps": {name: step for name, step in steps.items() if name not in absent}}


def override(recipe: dict[str, Any], assignment: str) -> dict[str, Any]:
    """The recipe with `path.to.key=value` applied; the value is YAML.

    Raises:
        ConfigError: no `=`, or a name that the recipe does not have.
    """
    path, sign, text = assignment.partition("=")
    if not sign or not path:
        raise ConfigError(f"'{assignment}': expected key=value, e.g. steps.drawn.sample.seed=1")
    keys = path.split(".")
    if keys[0] in NAMED and len(keys) > 1 and keys[0] != "suites":
        known = recipe.get(keys[0]) or {}
        if keys[1] not in known:
            raise ConfigError(f"{path}: no '{keys[1]}' in {keys[0]}{nearest(keys[1], known)}")
    patch: Any = value(text)
    for key in reversed(keys):
        patch = {key: patch}
    merged: dict[str, Any] = merge(recipe, patch)
    return merged


def _apply(step: Any, rule: dict[str, Any]) -> Any:
    if isinstance(step, dict) and isinstance(step.get("do"), dict):
        return {**step, "do": {name: _apply(one, rule) for name, one in step["do"].items()}}
    if not isinstance(step, dict) or len(step) != 1:
        return step
    stage, settings = next(iter(step.items()))
    seen = {"stage": stage, **settings} if isinstance(settings, dict) else {"stage": stage}
    if all(holds(_at(seen, key), condition) for key, condition in rule["where"].items()):
        return {stage: merge(settings, rule["set"])}
    return step


def _at(settings: Any, path: str) -> Any:
    """The value at a path with dots; None where there is none."""
    for key in path.split("."):
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings
