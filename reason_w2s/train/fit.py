"""The training itself, in this process or in each of several: models, TRL's trainer, the result."""

from __future__ import annotations

import gc
import resource
import sys
import time
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from reason_w2s.engines import model_folder
from reason_w2s.engines.headed import TASK
from reason_w2s.engines.hf import load_model
from reason_w2s.engines.reward import load_reward_model
from reason_w2s.errors import ConfigError, W2SError, require
from reason_w2s.room import room
from reason_w2s.train import (
    arguments,
    checkpoint,
    curve,
    examples,
    model_files,
    optimizer,
    rollouts,
)
from reason_w2s.train.config import Progress, TrainProfile, TrainSettings, TrainStats
from reason_w2s.train.job import Job, Rows, Task

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel, Trainer, TrainerState


def fit(task: Task, rows: Rows, progress: Progress) -> TrainStats:
    """Train `task.start` on `rows` and write the result to `task.places.out`.

    Raises:
        ConfigError: TRL refuses the settings, or the profile asks for a GPU that is not there.
        Stopped: it was told to end, and left a checkpoint.
        OutOfSpace: a checkpoint or the model could not be written.
    """
    with room(task.places.work, "a checkpoint, or the model"):
        return _fit(task, rows, progress)


def _fit(task: Task, rows: Rows, progress: Progress) -> TrainStats:
    _quiet(task.profile)
    streamed = _streamed(task, rows)
    trainer = _trainer(task, rows, streamed)
    between = rollouts.updates_per_generation(task.settings)
    trainer.add_callback(checkpoint.saver(task.profile, progress, between))
    trainer.add_callback(optimizer.taker(trainer, task))
    stats = _run(trainer, task, rows, streamed)
    if task.settings.save_optimizer:
        optimizer.leave(trainer, task)
    model_files.save(trainer, task, stats)
    del trainer
    gc.collect()
    return stats


def _quiet(profile: TrainProfile) -> None:
    """Make the libraries quiet, and take what the profile gives."""
    torch, datasets = require("torch", "train"), require("datasets", "train")
    transformers = require("transformers", "train")
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    if profile.threads is not None:
        torch.set_num_threads(profile.threads)
    _restore_on_cpu()
    if profile.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("the profile says device: cuda, but no GPU is visible; use device: cpu")


@cache
def _restore_on_cpu() -> None:
    """accelerate numbers the CPUs of several processes, and torch restores nothing to a "cpu:1"."""
    register = require("torch.serialization", "train").register_package
    register(9, lambda _: None, lambda storage, place: storage if place[:4] == "cpu:" else None)


def _trainer(task: Task, rows: Rows, streamed: Rows) -> Trainer:
    from transformers import PrinterCallback

    objective, settings = task.settings.by.load(), task.settings
    options = arguments.config_arguments(
        settings, task.profile, output=task.places.work, examples=len(rows), seed=task.seed
    )
    if task.profile.zero_stage and task.profile.device == "cpu":
        # accelerate would pick a backend that CPU builds of torch lack
        require("deepspeed", "train").init_distributed(dist_backend="gloo")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # before any model: under ZeRO-3 the config makes transformers load shards only
            config = objective.config(options, max(examples.lengths(rows)))
            trainer: Trainer = objective.build(_job(task, streamed, config))
    except W2SError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"TRL refuses this {settings.objective} step: {error}") from error
    # it prints every log line to stdout
    trainer.remove_callback(PrinterCallback)
    return trainer


def _job(task: Task, streamed: Rows, config: Any) -> Job:
    settings, places = task.settings, task.places
    # weights that are trained stay in float32: small updates vanish in bfloat16
    frozen = settings.dtype
    reference = None
    alone = settings.lora is not None and task.adapter is None
    if settings.by.reference and (places.ref is not None or not alone):
        # an adapter that goes on is part of what the step starts from
        reference = load_model(places.ref or task.adapter or task.start, frozen)
    return Job(
        config=config,
        model=_model(task, frozen if settings.lora is not None else "float32"),
        reference=reference,
        tokenizer=model_folder.load_tokenizer(places.init),
        rows=streamed,
        peft_config=None if task.adapter is not None else _peft_config(settings),
        loss=settings.loss,
        task=task,
        teacher=None if places.teacher is None else load_model(places.teacher, frozen),
    )


def _model(task: Task, dtype: str) -> PreTrainedModel | PeftModel:
    """The weights to train, or to put a new adapter on; with the adapter that goes on, if one."""
    if task.settings.by.head:
        whole = load_reward_model(task.start, dtype, head=task.seed)
    else:
        whole = load_model(task.start, dtype)
    if task.adapter is None:
        return whole
    peft = require("peft", "train")
    going: PeftModel = peft.PeftModel.from_pretrained(whole, str(task.adapter), is_trainable=True)
    return going


def _peft_config(settings: TrainSettings) -> PeftConfig | None:
    if settings.lora is None:
        return None
    lora = settings.lora
    every = lora.targets == "all_linear"
    config: PeftConfig = require("peft", "train").LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear" if every else list(lora.targets),
        task_type=TASK if settings.by.head else "CAUSAL_LM",
    )
    return config


def _run(trainer: Trainer, task: Task, rows: Rows, streamed: Rows) -> TrainStats:
    """Train to the end. Seconds and memory are this process's, also where it resumed."""
    start = time.monotonic()
    trainer.train(resume_from_checkpoint=None if task.resume is None else str(task.resume))
    state = trainer.state
    generated = _generated(task, streamed, state)
    return TrainStats(
        examples=len(rows),
        updates=state.global_step,
        tokens=generated * task.settings.reused or _tokens(task, streamed, state),
        generated=generated,
        seconds=time.monotonic() - start,
        peak_memory_mib=_peak_memory_mib(task.profile),
        log=curve.even(
            [_numbers(entry) for entry in state.log_history if "loss" in entry],
            trainer.args.logging_steps,
        ),
    )


def _tokens(task: Task, streamed: Rows, state: TrainerState) -> int:
    """Tokens with loss that were seen, counted each time."""
    passes = state.epoch or 0.0 if task.settings.packing else 1.0
    return round(examples.learned_tokens(streamed) * passes)


def _generated(task: Task, streamed: Rows, state: TrainerState) -> int:
    """Tokens sampled while training, over all processes."""
    if not task.settings.group:
        return 0
    return rollouts.generated(state.num_input_tokens_seen, streamed, task.settings)


def _streamed(task: Task, rows: Rows) -> Rows:
    """The rows as they come, one after another, over all updates."""
    settings = task.settings
    if settings.packing:
        return rows
    wanted = arguments.total_rows(settings, len(rows))
    return [rows[at] for at in examples.stream(len(rows), wanted, task.seed)]


def _numbers(entry: dict[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in entry.items() if isinstance(value, int | float)}


def _peak_memory_mib(profile: TrainProfile) -> float:
    """The GPU's peak in this run, or this process's since it started."""
    if profile.device == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated()) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # kilobytes on Linux, bytes on macOS
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
