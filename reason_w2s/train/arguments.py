"""From a recipe's settings and a profile to the arguments of TRL's config.

`trainer:` in a recipe passes through to TRL by TRL's own names. What the recipe's other keys, a
profile or the run itself decide may not stand there: two places for one thing would disagree.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reason_w2s.errors import ConfigError
from reason_w2s.train import rollouts
from reason_w2s.train.config import TrainProfile, TrainSettings
from reason_w2s.train.objectives import Name

KEYS_FILE = Path(__file__).with_name("trl_keys.json")
LOG_LINES = 50
CUDA_MICRO_BATCH = 8
SMOOTHED = {"robust", "exo_pair", "aot", "aot_unpaired"}

PLAIN: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float)}

RECIPE_BATCH = "`batch` of the train step"
MICRO = "`micro_batch` in launch/profiles"
RUN = "the run, which sets it by itself"
ROLLOUTS = "`rollouts` in launch/profiles"
CORRECTED = "vllm_importance_sampling_"
"""Settings that belong to the method: how rollouts of another engine are weighed."""
CODE = "custom_generate"
"""A name of code, as transformers' generate takes it."""
OWNED: dict[str, str] = {
    "per_device_train_batch_size": f"{RECIPE_BATCH} (examples per update) or {MICRO}",
    "gradient_accumulation_steps": f"{RECIPE_BATCH} and {MICRO}, from which it is derived",
    "auto_find_batch_size": MICRO,
    "max_steps": "`updates` of the train step",
    "bf16": "`dtype` of the train step",
    "fp16": "`dtype` of the train step",
    "bf16_full_eval": "`dtype` of the train step",
    "fp16_full_eval": "`dtype` of the train step",
    "use_cpu": "`device` in launch/profiles",
    "gradient_checkpointing": "`gradient_checkpointing` in launch/profiles",
    "gradient_checkpointing_kwargs": "`gradient_checkpointing` in launch/profiles",
    "deepspeed": "`zero_stage` in launch/profiles",
    "fsdp": "launch/profiles",
    "fsdp_config": "launch/profiles",
    "accelerator_config": "launch/profiles",
    "parallelism_config": "launch/profiles",
    "report_to": "`report_to` in launch/profiles",
    "use_vllm": ROLLOUTS,
    "use_transformers_continuous_batching": ROLLOUTS,
    "use_transformers_paged": ROLLOUTS,
    "transformers_continuous_batching_config": ROLLOUTS,
    "ds3_gather_for_generation": "launch/profiles",
    "steps_per_generation": "`batch` or trainer.generation_batch_size, from which it is derived",
    "shuffle_dataset": RUN,
    "num_generations_eval": "`evaluate` of the recipe",
    "num_completions_to_print": RUN,
    "chat_template_kwargs": "`prompt` of the model",
    "max_tool_calling_iterations": RUN,
    "seed": "`seed` of the recipe",
    "data_seed": "`seed` of the recipe",
    "model_init_kwargs": "`models` of the recipe",
    "trust_remote_code": "the command line (--trust-remote-code)",
    "torch_compile_backend": "launch/profiles",
    "optim_target_modules": "`lora` of the train step",
    "chat_template_path": "`prompt` of the model",
    "eos_token": "the model's tokenizer",
    "pad_token": "the model's tokenizer",
    "completion_only_loss": RUN,
    "assistant_only_loss": RUN,
    "output_dir": RUN,
    "run_name": RUN,
    "project": RUN,
    "disable_tqdm": RUN,
    "remove_unused_columns": RUN,
    "resume_from_checkpoint": RUN,
    "ignore_data_skip": RUN,
    "do_train": RUN,
    "do_eval": RUN,
    "do_predict": RUN,
    "load_best_model_at_end": RUN,
    "metric_for_best_model": RUN,
    "greater_is_better": RUN,
    "prediction_loss_only": RUN,
    "local_rank": RUN,
    "ddp_backend": "launch/profiles",
    "ddp_find_unused_parameters": RUN,
}
OWNED_PREFIXES: dict[str, str] = {
    "save_": "`save_updates` in launch/profiles",
    "logging_": RUN,
    "log_": RUN,
    "dataset_": RUN,
    "dataloader_": RUN,
    "eval_": "`evaluate` of the recipe",
    "per_device_eval": "`evaluate` of the recipe",
    "hub_": RUN,
    "push_to_hub": "`reason-w2s export --push-to-hub`, which says what is published",
    "trackio_": "launch/profiles",
    "vllm_": ROLLOUTS,
    "teacher_model_": "`teacher` of the train step",
}


