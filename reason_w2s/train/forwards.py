"""What a trainer's forward passes give, seen or changed on the way to it.

TRL 1.16 computes a preference loss in one function, from log-probabilities that it asks of the
model and the reference. A term over tokens, or another loss of the same log-probabilities, has no
place there; the models' `forward` is where both pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def passed_on(model: Any, do: Callable[..., None], takes: tuple[str, ...] = ()) -> None:
    """Have `do(outputs, **taken)` called after each forward pass of a model as TRL has patched it.

    takes: what a batch holds for `do` and not for the model.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    inner = base.forward

    @functools.wraps(inner)
    def forward(*given: Any, **asked: Any) -> Any:
        taken = {name: asked.pop(name) for name in takes if name in asked}
        outputs = inner(*given, **asked)
        do(outputs, **taken)
        return outputs

    base.forward = forward


def of_both(trainer: Any, do: Callable[..., None], takes: tuple[str, ...] = ()) -> None:
    """The same for a trainer's model and, where it holds one, its reference."""
    for model in (trainer.model, trainer.ref_model):
        if model is not None:
            passed_on(trainer.accelerator.unwrap_model(model), do, takes)
