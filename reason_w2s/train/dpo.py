"""Preference training: TRL's DPOTrainer on pairs that are tokenised already.

TRL 1.16 always tokenises text itself, prompt and response joined, and appends the end token to
every response. The one override here hands it the columns its collator reads instead, so that
prompt ids are those of sampling and a cut response does not learn to stop. A term over tokens is
put between the models and TRL, which sums what they say of each token (`train.forwards`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require
from reason_w2s.train import forwards
from reason_w2s.train.terms import CriticalTokens

if TYPE_CHECKING:
    from torch import Tensor
    from trl import DPOConfig, DPOTrainer

    from reason_w2s.train.job import Job

WEIGHTS = "rejected_weights"


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

        def _set_signature_columns_if_needed(self) -> None:
            super()._set_signature_columns_if_needed()
            if WEIGHTS not in self._signature_columns:
                self._signature_columns += [WEIGHTS]

    trainer: DPOTrainer = PairTrainer(
        model=job.model,
        ref_model=job.reference,
        args=job.config,
        train_dataset=datasets.Dataset.from_list(job.rows),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    if isinstance(job.loss, CriticalTokens):
        forwards.of_both(trainer, weigh, ("token_weights",))
        trainer.data_collator = weighted(trainer.data_collator)
    return trainer


def weigh(outputs: Any, token_weights: Tensor) -> None:
    """Each token's log-probability times its weight, both [2 B, T - 1]."""
    outputs.log_probs = outputs.log_probs * token_weights


def weighted(collate: Callable[[Sequence[Any]], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """TRL's collator with `token_weights` [2 B, T - 1]: 1 but for tokens of rejected answers."""

    def collated(examples: Sequence[Any]) -> dict[str, Any]:
        import torch

        batch = collate(examples)
        rows, width = batch["input_ids"].shape
        weights = torch.ones(rows, width - 1)
        for at, example in enumerate(examples, len(examples)):
            own = example[WEIGHTS]
            # the first token of an answer is foretold at the last of its prompt
            start = len(example["prompt_ids"]) - 1
            weights[at, start : start + len(own)] = torch.tensor(own)
        return {**batch, "token_weights": weights}

    return collated
