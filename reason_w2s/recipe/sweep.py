"""`sweep:` at the top of a recipe: the whole recipe once for each combination of values.

    sweep:
      seed: [0, 1, 2]
      cell: [{weak: 4096, gold: 256}, {weak: 0, gold: 1024}]

Each combination is a recipe of its own, in a run of its own, named by its values. They share one
store: what does not depend on a variable is made once, also a step that is pinned by a `seed` of
its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Literal, NamedTuple

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.variables import substitute

_ODD = re.compile(r"[^A-Za-z0-9._]+")


Role = Literal["seed", "stratum", "setting"]
"""What a variable is: the recipe's seed; the seed of something that is made once for several
recipe seeds, such as pretrained models; anything else."""


class Cell(NamedTuple):
    """One combination: its name ("" where nothing is swept), the recipe under it, its values, and
    what each variable is."""

    label: str
    recipe: dict[str, Any]
    values: Mapping[str, Any]
    roles: Mapping[str, Role]


def cells(recipe: Mapping[str, Any], place: str) -> list[Cell]:
    """The recipes that a recipe stands for, in the order of its sweep's values.

    Raises:
        ConfigError: a sweep that is none, or two combinations of one name.
    """
    plain = {key: value for key, value in recipe.items() if key != "sweep"}
    sweep = recipe.get("sweep")
    if sweep is None:
        return [Cell("", plain, {}, {})]
    _check(sweep, f"{place}: sweep")
    roles = {name: _role(name, plain) for name in sweep}
    made = [
        _cell(plain, dict(zip(sweep, values, strict=True)), roles, place)
        for values in product(*sweep.values())
    ]
    labels = [cell.label for cell in made]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise ConfigError(f"{place}: sweep: two combinations are named '{twice}'; change a value")
    return made


def _check(sweep: Any, where: str) -> None:
    if not isinstance(sweep, Mapping) or not sweep:
        raise ConfigError(f"{where}: expected variables with their values, {{seed: [0, 1, 2]}}")
    for name, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{where}.{name}: expected a list of values, got {values!r}")
        if name == "seed" and not all(type(value) is int for value in values):
            raise ConfigError(f"{where}.seed: expected whole numbers, got {values!r}")


def under(recipe: Mapping[str, Any], values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The recipe, swept or not, under given values of variables.

    Raises:
        ConfigError: it sweeps a variable that has no value here.
    """
    for name in recipe.get("sweep") or {}:
        if name not in values:
            raise ConfigError(
                f"{place}: its sweep has '{name}', which has no value here; say which it is used "
                f"with: use.values: {{{name}: ...}}"
            )
    plain = {key: value for key, value in recipe.items() if key != "sweep"}
    whole = {**plain, **({"seed": values["seed"]} if "seed" in values else {})}
    found: dict[str, Any] = substitute(whole, values, place, others=True)
    return found


def _cell(
    recipe: dict[str, Any], values: dict[str, Any], roles: Mapping[str, Role], place: str
) -> Cell:
    label = "-".join(part for name, value in values.items() for part in _named(name, value))
    return Cell(label, under(recipe, values, place), values, roles)


def _role(name: str, recipe: Mapping[str, Any]) -> Role:
    """A stratum stands under keys named `seed` and nowhere else."""
    if name == "seed":
        return "seed"
    places = set(_places(recipe, f"${{{name}", ""))
    return "stratum" if places == {"seed"} else "setting"


def _places(data: Any, sign: str, key: str) -> Iterator[str]:
    """The keys that a variable stands under."""
    if isinstance(data, Mapping):
        for inner, value in data.items():
            yield from _places(value, sign, str(inner))
    elif isinstance(data, list):
        for value in data:
            yield from _places(value, sign, key)
    elif isinstance(data, str) and (f"{sign}}}" in data or f"{sign}." in data):
        yield key


def _named(name: str, value: Any) -> Iterator[str]:
    """`seed0`; of a mapping its keys with their values."""
    pairs = value.items() if isinstance(value, Mapping) else [(name, value)]
    for key, one in pairs:
        yield _ODD.sub("_", f"{key}{one}")
