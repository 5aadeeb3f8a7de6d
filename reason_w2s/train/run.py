"""One training step, from examples to a model folder, through TRL's trainers.

It resumes: started again with the same arguments after it was killed, it goes on from the last
whole checkpoint in `places.work` and follows the curve it would have followed.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, cast

from reason_w2s.engines import model_folder
from reason_w2s.errors import DataError, require
from reason_w2s.prompts import Prompt
from reason_w2s.train import (
    arguments,
    checkpoint,
    distillation,
    examples,
    guards,
    model_files,
    optimizer,
    rollouts,
)
from reason_w2s.train.config import (
    EXAMPLES,
    Data,
    Progress,
    TrainProfile,
    TrainSettings,
    TrainStats,
)
from reason_w2s.train.job import Rows, Task, TrainPlaces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["TrainPlaces", "train"]

log = logging.getLogger(__name__)


def train(  # noqa: PLR0913 - one call is one step: what, how, where, and who is told
    data: Data,
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
    card. `progress` is told (updates done, updates in all) after each update. A profile with
    several processes or a ZeRO stage goes through `accelerate launch`; the rest runs right here.

    Raises:
        ConfigError: settings that contradict each other, the profile or TRL; no model in `init`.
        DataError: too few examples, or some that are too long or empty.
        EngineError: the launched processes failed.
        StoreError: `places.out` is there already, and is not this very job's.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    require("torch", "train")
    least = max(1, settings.min_examples)
    if len(data) < least:
        raise DataError(f"{len(data)} examples to train on, at least {least} are wanted")
    tokenizer = model_folder.load_tokenizer(places.init)
    rows = _rows(data, settings, prompt, tokenizer)
    arguments.config_arguments(settings, profile, output=places.work, examples=len(rows), seed=seed)
    _check(data, rows, settings, places, prompt, tokenizer)
    task = _task(rows, settings, places, prompt, seed, profile)
    if task.resume is not None:
        log.info("train: goes on from %s", task.resume.name)
    if profile.launched:
        from reason_w2s.train.launch import launch

        return launch(task, rows, progress)
    from reason_w2s.train.fit import fit

    return fit(task, rows, progress)


def _check(
    data: Data,
    rows: Rows,
    settings: TrainSettings,
    places: TrainPlaces,
    prompt: Prompt,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Refuse what would not be learned as it is meant."""
    positions = model_folder.max_positions(places.init)
    if settings.group:
        rollouts.check_rows(rows, settings, prompt, positions)
    else:
        stops = guards.stops_of(places.init, tokenizer)
        guards.check_lengths(rows, settings.trainer.get("max_length"), positions)
        guards.check_rows(rows, cast("guards.Data", data), prompt, tokenizer, stops=stops)
    if places.teacher is not None:
        other = model_folder.load_tokenizer(places.teacher)
        distillation.check_vocabularies(tokenizer, other, places.teacher.name)


def _task(
    rows: Rows,
    settings: TrainSettings,
    places: TrainPlaces,
    prompt: Prompt,
    seed: int,
    profile: TrainProfile,
) -> Task:
    """Clear the place, find what an earlier try left, merge an adapter that is started from."""
    what = [settings.model_dump(), prompt.model_dump(), seed, rows, _models(places)]
    # a checkpoint of several processes is cut into as many pieces
    shape = [profile.processes, profile.zero_stage]
    job = checkpoint.digest(*what, *(shape if profile.launched else []))
    model_files.make_room(places.out, ours=checkpoint.is_of(places.work, job))
    resume = checkpoint.latest(places.work, job)
    if places.optimizer is not None:
        optimizer.check(places.optimizer, profile)
        if settings.lora is not None:
            base = model_folder.base_of(places.init)
            return Task(settings, profile, places, prompt, seed, base, resume, places.init)
    start = model_files.whole_init(places, keep=settings.lora is not None)
    return Task(settings, profile, places, prompt, seed, start, resume)


def _rows(
    data: Data,
    settings: TrainSettings,
    prompt: Prompt,
    tokenizer: PreTrainedTokenizerBase,
) -> Rows:
    learns = settings.by.learns
    wanted = EXAMPLES[learns]
    if not isinstance(data[0], wanted):
        raise DataError(
            f"objective {settings.objective} learns from {wanted.__name__}, got "
            f"{type(data[0]).__name__}; put a `pair` step before dpo, a `select` step before sft"
        )
    return examples.rows(data, learns, prompt, tokenizer)


def _models(places: TrainPlaces) -> list[str | None]:
    named = [places.init, places.ref, places.teacher]
    return [None if one is None else model_folder.fingerprint(one) for one in named]
