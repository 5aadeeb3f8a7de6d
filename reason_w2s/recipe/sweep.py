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
from typing import Any, NamedTuple

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.variables import substitute

_ODD = re.compile(r"[^A-Za-z0-9._]+")


class Cell(NamedTuple):
    """One combination: its name ("" where nothing is swept), and the recipe under it."""

    label: str
    recipe: dict[str, Any]


def cells(recipe: Mapping[str, Any], place: str) -> list[Cell]:
    """The recipes that a recipe stands for, in the order of its sweep's values.

    Raises:
        ConfigError: a sweep that is none, or two combinations of one name.
    """
    plain = {key: value for key, value in recipe.items() if key != "sweep"}
    sweep = recipe.get("sweep")
    if sweep is None:
        return [Cell("", plain)]
    _check(sweep, f"{place}: sweep")
    made = [
        _cell(plain, dict(zip(sweep, values, strict=True)), place)
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


def _cell(recipe: dict[str, Any], values: dict[str, Any], place: str) -> Cell:
    label = "-".join(part for name, value in values.items() for part in _named(name, value))
    whole = {**recipe, **({"seed": values["seed"]} if "seed" in values else {})}
    return Cell(label, substitute(whole, values, place, others=True))


def _named(name: str, value: Any) -> Iterator[str]:
    """`seed0`; of a mapping its keys with their values."""
    pairs = value.items() if isinstance(value, Mapping) else [(name, value)]
    for key, one in pairs:
        yield _ODD.sub("_", f"{key}{one}")
