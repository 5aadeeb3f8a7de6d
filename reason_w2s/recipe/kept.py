"""Optimiser states that go on: which train step leaves one for which.

`keep_optimizer: true` on a train step means the optimiser of the step that `init` names. In the
plan that step says `save_optimizer`, so what it makes holds the state, and its key in the store
says so. The first of a chain starts from a model that no step trained: there nothing goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.plan import Step

KEEP, SAVE = "keep_optimizer", "save_optimizer"


def marked(steps: Mapping[str, Step], place: str) -> dict[str, Step]:
    """The steps, each train step that another one goes on from marked.

    Raises:
        ConfigError: nothing goes on from or to a step that says so, or the two do not train the
            same weights by the same optimiser.
    """
    goes_on = {
        name: _trained(steps, step.roles["init"])
        for name, step in steps.items()
        if step.stage == "train" and step.config[KEEP]
    }
    found = dict(steps)
    for name, origin in goes_on.items():
        where = f"{place}: {steps[name].place}.{KEEP}"
        if origin is not None:
            _same(steps[name], steps[origin], where)
            found[origin] = _with(found[origin], SAVE, value=True)
        elif name not in goes_on.values():
            raise ConfigError(
                f"{where}: 'init' is '{steps[name].roles['init']}', which no train step made, so "
                f"there is no optimiser state to go on with; remove it"
            )
        else:
            found[name] = _with(found[name], KEEP, value=False)
    return found


def _trained(steps: Mapping[str, Step], name: str) -> str | None:
    """The train step that made a model, however it is asked."""
    step = steps.get(name)
    while step is not None and step.stage == "prompted":
        step = steps.get(step.roles["model"])
    return step.name if step is not None and step.stage == "train" else None


def _same(step: Step, origin: Step, where: str) -> None:
    for key, of in (("lora", lambda one: one.config["lora"]), ("trainer.optim", _optim)):
        if of(step) != of(origin):
            raise ConfigError(
                f"{where}: '{origin.name}' has another '{key}', so its optimiser state does not "
                f"fit; make both the same"
            )


def _optim(step: Step) -> str | None:
    chosen = step.config["trainer"].get("optim")
    return None if chosen is None else str(chosen)


def _with(step: Step, key: str, *, value: bool) -> Step:
    return replace(step, config={**step.config, key: value})
