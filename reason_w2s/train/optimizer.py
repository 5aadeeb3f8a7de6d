"""An optimiser's state that goes on in a later training step: left by one, taken up by the next.

Adam's moments and its count of updates go on, so the first update of a round is as large as the
last one before it. Learning rate, betas and decay are those of the step that goes on, its schedule
is over its own updates. Where weights are stored in less than the float32 they are trained in, the
float32 ones go on too: a round at a small rate would be rounded away.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.errors import ConfigError
from reason_w2s.train.config import OPTIMIZER, TrainProfile
from reason_w2s.train.job import Task

if TYPE_CHECKING:
    from transformers import Trainer, TrainerCallback

FILE, SHAPE = "state.pt", "shape.json"


def check(folder: Path, profile: TrainProfile) -> None:
    """Refuse a state that other processes cannot take up: DeepSpeed cuts it into pieces.

    Raises:
        ConfigError: it was cut otherwise, or is not there.
    """
    if not (folder / SHAPE).is_file():
        raise ConfigError(f"keep_optimizer: no optimiser state in {folder}; train that step again")
    left, now = json.loads((folder / SHAPE).read_text(encoding="utf-8")), _shape(profile)
    if left != now:
        raise ConfigError(
            f"keep_optimizer: the state was left by {_said(left)}, and this profile has "
            f"{_said(now)}; train both steps under one profile"
        )


def leave(trainer: Trainer, task: Task) -> None:
    """Write the state of a training that has ended into its work folder. Every process calls it."""
    folder = task.places.work / OPTIMIZER
    if trainer.is_world_process_zero():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    trainer.accelerator.wait_for_everyone()
    if trainer.is_deepspeed_enabled:
        frozen = task.settings.lora is not None
        trainer.model_wrapped.save_checkpoint(str(folder), exclude_frozen_parameters=frozen)
    elif trainer.is_world_process_zero():
        _write(trainer, task, folder / FILE)
    if trainer.is_world_process_zero():
        text = json.dumps(_shape(task.profile))
        (folder / SHAPE).write_text(text, encoding="utf-8")


def taker(trainer: Trainer, task: Task) -> TrainerCallback:
    """The callback that takes the state up before the first update, unless the step was resumed."""
    from transformers import TrainerCallback

    class Taker(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            folder = task.places.optimizer
            if folder is None or task.resume is not None:
                return
            if trainer.is_deepspeed_enabled:
                _take_pieces(trainer, folder)
            else:
                _take(trainer, folder / FILE)

    return Taker()


def _write(trainer: Trainer, task: Task, file: Path) -> None:
    import torch

    optimizer, state = trainer.optimizer, trainer.optimizer.state_dict()["state"]
    named = {name: state[place] for place, name in _names(trainer, optimizer) if place in state}
    rounded = task.settings.dtype != "float32" and task.settings.lora is None
    weights = dict(_trained(trainer)) if rounded else {}
    torch.save({"state": named, "weights": weights}, file)


def _take(trainer: Trainer, file: Path) -> None:
    import torch

    left = torch.load(file, map_location="cpu", weights_only=True)
    optimizer = trainer.optimizer
    places = {name: place for place, name in _names(trainer, optimizer)}
    if unknown := left["state"].keys() - places.keys():
        raise ConfigError(
            f"keep_optimizer: the state is of {len(unknown)} weights that are not trained here "
            f"({min(unknown)}); both steps must train the same ones"
        )
    state = {places[name]: values for name, values in left["state"].items()}
    # what is not of single weights (rates, betas, decay) stays this step's own
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    with torch.no_grad():
        for name, weight in _trained(trainer):
            if name in left["weights"]:
                weight.copy_(left["weights"][name])


def _take_pieces(trainer: Trainer, folder: Path) -> None:
    engine = trainer.model_wrapped
    groups = engine.optimizer.param_groups
    own = [{key: value for key, value in group.items() if key != "params"} for group in groups]
    strict = not hasattr(trainer.model, "peft_config")
    found, _ = engine.load_checkpoint(
        str(folder), load_module_strict=strict, load_lr_scheduler_states=False
    )
    if found is None:
        raise ConfigError(f"keep_optimizer: DeepSpeed finds no state in {folder}")
    for group, settings in zip(engine.optimizer.param_groups, own, strict=True):
        group.update(settings)


def _names(trainer: Trainer, optimizer: Any) -> Iterator[tuple[int, str]]:
    """(place in the optimiser's state, name) of each trained weight."""
    called = {id(weight): name for name, weight in _trained(trainer)}
    weights = (weight for group in optimizer.param_groups for weight in group["params"])
    return ((place, called[id(weight)]) for place, weight in enumerate(weights))


def _trained(trainer: Trainer) -> Iterator[tuple[str, Any]]:
    named = trainer.accelerator.unwrap_model(trainer.model).named_parameters()
    return ((name, weight) for name, weight in named if weight.requires_grad)


def _shape(profile: TrainProfile) -> dict[str, int]:
    """Who can take a state up: whole ones anybody without DeepSpeed."""
    stage = profile.zero_stage
    return {"processes": profile.processes if stage else 1, "zero_stage": stage}


def _said(shape: Mapping[str, int]) -> str:
    if not shape["zero_stage"]:
        return "processes without DeepSpeed"
    return f"{shape['processes']} processes under ZeRO stage {shape['zero_stage']}"
