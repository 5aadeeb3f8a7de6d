"""TRL's SFTTrainer with the auxiliary confidence loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require
from reason_w2s.train import losses
from reason_w2s.train.terms import Confidence
from reason_w2s.train.whole_logits import Term, scored

if TYPE_CHECKING:
    from torch import Tensor
    from trl import SFTTrainer


def trainer_class(term: Confidence) -> type[SFTTrainer]:
    """SFTTrainer with the term; it logs its weight as `own_weight`."""
    trl = require("trl", "train")

    class ConfidenceTrainer(trl.SFTTrainer):  # type: ignore[name-defined,misc]
        """SFTTrainer whose log-probabilities are the term's values (TRL 1.16)."""

        def compute_loss(self, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
            state = self.state
            weight = losses.warmed(term.weight, term.warmup, state.global_step, state.max_steps)
            self._metrics["train"]["own_weight"].append(weight)
            ours = scored(model, value_at(weight))
            return super().compute_loss(ours, inputs, *rest, **more)

    made: type[SFTTrainer] = ConfidenceTrainer
    return made


def value_at(weight: float) -> Term:
    """The term at a weight of the student's own prediction, as `scored` asks for it."""

    def value(logits: Tensor, labels: Tensor, _: Tensor) -> Tensor:
        return losses.confidence(logits, labels, weight)[0]

    return value
