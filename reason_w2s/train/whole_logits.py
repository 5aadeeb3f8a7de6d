"""TRL's SFTTrainer with a loss that depends on whole logits.

TRL 1.16 computes its loss without ever holding the logits of all tokens, and so has no place for a
target that depends on them. The one override here answers TRL's question for each label's
log-probability with minus a term's value instead, computed from the logits of the positions at
which some row has an answer. What a loss is divided by, accumulation, the balancing loss of experts
and metrics stay TRL's. It costs the memory of those logits: see `doctor.memory`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from reason_w2s.train import losses
from reason_w2s.train.examples import IGNORED

if TYPE_CHECKING:
    from torch import Tensor

Term = Callable[["Tensor", "Tensor", "Tensor"], "Tensor"]


def scored(model: Callable[..., Any], term: Term) -> Callable[..., SimpleNamespace]:
    """The model as TRL calls it with `fused_lm_head`, with a term's values for its own.

    term: of logits [B, K, V], labels [B, K] and which of these are learned [B, K], the value of
    each token, [B, K], nats; what is not learned may be anything. K are the positions at which some
    row has an answer.

    It returns what TRL reads, [B, T - 1] each and zero where nothing is to be learned: `log_probs`
    (minus the term's value), `entropy`, `is_top1`, and `label_mask`; and the model's `aux_loss`.
    """

    def call(*, labels: Tensor, fused_lm_head: bool, **asked: Any) -> SimpleNamespace:
        assert fused_lm_head, "TRL asks for logits"
        wanted = labels[:, 1:]
        mask = wanted != IGNORED
        kept = mask.any(dim=0).nonzero().squeeze(-1)
        outputs = model(**asked, logits_to_keep=kept)
        found = term(outputs.logits, wanted[:, kept].clamp(min=0), mask[:, kept])

        def whole(values: Tensor) -> Tensor:
            full = values.new_zeros(mask.shape).index_copy(1, kept, values)
            return full.masked_fill(~mask, 0)

        given = outputs.logits.detach()
        return SimpleNamespace(
            log_probs=whole(-found),
            entropy=whole(losses.entropy(given)),
            is_top1=whole(given.argmax(dim=-1) == wanted[:, kept]),
            label_mask=mask,
            aux_loss=getattr(outputs, "aux_loss", None),
        )

    return call
