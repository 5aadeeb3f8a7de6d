"""Choices that no run has made yet, made here from what the store has; they take no model."""

from __future__ import annotations

from typing import Any

from reason_w2s.doctor.stored import Stored
from reason_w2s.predicate import failure
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.records import PROBLEM_FIELDS, TRACE_FIELDS, Pair, Row
from reason_w2s.runs import rows
from reason_w2s.stages.pair import PairConfig, pair
from reason_w2s.stages.select import SelectConfig, select


def chosen(name: str, plan: Plan, store: Stored) -> list[Row] | None:
    """The traces of a step that is stored, or comes to selections of one; None: it takes more."""
    step, made = plan.steps[name], store.made.get(name)
    if made is not None and step.kind == "traces":
        return list(rows.rows(made.run.store, made.item))
    if step.stage != "select" or len(step.of) != 1 or step.roles:
        return None
    found = chosen(step.of[0], plan, store)
    if found is None:
        return None
    cfg = SelectConfig.model_validate(step.config)
    kept = select(iter(found), cfg, step=name, seed=step.seed)
    return [one for one in kept if isinstance(one, Row)]


def paired(name: str, plan: Plan, store: Stored) -> tuple[list[Pair], dict[str, Row]] | None:
    """The pairs of a step whose traces `chosen` has, with these by key."""
    step = plan.steps[name]
    found = chosen(step.of[0], plan, store) if step.stage == "pair" and len(step.of) == 1 else None
    if found is None:
        return None
    cfg = PairConfig.model_validate(step.config)
    made = [
        one for one in pair(iter(found), cfg, step=name, seed=step.seed) if isinstance(one, Pair)
    ]
    return made, {row.trace.key: row for row in found}


def source(name: str, plan: Plan, store: Stored) -> str:
    """The stored step that `chosen` starts from, and its run, in words."""
    step = plan.steps[name]
    while step.name not in store.made:
        step = plan.steps[step.of[0]]
    return f"'{step.name}' in {store.made[step.name].run.folder}"


def narrowed(step: Step, plan: Plan, found: list[Row]) -> list[Row]:
    """What the selections before a step leave of traces that nothing was said about yet.

    Only conditions on fields of a trace or problem are met here; columns come later.
    """
    wheres = list(_conditions(step, plan))
    return [row for row in found if all(failure(row, where) is None for where in wheres)]


def _conditions(step: Step, plan: Plan) -> list[dict[str, Any]]:
    found = []
    while len(step.of) == 1:
        step = plan.steps[step.of[0]]
        if step.stage == "select":
            known = (*TRACE_FIELDS, *PROBLEM_FIELDS)
            found.append({key: one for key, one in step.config["where"].items() if key in known})
    return found
