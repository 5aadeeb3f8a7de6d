"""Supervised fine-tuning: TRL's SFTTrainer on rows that are tokenised already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require

if TYPE_CHECKING:
    from trl import SFTTrainer

    from reason_w2s.train.job import Job


def build(job: Job, arguments: dict[str, Any]) -> SFTTrainer:
    """The trainer, ready to train. Loss: mean over the answer tokens of one update, nats."""
    trl, datasets = require("trl", "train"), require("datasets", "train")
    packing = bool(arguments.get("packing", False))
    arguments = {
        **arguments,
        # rows carry their labels and fit; only packing needs TRL's own preparation
        "max_length": arguments.get("max_length", job.longest) if packing else None,
        "dataset_kwargs": None if packing else {"skip_prepare_dataset": True},
    }
    trainer: SFTTrainer = trl.SFTTrainer(
        model=job.model,
        args=trl.SFTConfig(**arguments),
        train_dataset=datasets.Dataset.from_list(job.rows),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    return trainer
