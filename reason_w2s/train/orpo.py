"""ORPO over pairs, without a reference: TRL's experimental ORPOTrainer on tokenised rows.

Two overrides. TRL 1.16 tokenises text itself and appends the end token to every response; here rows
are handed over as its collator reads them. And its likelihood term is the mean over all tokens of a
forward pass, the prompt's too; here it is the paper's (arXiv 2403.07691, equations 1 and 6): of
each chosen response its mean log-probability per token given the prompt. So no prompt is learned,
and an update's loss does not depend on how its batch is shared out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require
from reason_w2s.train.examples import IGNORED

if TYPE_CHECKING:
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    from reason_w2s.train.job import Job


def config(arguments: dict[str, Any], longest: int) -> ORPOConfig:
    """TRL's config. `longest`: tokens of the longest row, so that nothing is cut."""
    require("trl", "train")
    from trl.experimental.orpo import ORPOConfig

    return ORPOConfig(**{**arguments, "max_length": longest})


def columns(row: dict[str, list[int]]) -> dict[str, list[int]]:
    """A row of `prompt_ids`, `chosen_ids`, `rejected_ids` as TRL's collator reads it."""
    asked = row["prompt_ids"]
    made = {"prompt_input_ids": asked, "prompt_attention_mask": [1] * len(asked)}
    for side in ("chosen", "rejected"):
        answer = row[f"{side}_ids"]
        made[f"{side}_input_ids"] = asked + answer
        made[f"{side}_attention_mask"] = [1] * (len(asked) + len(answer))
        made[f"{side}_labels"] = [IGNORED] * len(asked) + answer
    return made


def build(job: Job) -> ORPOTrainer:
    """The trainer, ready to train.

    Log-probabilities are means over a response's tokens, nats; the loss is the mean over pairs of
    -log p(chosen) - beta log sigmoid(log odds of chosen over rejected).
    """
    datasets = require("datasets", "train")
    trainer: ORPOTrainer = trainer_class()(
        model=job.model,
        args=job.config,
        train_dataset=datasets.Dataset.from_list([columns(row) for row in job.rows]),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    return trainer


def trainer_class() -> type[ORPOTrainer]:
    """ORPOTrainer for rows of `columns`; the chosen response alone is made likely (TRL 1.16)."""
    require("trl", "train")
    from trl.experimental.orpo import ORPOTrainer

    class AnswerTrainer(ORPOTrainer):  # type: ignore[misc]
        def tokenize_row(self, feature: Any, model: Any = None) -> Any:
            return feature

        def concatenated_forward(self, model: Any, batch: Any) -> Any:
            chosen, *others = super().concatenated_forward(model, batch)
            # rejected, the logits of both sides, then TRL's own likelihood term
            others[3] = -chosen.mean()
            return (chosen, *others)

    return AnswerTrainer