def owner(key: str) -> str | None:
    """Where a TRL setting is set instead of under `trainer:`; None if that is its place."""
    if key.startswith(CORRECTED):
        return None
    if key in OWNED:
        return OWNED[key]
    return next((who for start, who in OWNED_PREFIXES.items() if key.startswith(start)), None)


def check_trainer_keys(objective: Name, trainer: dict[str, Any]) -> None:
    """Check names and plain types under `trainer:` against the pinned TRL's, without importing it.

    Raises:
        ConfigError: a key that belongs elsewhere, one that TRL's config does not have, a value of
            another type, or a smoothing that TRL would ignore.
    """
    known = _known(objective)
    for key, value in trainer.items():
        place = owner(key)
        if key in known and place is not None:
            raise ConfigError(f"trainer.{key}: belongs to {place}; remove it here")
        if key not in known:
            near = difflib.get_close_matches(key, [k for k in known if owner(k) is None], n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ConfigError(
                f"trainer: unknown key '{key}' for {objective} in TRL {_keys()['trl']}{hint}"
            )
        if isinstance(value, Mapping):
            _check_inside(key, value)
        if type(value) not in PLAIN.get(known[key], (type(value),)):
            raise ConfigError(f"trainer.{key}: expected {known[key]}, got {value!r}")
    _check_smoothing(objective, trainer)


def _check_inside(key: str, value: Mapping[str, Any]) -> None:
    """Settings of settings (`generation_kwargs`): numbers and words, and none that others own."""
    for name, inner in value.items():
        place = "no recipe" if name == CODE else owner(str(name))
        if place is not None:
            raise ConfigError(f"trainer.{key}.{name}: belongs to {place}; remove it here")
        if isinstance(inner, Mapping):
            raise ConfigError(f"trainer.{key}.{name}: expected a number or a word, got {inner!r}")


def check_length(updates: int | None, trainer: Mapping[str, Any]) -> None:
    """Check that a training step says how long it is, and says it once.

    Raises:
        ConfigError: neither `updates` nor `num_train_epochs`, or both.
    """
    if (updates is None) == ("num_train_epochs" not in trainer):
        raise ConfigError("updates: give either 'updates' or trainer.num_train_epochs, not both")


def accumulation(batch: int, profile: TrainProfile, least: int = 1) -> tuple[int, int]:
    """(examples per process and forward pass, forward passes per update), exactly `batch` in all.

    Raises:
        ConfigError: the batch does not divide, or a forward pass has fewer than `least` examples.
    """
    share, rest = divmod(batch, profile.processes)
    if rest:
        raise ConfigError(
            f"batch {batch} does not divide over {profile.processes} processes; change "
            "`batch` of the train step or `processes` in launch/profiles"
        )
    micro = profile.micro_batch or _micro_batch(share, profile)
    if share % micro:
        raise ConfigError(
            f"batch {batch} is {share} per process, no multiple of micro_batch {micro}; "
            f"set `micro_batch` in launch/profiles to a divisor of {share}"
        )
    if micro < least:
        raise ConfigError(
            f"batch {batch} over {profile.processes} processes is {micro} in one forward pass, and "
            f"TRL wants {least} there for this objective; raise `batch` of the train step or set "
            f"`micro_batch` in launch/profiles to {least} or more"
        )
    return micro, share // micro


def check_scored_before(trainer: Mapping[str, Any], profile: TrainProfile) -> None:
    """Refuse a reference scored before training where several processes would have to read it.

    TRL 1.16 leaves the scores in a temporary folder of the first process (of rows that are
    tokenised already), where the others do not find them.

    Raises:
        ConfigError: the recipe asks for it, and the profile has several processes.
    """
    if trainer.get("precompute_ref_log_probs") and profile.processes > 1:
        raise ConfigError(
            f"trainer.precompute_ref_log_probs: TRL keeps the scores where one process alone finds "
            f"them, and the profile has {profile.processes}; leave it out, or set `processes` in "
            f"launch/profiles to 1"
        )


def total_updates(settings: TrainSettings, examples: int) -> int:
    """Optimiser updates of the whole run (an estimate under packing, where examples are joined).

    Each takes exactly `batch` examples: a batch runs on over the end of an epoch. An epoch over
    problems asks each of them once.
    """
    if settings.updates is not None:
        return settings.updates
    epochs = float(settings.trainer["num_train_epochs"])
    each = max(1, settings.group) * settings.reused
    return max(1, math.ceil(epochs * examples * each / settings.batch))


def total_rows(settings: TrainSettings, examples: int) -> int:
    """Rows that all updates take: their examples, or the problems they ask."""
    updates = total_updates(settings, examples)
    if settings.group:
        return rollouts.problems_asked(settings, updates)
    return updates * settings.batch


def config_arguments(
    settings: TrainSettings, profile: TrainProfile, *, output: Path, examples: int, seed: int
) -> dict[str, Any]:
    """The keyword arguments of the objective's TRL config.

    Raises:
        ConfigError: a key in `trainer:` that may not stand there, a length said twice or not at
            all, a batch that does not divide, or a reference that would be scored in vain.
    """
    check_trainer_keys(settings.objective, settings.trainer)
    check_length(settings.updates, settings.trainer)
    if settings.group:
        rollouts.check_groups(settings)
    check_scored_before(settings.trainer, profile)
    micro, steps = accumulation(settings.batch, profile, settings.by.least)
    updates = total_updates(settings, examples)
    # packed rows are not examples: there TRL shuffles and counts epochs by itself
    own = settings.packing
    return {
        # the others come as `examples.stream` laid them out
        "train_sampling_strategy": "random" if own else "sequential",
        **settings.trainer,
        **({} if settings.loss is None else settings.loss.arguments()),
        **(rollouts.arguments(profile) if settings.group else {}),
        "output_dir": str(output),
        "seed": seed,
        "data_seed": seed,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": steps,
        "max_steps": -1 if own and settings.updates is None else updates,
        "bf16": settings.dtype == "bfloat16",
        "use_cpu": profile.device == "cpu",
        "gradient_checkpointing": profile.gradient_checkpointing,
        "logging_strategy": "steps",
        "logging_steps": max(1, updates // LOG_LINES),
        "report_to": profile.report_to,
        # checkpoints are asked for by train.checkpoint, which knows how long a run takes
        "save_strategy": "no",
        "save_total_limit": 2,
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        # every parameter is used; looking for others costs a pass over the graph
        "ddp_find_unused_parameters": False,
        "dataloader_pin_memory": profile.device == "cuda",
    }


def _check_smoothing(objective: Name, trainer: dict[str, Any]) -> None:
    """TRL reads `label_smoothing` in four of its losses and ignores it in the others."""
    asked = trainer.get("loss_type", "sigmoid")
    losses = {asked} if isinstance(asked, str) else set(asked)
    smoothing = trainer.get("label_smoothing")
    if objective == "dpo" and "robust" in losses and smoothing is not None and smoothing >= 0.5:
        raise ConfigError(
            f"trainer.label_smoothing: under loss_type robust it is the rate of flipped pairs, "
            f"got {smoothing}; expected less than 0.5, for at half a pair says nothing"
        )
    if objective == "dpo" and smoothing and not losses & SMOOTHED:
        raise ConfigError(
            f"trainer.label_smoothing: TRL ignores it under loss_type {', '.join(sorted(losses))}; "
            f"it counts under {', '.join(sorted(SMOOTHED))}"
        )


def _micro_batch(share: int, profile: TrainProfile) -> int:
    """All at once on CPU; on a GPU the largest divisor of at most eight."""
    if profile.device == "cpu":
        return share
    return next(size for size in range(min(share, CUDA_MICRO_BATCH), 0, -1) if share % size == 0)


@cache
def _keys() -> dict[str, Any]:
    keys: dict[str, Any] = json.loads(KEYS_FILE.read_text(encoding="utf-8"))
    return keys


def _known(objective: Name) -> dict[str, str]:
    known: dict[str, str] = _keys()[objective]
    return known
