"""LoRA adapters that vLLM cannot add to a base, or would add wrongly without a word."""

from __future__ import annotations

import json
from pathlib import Path

from reason_w2s.engines import headers
from reason_w2s.engines.whole import ADAPTER_CONFIG
from reason_w2s.errors import ConfigError

LOW_RANK = ("lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B")


def refuse_beyond_vllm(folder: Path) -> None:
    """A merged copy is what vLLM can load of such an adapter.

    Raises:
        ConfigError: the adapter is one of these.
    """
    reasons = beyond_vllm(folder)
    if reasons:
        raise ConfigError(
            f"{folder}: vLLM cannot add this adapter to its base ({', '.join(reasons)}); merge it "
            f"and give the result: reason-w2s merge {folder} OUT"
        )


def beyond_vllm(folder: Path) -> list[str]:
    """What of an adapter vLLM has no place for.

    It adds low-rank updates, all scaled alike: one rank and one alpha.
    """
    config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    found = ["DoRA"] if config.get("use_dora") else []
    found += [name for name in ("rank_pattern", "alpha_pattern") if config.get(name)]
    return found + [f"it replaces {name}" for name in _replaced(folder)]


def _replaced(folder: Path) -> list[str]:
    """Modules of which the adapter holds whole weights or biases: trained ones, or embeddings that
    grew with new tokens."""
    low_rank = (*LOW_RANK, "lora_magnitude_vector")
    names = headers.shapes(folder)
    return sorted({_module(one) for one in names if not any(part in one for part in low_rank)})


def _module(name: str) -> str:
    *_, module, kind = name.replace(".base_layer", "").split(".")
    return module if kind == "weight" else f"{module}.{kind}"
