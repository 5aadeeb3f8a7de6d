"""On-policy distillation (arXiv 2306.13649, 2306.08543): TRL's DistillationTrainer.

The student samples, and at each token of its own responses its distribution is drawn towards that
of one teacher: `beta` 1, TRL's default, is the reverse KL divergence, 0 the forward one. Gold
answers play no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.engines import vocabulary
from reason_w2s.errors import ConfigError, require
from reason_w2s.train import rollouts

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl import DistillationConfig, DistillationTrainer

    from reason_w2s.train.job import Job


def config(arguments: dict[str, Any], longest: int) -> DistillationConfig:
    """TRL's config."""
    made: DistillationConfig = require("trl", "train").DistillationConfig(**arguments)
    return made


def build(job: Job) -> DistillationTrainer:
    """The trainer, ready to train. Loss: mean over the tokens of an update, nats.

    The teacher reads the student's prompt and response as they are, under the student's prompt.
    """
    trl, datasets = require("trl", "train"), require("datasets", "train")
    stop = job.task.prompt.stop
    assert job.teacher is not None, "the recipe's rules ask for one"
    _fit_vocabulary(job.teacher, job.model.config.get_text_config().vocab_size)

    class ProblemTrainer(trl.DistillationTrainer):  # type: ignore[name-defined,misc]
        """DistillationTrainer for rows whose `prompt` is token ids (TRL 1.16)."""

        def _tokenize_prompts(self, prompts: list[Any]) -> Any:
            return prompts, None, {}

        def _generate_single_turn(self, *given: Any, **named: Any) -> Any:
            ids = super()._generate_single_turn(*given, **named)
            return rollouts.ended(ids, stop, job.tokenizer)

    trainer: DistillationTrainer = ProblemTrainer(
        model=job.model,
        teacher_model=job.teacher,
        args=job.config,
        train_dataset=datasets.Dataset.from_list(job.rows),
        processing_class=job.tokenizer,
        peft_config=job.peft_config,
    )
    return trainer


def check_vocabularies(
    student: PreTrainedTokenizerBase, teacher: PreTrainedTokenizerBase, name: str
) -> None:
    """Refuse a teacher whose tokens are not the student's.

    Raises:
        ConfigError: how many are not, and what to do.
    """
    apart = vocabulary.apart(student, teacher)
    if not apart:
        return
    raise ConfigError(
        f"teacher: the vocabulary of {name} is not the student's ({apart:,} tokens differ); "
        f"distributions over other tokens cannot be compared: take a teacher of the student's "
        f"family, or teach by its traces (sample, then train: {{objective: sft}})"
    )


def _fit_vocabulary(teacher: PreTrainedModel, size: int) -> None:
    """Give the teacher the student's number of rows, which TRL asks for.

    Sizes of one family pad one vocabulary to different numbers (Qwen2.5: 151,936 or 152,064); no
    token stands behind the rows that are cut or added, the latter with a logit of zero.
    """
    old = teacher.config.get_text_config().vocab_size
    if old == size:
        return
    torch = require("torch", "train")
    teacher.resize_token_embeddings(size, mean_resizing=False)
    for layer in (teacher.get_input_embeddings(), teacher.get_output_embeddings()):
        with _whole(layer.weight), torch.no_grad():
            layer.weight[old:] = 0


def _whole(weight: Any) -> Any:
    """The weight in one piece, where ZeRO-3 has cut it up."""
    from contextlib import nullcontext

    if not hasattr(weight, "ds_id"):
        return nullcontext()
    return require("deepspeed", "train").zero.GatheredParameters([weight], modifier_rank=0)
