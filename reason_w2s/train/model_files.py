"""Model folders on their way in and out of a training step."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from reason_w2s.engines import model_folder
from reason_w2s.engines.headed import gives_scores
from reason_w2s.engines.hf import load_model
from reason_w2s.engines.reward import load_reward_model
from reason_w2s.errors import StoreError
from reason_w2s.train import card
from reason_w2s.train.config import TrainStats
from reason_w2s.train.job import Task, TrainPlaces

if TYPE_CHECKING:
    from transformers import Trainer

MERGED = "merged"


def make_room(out: Path, *, ours: bool) -> None:
    """Clear the place the trained model goes to.

    ours: what lies there is this job's own result, whose caller died before it took it away.

    Raises:
        StoreError: something else is there.
    """
    if out.is_dir() and (ours or not any(out.iterdir())):
        shutil.rmtree(out)
    elif out.exists():
        raise StoreError(f"{out}: is there already; move it away, or train into another folder")


def whole_init(places: TrainPlaces, *, keep: bool) -> Path:
    """The folder of whole weights to start from: `places.init`, or its adapter merged in.

    keep: the merged weights become part of the result (a new adapter on them needs them), so they
    are written beside `places.out`'s future files rather than into `places.work`.
    """
    if not model_folder.is_adapter(places.init):
        return places.init
    # named after its content: a folder left by another run is not mistaken for this one
    name = f"{MERGED}-{model_folder.fingerprint(places.init)[:12]}"
    merged = places.out.with_name(f"{places.out.name}.{name}") if keep else places.work / name
    if not (merged / "config.json").is_file():
        aside = merged.with_name(f"{merged.name}.part")
        load = load_reward_model if gives_scores(places.init) else load_model
        load(places.init).save_pretrained(aside)
        model_folder.load_tokenizer(places.init).save_pretrained(aside)
        os.replace(aside, merged)
    return merged


def save(trainer: Trainer, task: Task, stats: TrainStats) -> None:
    """Write the trained model to `places.out`, aside first, then renamed.

    Weights are saved in the step's dtype, an adapter's always in float32 as peft trains them.
    """
    import torch

    places, init = task.places, task.start
    adapter = hasattr(trainer.model, "peft_config")
    merged = adapter and init != places.init and task.adapter is None
    if adapter:
        config = trainer.model.peft_config["default"]
        base = places.out / model_folder.BASE_FOLDER if merged else init
        config.base_model_name_or_path = str(base.resolve())
    elif task.settings.dtype == "bfloat16" and not trainer.is_deepspeed_enabled:
        trainer.model.to(torch.bfloat16)
    aside = places.out.with_name(f"{places.out.name}.part")
    if trainer.is_world_process_zero():
        shutil.rmtree(aside, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    with warnings.catch_warnings():
        # peft looks for the base's config where it will be, not where it is
        warnings.simplefilter("ignore", UserWarning)
        trainer.save_model(str(aside))
    if not trainer.is_world_process_zero():
        return
    # a pickle nobody needs
    (aside / "training_args.bin").unlink(missing_ok=True)
    if merged:
        os.replace(init, aside / model_folder.BASE_FOLDER)
    model_folder.save_prompt(aside, task.prompt)
    (aside / card.FILE).write_text(card.trained(task, trainer.args, stats), encoding="utf-8")
    os.replace(aside, places.out)
