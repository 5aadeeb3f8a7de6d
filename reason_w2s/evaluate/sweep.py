"""The runs of a sweep taken together: means over seeds, differences, costs, as plain data.

Reads results as runs write them (results.json). Runs that differ in a seed alone are averaged;
those that differ in a setting stand side by side, as groups.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reason_w2s.errors import DataError
from reason_w2s.evaluate.spread import Spread, spread

Results = Mapping[str, Any]
COSTS = ("tokens_generated", "tokens_trained", "seconds")
_ALPHA = 0.05


def is_sweep(runs: Sequence[Results]) -> bool:
    """Whether these are several cells of one sweep."""
    cells = [run.get("cell") for run in runs]
    if len(runs) < 2 or not all(cells):
        return False
    names = {(run["name"], tuple(cell["roles"].items())) for run, cell in _with_cells(runs)}
    return len(names) == 1


def sweep(runs: Mapping[str, Results], missing: Sequence[str] = ()) -> dict[str, Any]:
    """All runs of a sweep, by name. missing: the cells that there is nothing of.

    Raises:
        DataError: they are not runs of one sweep.
    """
    if not is_sweep(list(runs.values())):
        raise DataError(f"{', '.join(runs)}: expected several runs of one sweep")
    first = next(iter(runs.values()))
    groups = _grouped(runs)
    return {
        "name": first["name"],
        "title": first["title"],
        "variables": list(_variables(runs)),
        "suites": list(_suites(runs)),
        "cells": [{"run": name, "values": run["cell"]["values"]} for name, run in runs.items()],
        "missing": list(missing),
        "warnings": list(_warnings(runs)),
        "groups": [_group(group) for group in groups],
        "environment": first["environment"],
    }


def difference(group: Mapping[str, Any], a: str, b: str, suite: str) -> dict[str, Any] | None:
    """Model `a` less model `b` over the cells of a group, on the same problems in each cell.

    On the same problems the mean paired difference is the difference of the accuracies. None where
    one of them was not measured in the same cells.
    """
    found = [_score(group, model, suite) for model in (a, b)]
    left, right = (
        {cell["run"]: cell["accuracy"] for cell in score["cells"]} if score else {}
        for score in found
    )
    if not left or left.keys() != right.keys():
        return None
    values = {run: left[run] - right[run] for run in left}
    made = spread(_by_stratum(values, group["strata_of"]))
    cells = [{"run": run, "difference": value} for run, value in values.items()]
    return {
        "a": a,
        "b": b,
        "suite": suite,
        **_told(made, "difference"),
        "p": made.p,
        "outcome": _outcome(made),
        "strata": _strata(values, group["strata_of"], "difference"),
        "cells": cells,
    }


def _with_cells(runs: Sequence[Results]) -> Iterator[tuple[Results, Mapping[str, Any]]]:
    for run in runs:
        yield run, run["cell"]


def _variables(runs: Mapping[str, Results]) -> Iterator[dict[str, Any]]:
    """Each with its role and its values, in order."""
    first = next(iter(runs.values()))["cell"]
    for name, role in first["roles"].items():
        found = [run["cell"]["values"][name] for run in runs.values()]
        values = [value for at, value in enumerate(found) if value not in found[:at]]
        yield {"name": name, "role": role, "values": values}


def _suites(runs: Mapping[str, Results]) -> Iterator[dict[str, Any]]:
    """Each suite; `varies`: whether its problems differ between the cells."""
    keys: dict[str, set[Any]] = {}
    for run in runs.values():
        for suite in run["suites"]:
            keys.setdefault(suite["name"], set()).add(suite["key"])
    for name, found in keys.items():
        yield {"name": name, "varies": len(found) > 1}


def _warnings(runs: Mapping[str, Results]) -> Iterator[dict[str, Any]]:
    """Each warning once, with the runs that gave it."""
    found: dict[str, list[str]] = {}
    for name, run in runs.items():
        for text in run["warnings"]:
            found.setdefault(text, []).append(name)
    for text, names in found.items():
        yield {"text": text, "runs": names}


def _grouped(runs: Mapping[str, Results]) -> list[dict[str, Results]]:
    """Runs of the same settings together."""
    found: dict[str, dict[str, Results]] = {}
    for name, run in runs.items():
        found.setdefault(json.dumps(_of_role(run, "setting")), {})[name] = run
    return list(found.values())


def _of_role(run: Results, role: str) -> dict[str, Any]:
    cell = run["cell"]
    return {name: value for name, value in cell["values"].items() if cell["roles"][name] == role}


def _group(runs: Mapping[str, Results]) -> dict[str, Any]:
    strata = {name: _of_role(run, "stratum") for name, run in runs.items()}
    first = next(iter(runs.values()))
    group: dict[str, Any] = {
        "settings": _of_role(first, "setting"),
        "runs": list(runs),
        "strata_of": strata,
        "scores": list(_scores(runs, strata)),
        "costs": list(_costs(runs)),
    }
    named = dict.fromkeys((one["suite"], one["a"], one["b"]) for one in first["comparisons"])
    made = [difference(group, a, b, suite) for suite, a, b in named]
    group["comparisons"] = [one for one in made if one is not None]
    group["gaps"] = list(_gaps(runs, strata))
    return group


def _scores(
    runs: Mapping[str, Results], strata: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, run in runs.items():
        for score in run["scores"]:
            found.setdefault((score["model"], score["suite"]), {})[name] = score
    for (model, suite), scores in found.items():
        values = {name: score["accuracy"] for name, score in scores.items()}
        made = spread(_by_stratum(values, strata))
        labels = [score["labels"] for score in scores.values()]
        first, score = next(iter(scores.items()))
        yield {
            "model": model,
            "suite": suite,
            **_origin(runs[first], score["step"]),
            "n": [score["n"] for score in scores.values()],
            **_clipped(_told(made, "accuracy")),
            "labels": labels[0],
            "labels_differ": any(one != labels[0] for one in labels),
            "strata": _strata(values, strata, "accuracy"),
            "cells": [{"run": name, "accuracy": value} for name, value in values.items()],
        }


def _gaps(
    runs: Mapping[str, Results], strata: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Each gap, the mean of the runs' own values; None where a run refuses it: a mean over those
    that happen to have a gap would be another quantity."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, run in runs.items():
        for gap in run.get("gaps", ()):
            found.setdefault((gap["name"], gap["suite"]), {})[name] = gap
    for (gap, suite), given in found.items():
        cells = {name: one["value"] for name, one in given.items()}
        refused = sum(value is None for value in cells.values())
        row = {"name": gap, "suite": suite, "measure": next(iter(given.values()))["measure"]}
        if refused:
            told: dict[str, Any] = dict.fromkeys(("value", "df", "error", "low", "high"))
            told["why"], means = f"refused in {refused} of {len(cells)} runs", []
        else:
            told = _told(spread(_by_stratum(cells, strata)), "value")
            means = _strata(cells, strata, "value")
        listed = [{"run": name, "value": value} for name, value in cells.items()]
        yield {**row, **told, "strata": means, "cells": listed}


def _origin(run: Results, step: str) -> dict[str, str]:
    """The recipe and the step that a model is of: this recipe's, or one's that it uses."""
    found: dict[str, str] = run["uses"].get(step, {"recipe": run["name"], "step": step})
    return found


def _costs(runs: Mapping[str, Results]) -> Iterator[dict[str, Any]]:
    """Each model's costs, the mean over the cells that have it."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs.values():
        for cost in run.get("costs", ()):
            found.setdefault(cost["model"], []).append(cost)
    for model, costs in found.items():
        means = {name: sum(cost[name] for cost in costs) / len(costs) for name in COSTS}
        yield {"model": model, "cells": len(costs), **means}


