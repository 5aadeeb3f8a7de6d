"""A model's sizes, from its config.json: parameters and what a layer is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BIASED = {"qwen2": "qkv", "qwen2_moe": "qkv", "glm4": "qkv"}
"""Architectures whose attention has biases without a word in the config."""
HEAD_NORMED = {"qwen3", "qwen3_moe", "gemma3_text", "olmo2"}
NORMS = {"gemma2": 4, "gemma3_text": 4, "glm4": 4}
KNOWN = {
    *("llama", "mistral", "mixtral", "phi3", "gemma", "gemma2", "gemma3_text", "olmo2", "glm4"),
    *("qwen2", "qwen2_moe", "qwen3", "qwen3_moe"),
}
"""Decoders of grouped attention and a gated feed-forward network; of others nothing is guessed."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder; `experts` is 1 where it has none, `tied`: head and embedding are one.

    query, key: widths of all query heads and of all key heads together. active: experts that a
    token goes through. extra: parameters of a layer beside its matrices.
    """

    vocabulary: int
    hidden: int
    layers: int
    query: int
    key: int
    inner: int
    experts: int
    active: int
    tied: bool
    extra: int

    @property
    def layer(self) -> int:
        """Parameters of a layer."""
        attention = 2 * self.hidden * (self.query + self.key)
        router = self.hidden * self.experts if self.experts > 1 else 0
        return attention + router + self.experts * 3 * self.hidden * self.inner + self.extra

    @property
    def parameters(self) -> int:
        """All parameters."""
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return embeddings + self.layers * self.layer + self.hidden

    def adapter(self, rank: int) -> int:
        """Parameters of a LoRA adapter on every linear layer but the head."""
        attention = 2 * (self.hidden + self.query) + 2 * (self.hidden + self.key)
        return self.layers * rank * (attention + self.experts * 3 * (self.hidden + self.inner))


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """The shape that a config.json describes; None: an architecture that is not known here."""
    text = {**config, **config.get("text_config", {})}
    kind = str(text.get("model_type"))
    if kind == "gemma3":
        kind = "gemma3_text"
    if kind not in KNOWN or "hidden_size" not in text:
        return None
    hidden, heads = int(text["hidden_size"]), int(text["num_attention_heads"])
    head = int(text.get("head_dim") or hidden // heads)
    query = heads * head
    key = int(text.get("num_key_value_heads") or heads) * head
    experts = int(text.get("num_experts") or text.get("num_local_experts") or 1)
    inner = text.get("moe_intermediate_size")
    return Shape(
        vocabulary=int(text["vocab_size"]),
        hidden=hidden,
        layers=int(text["num_hidden_layers"]),
        query=query,
        key=key,
        inner=int(inner or text["intermediate_size"]),
        experts=experts,
        active=min(experts, int(text.get("num_experts_per_tok") or 1)),
        tied=bool(text.get("tie_word_embeddings", kind.startswith("gemma"))),
        extra=_extra(text, kind, (hidden, query, key, head)),
    )


def _extra(text: Mapping[str, Any], kind: str, sizes: tuple[int, int, int, int]) -> int:
    """Norms and biases of a layer."""
    hidden, query, key, head = sizes
    found = NORMS.get(kind, 2) * hidden
    if kind in HEAD_NORMED:
        found += query + key if kind == "olmo2" else 2 * head
    if BIASED.get(kind) == "qkv" and text.get("attention_bias", True):
        found += query + 2 * key
    elif text.get("attention_bias"):
        found += query + 2 * key + hidden
    return found
