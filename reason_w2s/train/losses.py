"""Loss terms that TRL lacks, as pure functions of tensors.

All are in nats and of one value per token or per pair; what they are divided by is the trainer's
business. A sum over several micro batches divided by the number of tokens (or pairs) of all of them
is that of one batch, since no value depends on its neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def conservative_dpo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    beta: float,
    flipped: float,
) -> Tensor:
    """The conservative DPO loss of each pair, [B], nats (equation 3 of E. Mitchell's note on
    cDPO, as code that cites it has it).

    All logps [B], nats, summed over the response's tokens. With h how much more the policy prefers
    the chosen response than the reference does: -(1 - e) log sigmoid(beta h) - e log sigmoid(-beta
    h), the expected DPO loss (arXiv 2305.18290, equation 7) of a pair that is the wrong way round
    with probability e = `flipped`. Its minimum over h is at sigmoid(beta h) = 1 - e, where DPO's is
    at infinity. It equals DPO's plus e beta h, which is how training has it from terms of TRL
    (`terms.Conservative`).
    """
    from torch.nn import functional

    h = (chosen_logps - ref_chosen_logps) - (rejected_logps - ref_rejected_logps)
    as_said = functional.logsigmoid(beta * h)
    turned = functional.logsigmoid(-beta * h)
    return -(1 - flipped) * as_said - flipped * turned


def critical_tokens_dpo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    rejected_weights: Tensor,
    beta: float,
) -> Tensor:
    """DPO with a weight for each rejected token, [B], nats, of whole sequences: -log sigmoid(beta
    (sum_t r_t of the chosen - sum_t w_t r_t of the rejected)), r_t = log p - log p_ref.

    logps and weights [B, T], logps nats and zero behind a response's end. In training TRL sums the
    log-probabilities, each times its weight (`train.dpo`). The code published with Critical Tokens
    Matter (arXiv 2411.19943) weighs by w_t = 1 - CE_t as here, but then applies log sigmoid at each
    position, to the chosen token t less the rejected token t, whatever these two are, and takes the
    mean over all positions, padding included; that is not offered.
    """
    from torch.nn import functional

    chosen = (chosen_logps - ref_chosen_logps).sum(dim=-1)
    rejected = (rejected_weights * (rejected_logps - ref_rejected_logps)).sum(dim=-1)
    return -functional.logsigmoid(beta * (chosen - rejected))


def reward_cross_entropy(logps: Tensor, ref_logps: Tensor, wanted: Tensor, beta: float) -> Tensor:
    """Cross-entropy of an implicit reward, [B], nats: -log sigmoid(r) of an answer that is wanted
    and -log sigmoid(-r) of one that is not, r = beta (log p - log p_ref) of the whole answer.

    logps [B], nats, summed over the answer's tokens, not their mean; wanted [B], yes or no. The CE
    objective of the implicit process reward model (arXiv 2412.01981), which needs no pairs; the
    README published with it prints it without the minus sign.
    """
    import torch
    from torch.nn import functional

    reward = beta * (logps - ref_logps)
    return -functional.logsigmoid(torch.where(wanted, reward, -reward))


def unpaired_apo_zero(logps: Tensor, ref_logps: Tensor, wanted: Tensor, beta: float) -> Tensor:
    """TRL's loss `apo_zero_unpaired`, [B], of the same: 1 - sigmoid(r), or sigmoid(r)."""
    import torch

    reward = beta * (logps - ref_logps)
    return 1 - torch.where(wanted, reward, -reward).sigmoid()


