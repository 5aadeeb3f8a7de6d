"""Steps that look for a suite's problems among those that measured models were trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reason_w2s.recipe.plan import Measured, Plan, Step
from reason_w2s.recipe.rules import problem_sets
from reason_w2s.recipe.schema import SuiteSpec


def overlap_steps(
    plan: Plan, measured: Sequence[Measured], suites: Mapping[str, SuiteSpec], *, allow: bool
) -> tuple[list[Step], list[str]]:
    """A step per suite over all problems that measured models were trained on, and the names of the
    steps that trained on them; nothing where none did."""
    needed = plan.needed(one.step for one in measured)
    trained = [
        name for name, step in plan.steps.items() if name in needed and step.stage == "train"
    ]
    taught = {name for train in trained for name in problem_sets(plan, train)}
    # what is cut out of a set is in it
    whole = tuple(
        name
        for name in plan.steps
        if name in taught and not any(one.name in taught - {name} for one in plan.lineage(name))
    )
    steps = []
    for suite, spec in suites.items() if whole else ():
        config = {**spec.overlap.model_dump(mode="json"), "allow": allow}
        roles = {"suite": f"suites/{suite}"}
        steps.append(Step(f"overlap/{suite}", "overlap", "overlaps", config, whole, roles))
    return steps, trained
