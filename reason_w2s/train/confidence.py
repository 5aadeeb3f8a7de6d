"""TRL's SFTTrainer with the auxiliary confidence loss.

TRL 1.16 computes its loss without ever holding the logits of all tokens, and so has no place for a
target that depends on them. The one override here answers TRL's question for each label's
log-probability with the term's value instead, computed from the logits of the positions at which
some row has an answer. What a loss is divided by, accumulation, the balancing loss of experts and
metrics stay TRL's. It costs the memory of those logits: see `doctor.memory`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from reason_w2s.errors import require
from reason_w2s.train import losses
from reason_w2s.train.examples import IGNORED
from reason_w2s.train.terms import Confidence

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
            return super().compute_loss(scored(model, weight), inputs, *rest, **more)

    made: type[SFTTrainer] = ConfidenceTrainer
    return made


def scored(model: Callable[..., Any], own_weight: float) -> Callable[..., SimpleNamespace]:
    """The model as TRL calls it with `fused_lm_head`, with the confidence loss for its own.

    It returns what TRL reads, [B, T - 1] each and zero where nothing is to be learned: `log_probs`
    (minus the term's value), `entropy`, `is_top1`, and `label_mask`; and the model's `aux_loss`.
    """

    def call(*, labels: Tensor, fused_lm_head: bool, **asked: Any) -> SimpleNamespace:
        assert fused_lm_head, "TRL asks for logits"
        wanted = labels[:, 1:]
        mask = wanted != IGNORED
        kept = mask.any(dim=0).nonzero().squeeze(-1)
        outputs = model(**asked, logits_to_keep=kept)
        term, own = losses.confidence(outputs.logits, wanted[:, kept].clamp(min=0), own_weight)

        def whole(values: Tensor) -> Tensor:
            full = values.new_zeros(mask.shape).index_copy(1, kept, values)
            return full.masked_fill(~mask, 0)

        return SimpleNamespace(
            log_probs=whole(-term),
            entropy=whole(losses.entropy(outputs.logits.detach())),
            is_top1=whole(own == wanted[:, kept]),
            label_mask=mask,
            aux_loss=getattr(outputs, "aux_loss", None),
        )

    return call
