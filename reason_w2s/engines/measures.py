"""What logits say of given tokens: pure functions of tensors, one value per token and measure.

Each takes the logits of one or several models, `[N, V]` each and float32, with the tokens that
followed, `[N]`, and gives `[M, N]`. A token's values depend on its own row alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Measure = Callable[[Sequence["Tensor"], "Tensor"], "Tensor"]


def logprobs(logits: Sequence[Tensor], tokens: Tensor) -> Tensor:
    """log p(token), nats; one model. `[1, N]`."""
    (own,) = logits
    return (_at(own, tokens) - own.logsumexp(dim=-1))[None]


def ranks(logits: Sequence[Tensor], tokens: Tensor) -> Tensor:
    """How many tokens are at least as likely, itself the first (1: the likeliest; of equally likely
    ones each has the best rank), and -log p(token), nats; one model. `[2, N]`."""
    import torch

    (own,) = logits
    at = _at(own, tokens)
    above = (own > at[:, None]).sum(dim=-1).to(own.dtype)
    return torch.stack((above + 1, own.logsumexp(dim=-1) - at))


def contrast(beta: float) -> Measure:
    """softmax((1 + beta) z_positive - beta z_negative)[token], a share of 1, over the whole
    vocabulary; two models, the positive one first. `[1, N]`.

    The contrastive estimation of Critical Tokens Matter (arXiv 2411.19943); its code has beta = 1.
    """
    return partial(_contrast, beta=beta)


def _contrast(logits: Sequence[Tensor], tokens: Tensor, beta: float) -> Tensor:
    positive, negative = logits
    # sizes of one family pad one vocabulary differently; no token stands behind the padding
    shared = min(positive.shape[-1], negative.shape[-1])
    mixed = (1 + beta) * positive[:, :shared] - beta * negative[:, :shared]
    return (_at(mixed, tokens) - mixed.logsumexp(dim=-1)).exp()[None]


def _at(logits: Tensor, tokens: Tensor) -> Tensor:
    return logits.gather(-1, tokens[:, None]).squeeze(-1)
