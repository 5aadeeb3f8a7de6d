"""Supervised fine-tuning: TRL's SFTTrainer on rows that are tokenised already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require
from reason_w2s.train import confidence, early_learning
from reason_w2s.train.remembered import keeper
from reason_w2s.train.terms import Confidence, EarlyLearning

if TYPE_CHECKING:
    from trl import SFTConfig, SFTTrainer

    from reason_w2s.train.job import Job


def config(arguments: dict[str, Any], longest: int) -> SFTConfig:
    """TRL's config. `longest`: tokens of the longest row, the length of a packed one by default."""
    packing = bool(arguments.get("packing", False))
    made: SFTConfig = require("trl", "train").SFTConfig(
        **{
            **arguments,
            # rows carry their labels and fit; only packing needs TRL's own preparation
            "max_length": arguments.get("max_length", longest) if packing else None,
            "dataset_kwargs": None if packing else {"skip_prepare_dataset": True},
        }
    )
    return made


def build(job: Job) -> SFTTrainer:
    """The trainer, ready to train. Loss: mean over the answer tokens of one update, nats."""
    trl, datasets = require("trl", "train"), require("datasets", "train")
    kind, memory = trl.SFTTrainer, None
    if isinstance(job.loss, Confidence):
        kind = confidence.trainer_class(job.loss)
    if isinstance(job.loss, EarlyLearning):
        kind, memory = early_learning.prepared(job, job.loss)
    trainer: SFTTrainer = kind(
        model=job.model,
        args=job.config,
        train_dataset=datasets.Dataset.from_list(job.rows),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    if memory is not None:
        trainer.add_callback(keeper(memory))
    return trainer
