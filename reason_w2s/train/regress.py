"""A scorer that learns a column's numbers: TRL's RewardTrainer with a squared error.

TRL has no regression, and its reward trainer is the nearest: a sequence-classification model with
one output and what goes with training one. Two overrides: the rows are single texts with a number
each, and the loss is the squared distance from it (as Weaver distils its verifiers, arXiv
2506.18203, into a cross-encoder).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reason_w2s.errors import ConfigError, require
from reason_w2s.train import losses, reward

if TYPE_CHECKING:
    from torch import Tensor
    from trl import RewardConfig, RewardTrainer

    from reason_w2s.train.job import Job

PAIRED = "center_rewards_coefficient"


def config(arguments: dict[str, Any], longest: int) -> RewardConfig:
    """TRL's config.

    Raises:
        ConfigError: a setting of the loss that is not used.
    """
    if arguments.get(PAIRED) is not None:
        raise ConfigError(f"trainer.{PAIRED}: is for objective: reward; remove it here")
    return reward.config(arguments, longest)


def columns(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `prompt_ids`, `completion_ids`, `target` as the collator reads it."""
    return {"input_ids": row["prompt_ids"] + row["completion_ids"], "target": row["target"]}


def build(job: Job) -> RewardTrainer:
    """The trainer, ready to train. The loss is the mean over texts of `losses.squared`."""
    datasets = require("datasets", "train")
    trainer: RewardTrainer = _trainer_class()(
        model=job.model,
        args=job.config,
        data_collator=_Collator(job.tokenizer),
        train_dataset=datasets.Dataset.from_list([columns(row) for row in job.rows]),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    return trainer


class _Collator:
    """Rows as tensors: `input_ids` and `attention_mask` [B, T], padded on the right, `target` [B].

    The padding id is read when it is used: TRL gives the tokenizer one where it has none.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        import torch

        width = max(len(row["input_ids"]) for row in rows)
        short = [width - len(row["input_ids"]) for row in rows]
        pad = self.tokenizer.pad_token_id
        ids = [row["input_ids"] + [pad] * less for row, less in zip(rows, short, strict=True)]
        return {
            "input_ids": torch.tensor(ids),
            "attention_mask": torch.tensor([[1] * (width - less) + [0] * less for less in short]),
            "target": torch.tensor([row["target"] for row in rows]),
        }


def _trainer_class() -> type[RewardTrainer]:
    trl = require("trl", "train")

    class ValueTrainer(trl.RewardTrainer):  # type: ignore[name-defined,misc]
        """RewardTrainer for rows of `columns` (TRL 1.16)."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def _set_signature_columns_if_needed(self) -> None:
            self._signature_columns = ["input_ids", "target"]

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any
        ) -> Any:
            target = inputs.pop("target")
            # encoders have no cache to leave out
            cached = getattr(self.model.config, "use_cache", None) is not None
            outputs = model(**inputs, **({"use_cache": False} if cached else {}))
            loss = losses.squared(outputs.logits.squeeze(-1), target).mean()
            return (loss, outputs) if return_outputs else loss

    made: type[RewardTrainer] = ValueTrainer
    return made
