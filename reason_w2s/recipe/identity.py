"""What a step makes, as far as a plan says it, whatever the step is called."""

from __future__ import annotations

import hashlib
import json

from reason_w2s.recipe.blocks import renamed
from reason_w2s.recipe.plan import Plan

_WITHOUT_SEED = ("model", "prompted", "union")


def identities(plan: Plan) -> dict[str, str]:
    """Each step's identity by name: its settings, its seed, and the same of all it needs.

    Steps of one identity make the same thing, in whichever plan. Others may come to the same in the
    store, which goes by content.
    """
    found: dict[str, str] = {}
    for name, step in plan.steps.items():
        told = [
            step.stage,
            renamed(step.config, found),
            None if step.stage in _WITHOUT_SEED else step.seed,
            step.labels,
            [found[other] for other in step.of],
            {role: found[other] for role, other in step.roles.items()},
        ]
        text = json.dumps(told, sort_keys=True, default=str)
        found[name] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found
