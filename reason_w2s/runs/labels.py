"""The gold labels that a step rests on, derived from the plan: never typed, never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reason_w2s.recipe.plan import Plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from reason_w2s.runs.run import Run


def labels_used(run: Run, plan: Plan, name: str) -> dict[str, Any] | None:
    """The gold labels that a step rests on: distinct problems counted.

    None for a model that was not made here: what it was trained on is not known.

    `answers`: problems whose gold answer decided something; `solutions`: whose gold solution was
    trained on (its answer is part of it).
    """
    step = plan.steps[name]
    asked = step
    while asked.stage == "prompted":
        asked = plan.steps[asked.roles["model"]]
    if asked.stage == "model":
        return None
    return count_gold(run, gold_use(plan, name))


def count_gold(run: Run, uses: Iterable[GoldUse]) -> dict[str, Any]:
    """Distinct problems whose `answers` and whose `solutions` were used, and how many by set."""
    ids: dict[str, set[str]] = {"answers": set(), "solutions": set()}
    sets: dict[str, dict[str, int]] = {}
    for use in sorted(uses, key=lambda use: (use.problems, use.what)):
        found = {problem.id for problem in run.problems(use.problems)}
        ids[use.what] |= found
        sets.setdefault(use.problems, {})[use.what] = len(found)
    return {what: len(found) for what, found in ids.items()} | {"sets": sets}
