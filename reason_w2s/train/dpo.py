"""Preference training: TRL's DPOTrainer on pairs that are tokenised already.

TRL 1.16 always tokenises text itself, prompt and response joined, and appends the end token to
every response. The one override here hands it the columns its collator reads instead, so that
prompt ids are those of sampling and a cut response does not learn to stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require

if TYPE_CHECKING:
    from trl import DPOConfig, DPOTrainer

    from reason_w2s.train.job import Job


def config(arguments: dict[str, Any], longest: int) -> DPOConfig:
    """TRL's config. Rows fit (`longest`: tokens of the longest), so TRL is told to cut nothing."""
    made: DPOConfig = require("trl", "train").DPOConfig(**{**arguments, "max_length": None})
    return made


def build(job: Job) -> DPOTrainer:
    """The trainer, ready to train.

    Log-probabilities are summed over a response's tokens, nats; the loss is the mean over pairs.
    The reference is `job.reference`; without one under LoRA, the model with its adapter off.
    """
    trl, datasets = require("trl", "train"), require("datasets", "train")

    class PairTrainer(trl.DPOTrainer):  # type: ignore[name-defined,misc]
        """DPOTrainer for rows of `prompt_ids`, `chosen_ids`, `rejected_ids` (TRL 1.16)."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    trainer: DPOTrainer = PairTrainer(
        model=job.model,
        ref_model=job.reference,
        args=job.config,
        train_dataset=datasets.Dataset.from_list(job.rows),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    return trainer
