"""Losses as pure functions, to check the trainers against.

Training runs TRL's own terms; these state in a few lines what they must equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def dpo_loss(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    beta: float,
) -> Tensor:
    """The DPO loss of each pair, [B], nats (Rafailov et al. 2023, arXiv 2305.18290, equation 7).

    All logps [B], nats, summed over the response's tokens. -log sigmoid(beta * margin), where the
    margin is how much more the policy prefers the chosen response than the reference does.
    """
    from torch.nn import functional

    margin = (chosen_logps - ref_chosen_logps) - (rejected_logps - ref_rejected_logps)
    return -functional.logsigmoid(beta * margin)
