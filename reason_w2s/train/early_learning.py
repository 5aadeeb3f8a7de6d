"""TRL's SFTTrainer with early-learning regularisation (arXiv 2007.00151) over tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import ConfigError, require
from reason_w2s.train import losses
from reason_w2s.train.examples import IGNORED
from reason_w2s.train.remembered import Memory, marks_of
from reason_w2s.train.terms import EarlyLearning
from reason_w2s.train.whole_logits import scored

if TYPE_CHECKING:
    from torch import Tensor
    from trl import SFTTrainer

    from reason_w2s.train.job import Job, Rows


def trainer_class(term: EarlyLearning, memory: Memory) -> type[SFTTrainer]:
    """SFTTrainer with the term, which reads `memory` and adds to it."""
    trl = require("trl", "train")

    class EarlyLearningTrainer(trl.SFTTrainer):  # type: ignore[name-defined,misc]
        """SFTTrainer whose log-probabilities are the term's values (TRL 1.16)."""

        def compute_loss(self, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
            marks = marks_of(inputs["input_ids"], inputs.get("attention_mask"))
            sizes = (inputs["labels"][:, 1:] != IGNORED).sum(dim=-1).tolist()

            def value(logits: Tensor, labels: Tensor, learned: Tensor) -> Tensor:
                own = logits[learned]
                before = memory.recall(marks, sizes, own)
                found, values, ids = losses.early_learning(
                    own, labels[learned], before.values, before.ids, term.beta, term.weight
                )
                memory.see(marks, sizes, before._replace(values=values, ids=ids))
                return found.new_zeros(learned.shape).masked_scatter(learned, found)

            return super().compute_loss(scored(model, value), inputs, *rest, **more)

    made: type[SFTTrainer] = EarlyLearningTrainer
    return made


def prepared(job: Job, term: EarlyLearning) -> tuple[type[SFTTrainer], Memory]:
    """The trainer's class and its memory: empty, or that of the checkpoint it goes on from.

    Raises:
        ConfigError: every example comes once, so that there is nothing to remember.
        StoreError: the checkpoint has no memory.
    """
    if not _again(job.rows):
        raise ConfigError(
            f"loss: early_learning holds each example to what was said of it before, and each of "
            f"the {len(job.rows):,} comes once; train for more epochs or updates, or without it"
        )
    memory = Memory(term.keep)
    if job.task.resume is not None:
        memory.load(job.task.resume)
    return trainer_class(term, memory), memory


def _again(rows: Rows) -> bool:
    """Whether some example comes more than once."""
    seen = {tuple(row["input_ids"]) for row in rows}
    return len(seen) < len(rows)