def confidence(logits: Tensor, labels: Tensor, own_weight: float) -> tuple[Tensor, Tensor]:
    """The auxiliary confidence loss of each token, and the student's own prediction, both [...].

    logits [..., V]; labels [...], the weak model's tokens. Cross-entropy, nats, of the student
    against (1 - a) f_w + a f_hat (Burns et al. 2023, arXiv 2312.09390, in the form of the code
    published with it), where f_w is all on the weak label, f_hat all on the student's own likeliest
    token, and a = `own_weight`. No gradient flows through f_hat: the gradient at the logits is p -
    (1 - a) f_w - a f_hat. Without hardening it would be (1 - a) (p - f_w): a smaller step and
    nothing else, which is why there is no switch for it.

    Carried over from classification, where this departs from the published code:

    - The target is a token, given the weak model's own prefix, not an answer: the student can
      disagree with a wrong number, and still reads it as true in every later token.
    - f_hat is the argmax over the whole vocabulary. The published code picks a threshold at which
      the two classes come out as often as in the weak labels; tokens have no such balance to keep.
    - f_w is one token that the weak model wrote, not its soft distribution.
    - The student's own head is the pretrained one, right from the first update. There a fresh head
      predicts nothing at first, which the warm-up waits for.
    """
    import torch

    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    own = logits.detach().argmax(dim=-1)
    at = logits.gather(-1, torch.stack((labels, own), dim=-1))
    wanted = (1 - own_weight) * at[..., 0] + own_weight * at[..., 1]
    return logits.logsumexp(dim=-1) - wanted, own


def early_learning(
    logits: Tensor, labels: Tensor, values: Tensor, ids: Tensor, beta: float, weight: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The early-learning-regularised loss of each token, [N], nats, and what is remembered of it.

    logits [N, V]; labels [N]. values, ids [N, k]: the remembered target t of each token, its k
    largest numbers and the entries they are of; zeros for a token that is new. Liu et al. 2020,
    "Early-Learning Regularization Prevents Memorization of Noisy Labels" (arXiv 2007.00151): with
    the student's distribution p, t <- beta t + (1 - beta) p / sum p, through which no gradient
    flows, and the loss is CE + weight log(1 - <t, p>): what the student held likely before keeps
    its share of the gradient, also against the label. Returns the loss and the new t.

    Carried over from classification, where this departs from that:

    - A token is an item, given the answer's own prefix: t is of what comes next there, and an
      answer that is wrong from some step on is held back at that step, not as a whole.
    - Of t the k largest numbers are kept, not all V; with k = V it is the same. What is dropped
      counts as 0, so <t, p> is a little too small.
    - p is kept below 1 - 1e-4, so that the logarithm is finite, and not above 1e-4: of a
      vocabulary's entries that would be more than all of p.
    """
    import torch
    from torch.nn import functional

    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    p = logits.softmax(dim=-1).clamp(max=1 - 1e-4)
    with torch.no_grad():
        target = (1 - beta) * p / p.sum(dim=-1, keepdim=True)
        target.scatter_add_(-1, ids, beta * values.to(target.dtype))
        values, ids = target.topk(ids.shape[-1], dim=-1)
        del target
    agreed = (values * p.gather(-1, ids)).sum(dim=-1)
    term = functional.cross_entropy(logits, labels, reduction="none")
    return term + weight * torch.log1p(-agreed), values, ids


def entropy(logits: Tensor) -> Tensor:
    """The entropy of each token's distribution, [...], nats; logits [..., V]."""
    import torch

    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    total = logits.logsumexp(dim=-1)
    return total - ((logits - total[..., None]).exp() * logits).sum(dim=-1)


def squared(scores: Tensor, targets: Tensor) -> Tensor:
    """The squared distance of each score from its target, [B]: no nats."""
    return (scores - targets.to(scores.dtype)) ** 2


def warmed(weight: float, warmup: float, done: int, updates: int) -> float:
    """The weight at an update: from 0 linearly to `weight` over the first `warmup` of the updates.

    done: updates before this one. The code published with arXiv 2312.09390 multiplies `weight` by
    the share of training that is done, not of the warm-up: with weight .5 and warm-up .1 it rises
    to .05 and then jumps to .5. EleutherAI's fork divides, as here.
    """
    return weight * min(1.0, done / (warmup * updates)) if warmup else weight
