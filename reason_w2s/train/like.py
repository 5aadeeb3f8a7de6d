"""A model like another one, only tiny and with random weights: its architecture, its tokenizer.

What is copied (tokenizer, chat template, generation config) and what is read (config) must lie in a
folder or in the local Hugging Face cache; weights need not. Of a model that is not here at all, a
stand-in is made: an architecture and a chat template that go by its name, a byte-level tokenizer.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reason_w2s.engines.model_folder import ADAPTER_CONFIG, BASE_FOLDER, is_adapter
from reason_w2s.errors import ConfigError, require
from reason_w2s.prompts import load as load_prompt
from reason_w2s.prompts import names as prompt_names
from reason_w2s.trust import trusted

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, Qwen2Tokenizer

COPIED = (
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "*.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.jinja",
    "chat_template.json",
    "generation_config.json",
)
LAYERS, WIDTH, HEADS = 2, 64, 2
SMALL = {
    "hidden_size": WIDTH,
    "intermediate_size": 2 * WIDTH,
    "head_dim": WIDTH // HEADS,  # 32 is the smallest head that vLLM runs on a CPU
    "moe_intermediate_size": WIDTH,
    "shared_expert_intermediate_size": WIDTH,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
}
FREQUENCY_FACTORS = ("short_factor", "long_factor")
STAND_IN_POSITIONS, STAND_IN_VOCABULARY, BOS = 8192, 4096, "<|begin_of_text|>"


class StandIn(NamedTuple):
    """What a model that is not here is tried with. template: one of those that TRL ships."""

    pattern: str
    model_type: str
    template: str


STAND_INS = (
    StandIn("r1-distill-llama", "llama", "deepseek_r1_distill"),
    StandIn("r1-distill", "qwen2", "deepseek_r1_distill"),
    StandIn("qwen3", "qwen3", "qwen3"),
    StandIn("llama", "llama", "llama3"),
    StandIn("mistral", "mistral", "qwen2_5"),
    StandIn("gemma-3", "gemma3_text", "gemma3"),
    StandIn("gemma-2-", "gemma2", "gemma"),
    StandIn("gemma", "gemma", "gemma"),
    StandIn("phi-3", "phi3", "phi3"),
    StandIn("", "qwen2", "qwen2_5"),
)
"""By name, the first whose pattern occurs in it; the last stands for all others."""


def on_disk(model: str, revision: str | None = None) -> Path | None:
    """Where a model's config lies: its folder or its place in the local cache; None: nowhere here.

    Asks no network.
    """
    folder = Path(model)
    if not folder.is_dir():
        hub = require("huggingface_hub", "train")
        try:
            folder = Path(hub.snapshot_download(model, revision=revision, local_files_only=True))
        except (OSError, ValueError):
            return None
    named = _base_name(folder)
    if named is None:
        return folder if (folder / "config.json").is_file() else None
    return folder if _base(folder, named) is not None else None


def whole(folder: Path) -> Path | None:
    """The folder with a model's config: its own, or an adapter's base; None: that is not here."""
    named = _base_name(folder)
    place = folder if named is None else _base(folder, named)
    return place if place is not None and (place / "config.json").is_file() else None


def saved_dtype(folder: Path) -> str | None:
    """The precision a model's weights were saved in; an adapter's is its base's."""
    place = whole(folder)
    assert place is not None, folder
    config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    dtype = config.get("dtype") or config.get("torch_dtype")
    return None if dtype is None else str(dtype)


def stand_in(model: str) -> StandIn:
    """What a model of this name is tried with where it is not here."""
    return next(one for one in STAND_INS if one.pattern in model.lower())


def identity(model: str, revision: str | None) -> str:
    """What decides a tiny model made like another: that one's files, less its weights."""
    folder = on_disk(model, revision)
    if folder is None:
        return ":".join(stand_in(model))
    named = _base_name(folder)
    digest = hashlib.sha256()
    for place in filter(None, (folder, None if named is None else _base(folder, named))):
        for path in sorted(place.iterdir()):
            if any(path.match(pattern) for pattern in ("*config.json", *COPIED)):
                digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def make(model: str, revision: str | None, texts: Sequence[str], out: Path, *, dtype: str) -> None:
    """Write to `out` a tiny random model like `model`, or its stand-in where that is not here."""
    folder = on_disk(model, revision)
    if folder is None:
        make_stand_in(model, texts, out, dtype=dtype)
    else:
        copy_like(folder, out, dtype=dtype)


def copy_like(folder: Path, out: Path, *, dtype: str) -> None:
    """Write to `out` a tiny random model of the architecture in `folder`, with its tokenizer.

    An adapter becomes an untrained adapter of the same settings on its tiny base. Weights come from
    torch's generator.

    Raises:
        ConfigError: transformers builds no language model from that config.
    """
    named = _base_name(folder)
    source = whole(folder)
    assert source is not None, folder
    transformers = require("transformers", "train")
    try:
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=trusted())
        model = _random(shrink(config), dtype)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ConfigError(
            f"{folder}: transformers builds no tiny language model from its config ({error})"
        ) from error
    base = out if named is None else out / BASE_FOLDER
    model.save_pretrained(base)
    _copy_tokenizer(source, base)
    if named is not None:
        _save_adapter(model, folder, out)


