"""Preference training: TRL's DPOTrainer on pairs that are tokenised already.

TRL 1.16 always tokenises text itself, prompt and response joined, and appends the end token to
every response. The one override here hands it the columns its collator reads instead, so that
prompt ids are those of sampling and a cut response does not learn to stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require

if TYPE_CHECKING:
    from trl import DPOTrainer

    from reason_w2s.train.job import Job


def build(job: Job, arguments: dict[str, Any]) -> DPOTrainer:
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
        args=trl.DPOConfig(**{**arguments, "max_length": None}),
        train_dataset=datasets.Dataset.from_list(job.rows),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    return trainer
