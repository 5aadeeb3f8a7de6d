"""Blocks of steps that are repeated: `for` a variable's values, `do` these steps.

    stage:
      for:   {round: [1, 2]}
      carry: {policy: student}     # a name inside: at first this,
      next:  {policy: tuned}       # after each round that step of it
      do:    {drawn: {...}, tuned: {...}}

A block becomes plain steps, `stage.1.tuned`, `stage.2.tuned`; nothing after this file knows of it.
With `carry` it is a chain, and `stage.tuned` outside is the last one. Without, its rounds are
independent, and `stage.tuned` is all of them, wherever several may stand. Inside, its own steps go
by their short names, also as columns (`graded.correct`), and `${round}` is the variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.variables import substitute
from reason_w2s.recipe.yaml_file import nearest
from reason_w2s.records import REDUCTIONS
from reason_w2s.stages.table import STAGES

KEYS = ("for", "carry", "next", "do")
ROLES = {role for stage in STAGES.values() for role in stage.roles} | {"of", "without", "shots"}
PREDICATES = ("where", "when", "chosen", "rejected", "among", "binarise")
COLUMNS = ("by", "within", "answer", "truth", "label", "columns", "target", "scores", "weight")

Steps = dict[str, Any]
Names = Mapping[str, str | list[str]]


def unrolled(recipe: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The recipe with its blocks as plain steps, and problem sets among the steps with the others.

    Raises:
        ConfigError: a block that is not one, or a name outside that stands for several steps where
            one is expected.
    """
    steps = recipe.get("steps")
    if not isinstance(steps, Mapping):
        return dict(recipe)
    flat, names = _flat(steps, f"{place}: steps")
    flat = {name: _renamed_step(step, names) for name, step in flat.items()}
    cut = {name: step["problems"] for name, step in flat.items() if _is_problems(step)}
    plain = {name: step for name, step in flat.items() if name not in cut}
    changed = {**recipe, "steps": plain}
    if cut:
        changed["problems"] = {**(recipe.get("problems") or {}), **cut}
    return _measured(changed, names)


def is_block(step: Any) -> bool:
    """Whether what stands under a step's name is a block."""
    return isinstance(step, Mapping) and "do" in step


def _is_problems(step: Any) -> bool:
    return isinstance(step, Mapping) and list(step) == ["problems"]


def _flat(steps: Mapping[str, Any], where: str) -> tuple[Steps, dict[str, str | list[str]]]:
    """Plain steps, and what `block.step` stands for outside of the block."""
    flat: Steps = {}
    names: dict[str, str | list[str]] = {}
    for name, step in steps.items():
        if is_block(step):
            made, last = _block(str(name), step, f"{where}.{name}")
            flat |= made
            names |= last
        else:
            flat[name] = step
    return flat, names


def _block(
    name: str, block: Mapping[str, Any], where: str
) -> tuple[Steps, dict[str, str | list[str]]]:
    variable, values = _loop(block, where)
    carried = {str(inner): first for inner, first in (block.get("carry") or {}).items()}
    chain = bool(carried)
    flat: Steps = {}
    names: dict[str, str | list[str]] = {}
    for number, value in enumerate(values, 1):
        label = value if isinstance(value, str | int) else number
        steps = substitute(dict(block["do"]), {variable: value}, where, others=True)
        inner, nested = _flat(steps, f"{where}.do")
        own = {short: f"{name}.{label}.{short}" for short in inner}
        local = {**own, **{short: _inside(of, own) for short, of in nested.items()}, **carried}
        for short, step in inner.items():
            flat[own[short]] = _renamed_step(step, local)
        for short in (*own, *nested):
            _remember(names, f"{name}.{short}", local[short], chain=chain)
        carried |= {of: local[given] for of, given in _next(block, local, where)}
    return flat, names


def _loop(block: Mapping[str, Any], where: str) -> tuple[str, list[Any]]:
    for key in block:
        if key not in KEYS:
            raise ConfigError(f"{where}: unknown key '{key}'{nearest(str(key), KEYS)}")
    loop, steps = block.get("for"), block["do"]
    if not isinstance(loop, Mapping) or len(loop) != 1:
        raise ConfigError(f"{where}.for: expected one variable and its values, {{round: [1, 2]}}")
    if not isinstance(steps, Mapping) or not steps:
        raise ConfigError(f"{where}.do: expected steps")
    variable, values = next(iter(loop.items()))
    if not isinstance(values, list) or not values:
        raise ConfigError(f"{where}.for.{variable}: expected a list of values, got {values!r}")
    if set(block.get("carry") or {}) != set(block.get("next") or {}):
        raise ConfigError(f"{where}: 'carry' and 'next' must name the same things")
    return str(variable), values


