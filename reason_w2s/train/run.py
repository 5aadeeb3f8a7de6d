"""One training step, from examples to a model folder, through TRL's trainers.

It resumes: started again with the same arguments after it was killed, it goes on from the last
whole checkpoint in `places.work` and follows the curve it would have followed.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reason_w2s.engines import model_folder
from reason_w2s.errors import ConfigError, DataError, W2SError, require
from reason_w2s.prompts import Prompt
from reason_w2s.train import arguments, checkpoint, dpo, examples, model_files, sft
from reason_w2s.train.config import (
    Example,
    PairExample,
    Progress,
    TrainProfile,
    TrainSettings,
    TrainStats,
)
from reason_w2s.train.job import Job, TrainPlaces

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedTokenizerBase, Trainer

    Rows = list[dict[str, list[int]]]

log = logging.getLogger(__name__)

__all__ = ["TrainPlaces", "train"]


def train(  # noqa: PLR0913 - one call is one step: what, how, where, and who is told
    data: Sequence[Example] | Sequence[PairExample],
    settings: TrainSettings,
    places: TrainPlaces,
    *,
    prompt: Prompt,
    seed: int,
    profile: TrainProfile,
    progress: Progress,
) -> TrainStats:
    """Train `places.init` on `data` and write the result to `places.out`.

    The folder holds weights (or the LoRA adapter), tokenizer, generation config, prompt and model
    card. `progress` is told (updates done, updates in all) after each update.

    Raises:
        ConfigError: settings that contradict each other, the profile or TRL; no model in `init`.
        DataError: too few examples, or some that are too long or empty.
        StoreError: `places.out` is there already, and is not this very job's.
    """
    _prepare(profile)
    least = max(1, settings.min_examples)
    if len(data) < least:
        raise DataError(f"{len(data)} examples to train on, at least {least} are wanted")
    tokenizer = model_folder.load_tokenizer(places.init)
    rows = _rows(data, settings, prompt, tokenizer)
    options = arguments.config_arguments(
        settings, profile, output=places.work, examples=len(rows), seed=seed
    )
    examples.check_lengths(
        rows, settings.trainer.get("max_length"), model_folder.max_positions(places.init)
    )
    identity = [settings.model_dump(), prompt.model_dump(), seed, rows, _models(places)]
    job = checkpoint.digest(*identity)
    with _one_after_another(profile):
        model_files.make_room(places.out, ours=checkpoint.is_of(places.work, job))
        found = checkpoint.latest(places.work, job)
        init = model_files.whole_init(places, keep=settings.lora is not None)
    trainer = _trainer(_job(rows, tokenizer, init, settings, places), settings, options)
    trainer.add_callback(checkpoint.saver(profile, progress))
    stats = _run(trainer, found, rows, profile)
    model_files.save(trainer, places, prompt, init, settings.dtype)
    del trainer
    gc.collect()
    return stats


def _prepare(profile: TrainProfile) -> None:
    """Check what can be checked for free, and make the libraries quiet and offline-minded."""
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started != profile.processes:
        raise ConfigError(
            f"the profile asks for {profile.processes} processes, {started} were started; start it "
            f"with `accelerate launch --num_processes {profile.processes}` or change the profile"
        )
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    torch, datasets = require("torch", "train"), require("datasets", "train")
    transformers = require("transformers", "train")
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    if profile.threads is not None:
        torch.set_num_threads(profile.threads)
    if profile.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("the profile says device: cuda, but no GPU is visible; use device: cpu")


def _one_after_another(profile: TrainProfile) -> AbstractContextManager[None]:
    """The first process does it, the others then find it done."""
    if profile.processes == 1:
        return nullcontext()
    state = require("accelerate", "train").PartialState(cpu=profile.device == "cpu")
    first: AbstractContextManager[None] = state.main_process_first()
    return first


def _rows(
    data: Sequence[Example] | Sequence[PairExample],
    settings: TrainSettings,
    prompt: Prompt,
    tokenizer: PreTrainedTokenizerBase,
) -> Rows:
    wanted = PairExample if settings.objective == "dpo" else Example
    if not isinstance(data[0], wanted):
        raise DataError(
            f"objective {settings.objective} learns from {wanted.__name__}, got "
            f"{type(data[0]).__name__}; put a `pair` step before dpo, a `select` step before sft"
        )
    if settings.objective == "dpo":
        return examples.dpo_rows(cast("Sequence[PairExample]", data), prompt, tokenizer)
    return examples.sft_rows(cast("Sequence[Example]", data), prompt, tokenizer)


def _models(places: TrainPlaces) -> list[str | None]:
    ref = None if places.ref is None else model_folder.fingerprint(places.ref)
    return [model_folder.fingerprint(places.init), ref]


def _job(
    rows: Rows,
    tokenizer: PreTrainedTokenizerBase,
    init: Path,
    settings: TrainSettings,
    places: TrainPlaces,
) -> Job:
    # weights that are trained stay in float32: small updates vanish in bfloat16
    frozen = settings.dtype
    reference = None
    if settings.objective == "dpo" and (places.ref is not None or settings.lora is None):
        reference = model_files.load(places.ref or init, frozen)
    return Job(
        model=model_files.load(init, frozen if settings.lora is not None else "float32"),
        reference=reference,
        tokenizer=tokenizer,
        rows=rows,
        peft_config=_peft_config(settings),
        longest=max(examples.lengths(rows)),
    )


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
        task_type="CAUSAL_LM",
    )
    return config


def _trainer(job: Job, settings: TrainSettings, options: dict[str, Any]) -> Trainer:
    from transformers import PrinterCallback

    build = dpo.build if settings.objective == "dpo" else sft.build
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer: Trainer = build(job, options)
    except W2SError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"TRL refuses this {settings.objective} step: {error}") from error
    # it prints every log line to stdout
    trainer.remove_callback(PrinterCallback)
    return trainer


def _run(trainer: Trainer, found: Path | None, rows: Rows, profile: TrainProfile) -> TrainStats:
    """Train to the end. Seconds and memory are this process's, also where it resumed."""
    if found is not None:
        log.info("train: goes on from %s", found.name)
    start = time.monotonic()
    trainer.train(resume_from_checkpoint=None if found is None else str(found))
    state = trainer.state
    return TrainStats(
        examples=len(rows),
        updates=state.global_step,
        tokens=round(examples.learned_tokens(rows) * (state.epoch or 0.0)),
        seconds=time.monotonic() - start,
        peak_memory_mib=_peak_memory_mib(profile),
        log=[_numbers(entry) for entry in state.log_history if "loss" in entry],
    )


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
