"""What a recipe may say about a loss that TRL lacks, under `loss:` of a train step. No torch."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.errors import ConfigError


class Term(BaseModel):
    """A loss. objective: whose loss it replaces. decides: the keys of TRL that it leaves no say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objective: ClassVar[str]
    decides: ClassVar[tuple[str, ...]]

    def arguments(self) -> dict[str, Any]:
        """What TRL's config is told."""
        return {}


class Confidence(Term):
    """The auxiliary confidence loss of weak-to-strong generalization (`losses.confidence`).

    weight: the share of the student's own prediction in the target, once warmed up. warmup: the
    share of the updates over which it rises from 0. The defaults are those of the code published
    with arXiv 2312.09390, which however warms up otherwise (`losses.warmed`).
    """

    objective: ClassVar[str] = "sft"
    decides: ClassVar[tuple[str, ...]] = ("loss_type", "label_smoothing_factor", "use_liger_kernel")

    name: Literal["confidence"]
    weight: float = Field(0.5, gt=0, lt=1)
    warmup: float = Field(0.1, ge=0, le=1)


class EarlyLearning(Term):
    """Early-learning regularisation (`losses.early_learning`).

    weight: lambda of the paper. beta: how much of what is remembered of a token stays when it is
    seen again. keep: numbers remembered per token, of the vocabulary's; 8 bytes each, in the main
    memory of every process (`remembered`); ours. The other defaults are those of the published code
    for CIFAR-10 (arXiv 2007.00151).
    """

    objective: ClassVar[str] = "sft"
    decides: ClassVar[tuple[str, ...]] = (
        *("loss_type", "label_smoothing_factor", "use_liger_kernel", "packing", "padding_free"),
    )

    name: Literal["early_learning"]
    weight: float = Field(3.0, gt=0)
    beta: float = Field(0.7, ge=0, lt=1)
    keep: int = Field(16, ge=1)


class Conservative(Term):
    """Conservative DPO (`losses.conservative_dpo`).

    flipped: the share of pairs whose chosen response is the worse one; None until it is measured.
    """

    objective: ClassVar[str] = "dpo"
    decides: ClassVar[tuple[str, ...]] = ("loss_type", "loss_weights", "label_smoothing")

    name: Literal["conservative"]
    flipped: float | None = Field(None, ge=0, lt=0.5)

    def arguments(self) -> dict[str, Any]:
        """The same loss from two that TRL has: twice `sigmoid` less once `robust`.

        With x = beta h, DPO's loss is s = -log sigmoid(x), and -log sigmoid(-x) = s + x. So
        conservative at e is s + e x, and TRL's robust at E is s - x E / (1 - 2 E): they meet at
        E = e / (1 + 2 e). TRL 1.16 ignores `label_smoothing` under `sigmoid` itself.

        Raises:
            ConfigError: the rate is not known.
        """
        if self.flipped is None:
            raise ConfigError("loss.flipped: the rate of flipped pairs is not said; give a number")
        return {
            "loss_type": ["sigmoid", "robust"],
            "loss_weights": [2.0, -1.0],
            "label_smoothing": self.flipped / (1 + 2 * self.flipped),
        }


class CriticalTokens(Term):
    """DPO that weighs each token of the rejected answer (`losses.critical_tokens_dpo`).

    scores: the column of the tokens' scores, such as CE.tokens of a step `score: {kind: contrast}`;
    a token's weight is 1 less its score, so that critical ones (a low score) count most.
    """

    objective: ClassVar[str] = "dpo"
    decides: ClassVar[tuple[str, ...]] = (
        *("loss_type", "loss_weights", "label_smoothing", "ld_alpha", "use_weighting"),
        *("f_divergence_type", "precompute_ref_log_probs"),
    )

    name: Literal["critical_tokens"]
    scores: str


class CrossEntropy(Term):
    """Cross-entropy of implicit rewards, without pairs (`losses.reward_cross_entropy`).

    TRL's `desirable_weight` and `undesirable_weight` weigh the two kinds of answers.
    """

    objective: ClassVar[str] = "kto"
    decides: ClassVar[tuple[str, ...]] = ("loss_type", "precompute_ref_log_probs")

    name: Literal["cross_entropy"]

    def arguments(self) -> dict[str, Any]:
        """TRL's loss that measures no drift; its values give way to the term's."""
        return {"loss_type": "apo_zero_unpaired"}


LossTerm = Annotated[
    Confidence | EarlyLearning | Conservative | CriticalTokens | CrossEntropy,
    Field(discriminator="name"),
]


def misfit(term: LossTerm, objective: str, trainer: dict[str, Any]) -> str | None:
    """Why a term cannot stand beside the rest of a training step; None if it can."""
    if term.objective != objective:
        return f"loss: {term.name} is for objective: {term.objective}, got objective: {objective}"
    both = [key for key in term.decides if key in trainer]
    if both:
        return f"loss: {term.name} leaves no say to trainer.{both[0]}; remove one of the two"
    return None