def _by_stratum(
    values: Mapping[str, float], strata: Mapping[str, Mapping[str, Any]]
) -> dict[Hashable, list[float]]:
    found: dict[Hashable, list[float]] = {}
    for name, value in values.items():
        found.setdefault(json.dumps(strata[name]), []).append(value)
    return found


def _strata(
    values: Mapping[str, float], strata: Mapping[str, Mapping[str, Any]], called: str
) -> list[dict[str, Any]]:
    """Each stratum's mean; none where nothing is a stratum."""
    return [
        {"values": json.loads(str(stratum)), called: sum(found) / len(found), "cells": len(found)}
        for stratum, found in _by_stratum(values, strata).items()
        if stratum != "{}"
    ]


def _told(made: Spread, called: str) -> dict[str, Any]:
    told = asdict(made)
    del told["p"]
    return {called: told.pop("mean"), **told}


def _clipped(row: dict[str, Any]) -> dict[str, Any]:
    """An accuracy's interval within 0..1: no true value lies outside."""
    if row["low"] is None:
        return row
    return {**row, "low": max(0.0, row["low"]), "high": min(1.0, row["high"])}


def _outcome(made: Spread) -> str:
    if made.p is None:
        return "not known"
    if made.p >= _ALPHA:
        return "within noise"
    return "above" if made.mean > 0 else "below"


def _score(group: Mapping[str, Any], model: str, suite: str) -> Mapping[str, Any] | None:
    found = (one for one in group["scores"] if (one["model"], one["suite"]) == (model, suite))
    return next(found, None)
