"""The cells of a sweep beside each other: what they share, and in what they differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reason_w2s.recipe.identity import identities
from reason_w2s.recipe.load import Loaded
from reason_w2s.recipe.plan import Step

_SHOWN = 6
"""Names in a line."""


def representatives(cells: Sequence[Loaded]) -> list[Loaded]:
    """One cell for each combination of settings: the others differ from it in seeds alone."""
    found: dict[str, Loaded] = {}
    for cell in cells:
        settings = {
            name: value for name, value in cell.values.items() if cell.roles[name] == "setting"
        }
        found.setdefault(json.dumps(settings), cell)
    return list(found.values())


def lines(cells: Sequence[Loaded]) -> Iterator[str]:
    """What differs per cell, and how much of all is shared."""
    labels = [cell.label for cell in cells]
    yield from ("", f"a sweep of {len(cells)} cells: {_listed(labels)}")
    yield from (f"  {line}" for line in _differing(cells))
    yield f"  {_counted(cells)}"


def as_json(cells: Sequence[Loaded]) -> dict[str, Any]:
    """The same as plain data. shared: steps of a cell that an earlier one has too."""
    seen: set[str] = set()
    listed = []
    for cell in cells:
        own = identities(cell.plan)
        shared = [name for name, identity in own.items() if identity in seen]
        seen.update(own.values())
        listed.append({"label": cell.label, "values": dict(cell.values), "shared": shared})
    return {"cells": listed, "different_steps": len(seen)}


def _listed(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{rest}"


def _counted(cells: Sequence[Loaded]) -> str:
    every = [
        (identity, cell.plan.steps[name].stage)
        for cell in cells
        for name, identity in identities(cell.plan).items()
    ]
    stages = Counter(stage for _, stage in set(every))
    costly = ", ".join(f"{stages[one]} {one}" for one in ("pretrain", "sample", "train"))
    return (
        f"in all: {len(every)} steps, {len(set(every))} different ones ({costly}); shared once made"
    )


def _differing(cells: Sequence[Loaded]) -> Iterator[str]:
    first = cells[0].plan.steps
    for cell in cells[1:]:
        own = cell.plan.steps
        parts = [f"+{name}" for name in own if name not in first]
        parts += [f"-{name}" for name in first if name not in own]
        if parts:
            yield f"{cell.label}: {', '.join(parts)}"
    groups: dict[tuple[str, str], list[str]] = {}
    for name in first:
        steps = [cell.plan.steps[name] for cell in cells if name in cell.plan.steps]
        if len(steps) == len(cells):
            for key, values in _changing(steps):
                groups.setdefault((key, _by(values, cells)), []).append(name)
    for (key, how), names in groups.items():
        yield f"{key} of {_listed(names)}: {how}"


def _changing(steps: Sequence[Step]) -> Iterator[tuple[str, list[Any]]]:
    """The settings that are not the same in all cells, the seed among them."""
    flat = [{"seed": step.seed, **_flat(step.config)} for step in steps]
    for key in dict.fromkeys(key for one in flat for key in one):
        values = [one.get(key) for one in flat]
        if any(value != values[0] for value in values):
            yield key, values


def _flat(config: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def _variables(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of a variable that is a mapping also `name.key`."""
    inner = {
        f"{name}.{key}": one
        for name, value in values.items()
        if isinstance(value, Mapping)
        for key, one in value.items()
    }
    return {**values, **inner}


def _by(values: Sequence[Any], cells: Sequence[Loaded]) -> str:
    """The variable, or the key of one, that has the very values; else each value with its cells."""
    variables = [_variables(cell.values) for cell in cells]
    for name in variables[0]:
        if [one.get(name) for one in variables] == list(values):
            distinct = dict.fromkeys(json.dumps(value) for value in values)
            return f"{name} ({', '.join(distinct)})"
    told: dict[str, list[str]] = {}
    for value, cell in zip(values, cells, strict=True):
        told.setdefault(json.dumps(value), []).append(cell.label)
    return "; ".join(f"{value} in {_listed(labels)}" for value, labels in told.items())