def _next(block: Mapping[str, Any], local: Names, where: str) -> Iterator[tuple[str, str]]:
    for of, given in (block.get("next") or {}).items():
        if given not in local:
            raise ConfigError(f"{where}.next.{of}: no step '{given}' in it{nearest(given, local)}")
        yield str(of), given


def _inside(of: str | list[str], own: Mapping[str, str]) -> str | list[str]:
    return own[of] if isinstance(of, str) else [own[one] for one in of]


def _remember(
    names: dict[str, str | list[str]], name: str, of: str | list[str], *, chain: bool
) -> None:
    """What the name means outside: of a chain the last, else all."""
    before = names.get(name)
    if chain or before is None:
        names[name] = of
        return
    listed = [one for part in (before, of) for one in ([part] if isinstance(part, str) else part)]
    names[name] = listed


def _renamed_step(step: Any, names: Names) -> Any:
    """A step with the names in its settings replaced."""
    if not isinstance(step, Mapping) or len(step) != 1:
        return step
    stage, settings = next(iter(step.items()))
    return {stage: renamed(settings, names)}


def renamed(settings: Any, names: Names) -> Any:
    """A step's settings with names, also those of columns, replaced."""
    if not isinstance(settings, Mapping):
        return settings
    return {key: _setting(str(key), value, names) for key, value in settings.items()}


def _setting(key: str, value: Any, names: Names) -> Any:
    if key in PREDICATES and isinstance(value, Mapping):
        return {
            _column(str(column), names): _model(one, names) if column == "model" else one
            for column, one in value.items()
        }
    if key in ROLES:
        return _reference(value, names)
    if key in COLUMNS and isinstance(value, str | list | tuple):
        whole = [_column(str(column), names) for column in _several(value)]
        return whole[0] if isinstance(value, str) else whole
    if key in ("rules", "loss"):
        several = isinstance(value, list)
        return [renamed(one, names) for one in value] if several else renamed(value, names)
    if key == "mix" and isinstance(value, Mapping):
        return {_step(str(step), names): share for step, share in value.items()}
    return value


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _reference(value: Any, names: Names) -> Any:
    """What one name or a list of names stands for."""
    if isinstance(value, list):
        found = [_reference(one, names) for one in value]
        return [one for part in found for one in (part if isinstance(part, list) else [part])]
    return names.get(value, value) if isinstance(value, str) else value


def _step(name: str, names: Names) -> str:
    """A step's whole name; what stands for several is left as it is, which nothing is called."""
    of = names.get(name)
    return of if isinstance(of, str) else name


def _model(value: Any, names: Names) -> Any:
    """Which model's traces a predicate asks for: of several, any."""
    found = _reference(value, names)
    return {"in": found} if isinstance(found, list) and isinstance(value, str) else found


def _column(column: str, names: Names) -> str:
    """`-graded.correct` by the step's whole name. A column is of one step: several have none."""
    sign, bare = ("-", column[1:]) if column.startswith("-") else ("", column)
    whole, dot, how = bare.rpartition(".")
    reduction = f"{dot}{how}" if how in REDUCTIONS and "." in whole else ""
    step, dot, short = bare.removesuffix(reduction).rpartition(".")
    of = names.get(step)
    return f"{sign}{of}{dot}{short}{reduction}" if isinstance(of, str) else column


def _measured(recipe: dict[str, Any], names: Names) -> dict[str, Any]:
    """The recipe with what it evaluates named; several of one name become `NAME-1`, `NAME-2`."""
    evaluate = recipe.get("evaluate")
    if not isinstance(evaluate, Mapping):
        return recipe
    found: dict[str, dict[str, Any]] = {}
    for key in ("models", "selections", "resampling"):
        given = evaluate.get(key)
        for name, step in given.items() if isinstance(given, Mapping) else ():
            of = _reference(step, names)
            several = isinstance(of, list)
            named = {f"{name}-{n}": one for n, one in enumerate(of, 1)} if several else {name: of}
            found[key] = found.get(key, {}) | named
    return {**recipe, "evaluate": {**evaluate, **found}}
