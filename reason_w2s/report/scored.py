"""Scores of steps and tokens for the viewer: as few digits and tokens as a page can carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reason_w2s.answers.steps import split
from reason_w2s.records import Row
from reason_w2s.report.traces import units
from reason_w2s.runs.results import asked
from reason_w2s.runs.run import Run

TOKENS = 300_000
"""Tokens whose scores a page holds at most, some six bytes each with where they end; traces that
come later have those of their steps alone."""
DIGITS = 3
EDGE = 0.05
"""The share of all scores at either end that the colours do not tell apart."""
TOLD_ELSEWHERE = ("steps", "tokens", "ends", "vocabulary")


class Scores:
    """Traces' scores as JSON, and what the colours of each score step mean."""

    def __init__(self, run: Run) -> None:
        names = [item.step for item in run.items.values() if item.stage == "score"]
        plan = asked(run)[1] if names else None
        self._configs = {name: plan.steps[name].config for name in names} if plan else {}
        self._seen: dict[str, dict[str, list[float]]] = {
            name: {"steps": [], "tokens": []} for name in names
        }
        self._room = TOKENS

    def listed(self) -> list[dict[str, Any]]:
        """Each score step: its name and kind, and of its steps' and tokens' scores the values at
        which the colours end."""
        return [
            {
                "step": name,
                "kind": self._configs[name]["kind"],
                **{grain: ends(values) for grain, values in grains.items()},
            }
            for name, grains in self._seen.items()
        ]

    def hides(self, column: str) -> bool:
        """Whether a column is shown in the text instead of among the columns."""
        step, _, short = column.rpartition(".")
        return step in self._configs and short in TOLD_ELSEWHERE

    def of(self, row: Row) -> list[dict[str, Any]]:
        """The scores of a trace, by the places of their steps in `listed`."""
        return [
            found
            for place, name in enumerate(self._configs)
            if (found := self._one(place, name, row)) is not None
        ]

    def _one(self, place: int, name: str, row: Row) -> dict[str, Any] | None:
        value, steps = (row.columns.get(f"{name}.{short}") for short in ("value", "steps"))
        if steps is None:
            return None
        cuts = [step.end for step in split(row.trace.text, self._configs[name]["split"])]
        self._seen[name]["steps"] += [one for one in steps if one is not None]
        return {
            "score": place,
            "value": short(value),
            "cuts": units(row.trace.text, cuts),
            "steps": [short(one) for one in steps],
            **self._tokens(name, row),
        }

    def _tokens(self, name: str, row: Row) -> dict[str, Any]:
        tokens = row.columns[f"{name}.tokens"]
        if len(tokens) > self._room:
            return {"ends": None, "tokens": None}
        self._room -= len(tokens)
        self._seen[name]["tokens"] += tokens
        last = units(row.trace.text, row.columns[f"{name}.ends"])
        return {"ends": last, "tokens": [short(one) for one in tokens]}


def short(value: float | None) -> float | None:
    """A number with few digits, as JSON carries it; a whole one stays whole."""
    if value is None:
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def ends(values: Sequence[float]) -> list[float | None]:
    """The values between which colours are told apart: all but the share `EDGE` at either end."""
    if not values:
        return [None, None]
    ranked = sorted(values)
    at = int(EDGE * (len(ranked) - 1))
    return [short(ranked[at]), short(ranked[len(ranked) - 1 - at])]
