"""Group-relative policy optimisation (GRPO, arXiv 2402.03300): TRL's GRPOTrainer, our checker.

Completions are sampled from the model as it is after each update, several per problem, and each is
held against the others of its problem. TRL's default loss is DAPO's (arXiv 2503.14476): a mean over
all tokens of an update. Where all rewards of a problem are the same, its completions teach nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reason_w2s.answers.reward import Reward, reward_for
from reason_w2s.errors import require
from reason_w2s.train import rollouts

if TYPE_CHECKING:
    from trl import GRPOConfig, GRPOTrainer

    from reason_w2s.train.job import Job


def config(arguments: dict[str, Any], longest: int) -> GRPOConfig:
    """TRL's config."""
    made: GRPOConfig = require("trl", "train").GRPOConfig(**arguments)
    return made


def build(job: Job) -> GRPOTrainer:
    """The trainer, ready to train.

    A completion ends with one of the model's end tokens or the prompt's stop strings, or is cut at
    `max_completion_length`; one that was cut learns no end. With `beta`, the reference is the model
    it starts from (under LoRA, the model with its adapter off).
    """
    trl, datasets = require("trl", "train"), require("datasets", "train")
    stop = job.task.prompt.stop

    class ProblemTrainer(trl.GRPOTrainer):  # type: ignore[name-defined,misc]
        """GRPOTrainer for rows whose `prompt` is token ids (TRL 1.16)."""

        def _tokenize_prompts(self, prompts: list[Any]) -> Any:
            return prompts, None, {}

        def _generate_single_turn(self, *given: Any, **named: Any) -> Any:
            ids, logps = super()._generate_single_turn(*given, **named)
            ids = rollouts.ended(ids, stop, job.tokenizer)
            if logps is not None:
                logps = [one[: len(kept)] for one, kept in zip(logps, ids, strict=True)]
            return ids, logps

    trainer: GRPOTrainer = ProblemTrainer(
        model=job.model,
        reward_funcs=[reward_of(job)],
        args=job.config,
        train_dataset=datasets.Dataset.from_list(job.rows),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    return trainer


@dataclass(frozen=True)
class Stopped:
    """A reward that reads a response up to its stop string."""

    reward: Reward
    stop: Sequence[str]

    @property
    def __name__(self) -> str:
        return self.reward.name

    def __call__(self, completions: Sequence[str], **columns: Any) -> list[float | None]:
        """One reward per completion, as the reward's own."""
        texts = [rollouts.said(text, self.stop) for text in completions]
        return self.reward(completions=texts, **columns)


def reward_of(job: Job) -> Stopped:
    """The recipe's reward, over the columns of the rows."""
    asked = job.task.settings.reward
    assert asked is not None, "the recipe's rules ask for one"
    made = reward_for("gold", asked.kind, options="options", rel_tol=asked.rel_tol, unread=0.0)
    return Stopped(made, job.task.prompt.stop)
