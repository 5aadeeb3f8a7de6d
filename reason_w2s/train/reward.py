"""Reward models over pairs: TRL's RewardTrainer on rows that are tokenised already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require

if TYPE_CHECKING:
    from trl import RewardConfig, RewardTrainer

    from reason_w2s.train.job import Job


def config(arguments: dict[str, Any], longest: int) -> RewardConfig:
    """TRL's config. Rows fit (`longest`: tokens of the longest), so TRL drops none."""
    trl = require("trl", "train")
    made: RewardConfig = trl.RewardConfig(**{**arguments, "max_length": None})
    return made


def columns(row: dict[str, list[int]]) -> dict[str, list[int]]:
    """A row of `prompt_ids`, `chosen_ids`, `rejected_ids` as TRL's collator reads it: whole."""
    asked = row["prompt_ids"]
    return {side: asked + row[side] for side in ("chosen_ids", "rejected_ids")}


def build(job: Job) -> RewardTrainer:
    """The trainer, ready to train.

    With r the model's output at a text's last token, the loss is the mean over pairs of -log
    sigmoid(r(chosen) - r(rejected)), nats (Bradley and Terry's model).
    """
    trl, datasets = require("trl", "train"), require("datasets", "train")
    trainer: RewardTrainer = trl.RewardTrainer(
        model=job.model,
        args=job.config,
        train_dataset=datasets.Dataset.from_list([columns(row) for row in job.rows]),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    return trainer