def make_stand_in(model: str, texts: Sequence[str], out: Path, *, dtype: str) -> None:
    """Write to `out` a tiny random model for a name alone; its tokenizer learns from `texts`."""
    transformers = require("transformers", "train")
    found = stand_in(model)
    asked = [load_prompt(name).template for name in prompt_names()]
    tokenizer = byte_level([*texts, *asked], STAND_IN_VOCABULARY, positions=STAND_IN_POSITIONS)
    template = (files("trl") / "chat_templates" / f"{found.template}.jinja").read_text("utf-8")
    marks = sorted(set(re.findall(r"<[|\uff5c][^|\uff5c<>{}]+[|\uff5c]>", template)))
    tokenizer.add_special_tokens({"additional_special_tokens": marks, "bos_token": BOS})
    tokenizer.chat_template = template
    config = transformers.AutoConfig.for_model(found.model_type)
    config.update(
        {
            "vocab_size": len(tokenizer),
            "max_position_embeddings": STAND_IN_POSITIONS,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
    )
    _random(shrink(config), dtype).save_pretrained(out)
    tokenizer.save_pretrained(out)


def shrink(config: PreTrainedConfig) -> PreTrainedConfig:
    """The config made tiny in place, of the same kind: a layer of each kind, heads still grouped.

    Vocabulary, positions and all that is no size stay as they are.
    """
    text = config.get_text_config(decoder=True)
    grouped = getattr(text, "num_key_value_heads", None) not in (None, text.num_attention_heads)
    old_head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    _cut_layers(text)
    for name, size in SMALL.items():
        if getattr(text, name, None) is not None:
            setattr(text, name, min(size, getattr(text, name)))
    text.num_attention_heads = HEADS
    if getattr(text, "num_key_value_heads", None) is not None:
        text.num_key_value_heads = 1 if grouped else HEADS
    rope = getattr(text, "rope_parameters", None) or {}
    for name in FREQUENCY_FACTORS:
        if name in rope:
            rope[name] = rope[name][: len(rope[name]) * SMALL["head_dim"] // old_head]
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    return config


def byte_level(texts: Sequence[str], size: int, *, positions: int) -> Qwen2Tokenizer:
    """A byte-level BPE tokenizer of at most `size` entries, trained on `texts`; reads any text."""
    from transformers import Qwen2Tokenizer

    # transformers loads every Qwen2 folder with this class, so it has to be trained as one
    base = Qwen2Tokenizer(model_max_length=positions)
    return base.train_new_from_iterator(
        texts,
        size,
        initial_alphabet=require("tokenizers", "train").pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )


def _cut_layers(text: Any) -> None:
    """Keep the first layer of each kind, at least two layers; lists with one entry a layer too."""
    before = text.num_hidden_layers
    kinds = list(getattr(text, "layer_types", None) or [])
    kept = {kinds.index(kind) for kind in kinds}
    others = (index for index in range(before) if index not in kept)
    order = sorted([*kept, *islice(others, max(0, LAYERS - len(kept)))])
    for name, value in vars(text).items():
        if isinstance(value, list) and len(value) == before:
            setattr(text, name, [value[index] for index in order])
    text.num_hidden_layers = len(order)


def _random(config: PreTrainedConfig, dtype: str) -> PreTrainedModel:
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

    writes = type(config) in AutoModelForCausalLM._model_mapping
    # an encoder writes nothing; it may be given a head
    kind = AutoModelForCausalLM if writes else AutoModelForMaskedLM
    model: PreTrainedModel = kind.from_config(config, dtype=getattr(torch, dtype))
    return model


def _copy_tokenizer(source: Path, out: Path) -> None:
    """The files as they are: loading and saving them may change what they say."""
    for pattern in COPIED:
        for path in source.glob(pattern):
            shutil.copyfile(path, out / path.name)


def _base_name(folder: Path) -> str | None:
    """What an adapter's folder calls its base; None: it is no adapter."""
    if not is_adapter(folder):
        return None
    config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    return str(config.get("base_model_name_or_path") or "")


def _base(folder: Path, named: str) -> Path | None:
    kept = folder / BASE_FOLDER
    return kept if (kept / "config.json").is_file() else on_disk(named)


def _save_adapter(model: PreTrainedModel, folder: Path, out: Path) -> None:
    peft = require("peft", "train")
    settings = peft.LoraConfig.from_pretrained(str(folder))
    adapted = peft.get_peft_model(model, settings)
    base = str((out / BASE_FOLDER).resolve())
    adapted.peft_config["default"].base_model_name_or_path = base
    adapted.save_pretrained(str(out))
    _copy_tokenizer(folder, out)
