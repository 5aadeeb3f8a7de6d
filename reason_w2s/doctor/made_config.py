"""The config.json of a model that the run makes from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reason_w2s.recipe.plan import Step


def config_of(step: Step) -> dict[str, Any]:
    """What the config.json of a model will say that the run makes from nothing."""
    if step.stage == "pretrain":
        return _world(step.config)
    config = step.config
    return {
        "model_type": "qwen2",
        "vocab_size": config["vocab_size"],
        "hidden_size": config["hidden"],
        "intermediate_size": -(-config["hidden"] * 8 // 48) * 16,
        "num_hidden_layers": config["layers"],
        "num_attention_heads": config["heads"],
        "num_key_value_heads": config["heads"],
        "max_position_embeddings": config["max_positions"],
        "tie_word_embeddings": True,
    }


def _world(config: Mapping[str, Any]) -> dict[str, Any]:
    from reason_w2s.problems.world import VOCABULARY
    from reason_w2s.train import pretrain

    size = pretrain.SIZES[config["size"]]
    return {
        "model_type": "llama",
        "vocab_size": len(VOCABULARY),
        "hidden_size": size.hidden,
        "intermediate_size": size.feed_forward,
        "num_hidden_layers": pretrain.LAYERS,
        "num_attention_heads": pretrain.HEADS,
        "num_key_value_heads": pretrain.HEADS,
        "head_dim": pretrain.HEAD,
        "attention_bias": True,
        "max_position_embeddings": pretrain.MAX_POSITIONS,
        "tie_word_embeddings": True,
    }
