"""A LoRA adapter and its base as one model folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

from reason_w2s.engines import model_folder
from reason_w2s.engines.hf import load_model
from reason_w2s.errors import ConfigError, require
from reason_w2s.train import card

Dtype = Literal["float32", "bfloat16"]


def merge(adapter: Path, out: Path, dtype: Dtype = "bfloat16") -> Path:
    """Write the whole model to `out`: weights, tokenizer, generation config, prompt and card.

    The adapter is added in float32, whatever its base was saved in; `dtype` is that of the result.

    Raises:
        ConfigError: no adapter there, its base is gone, or something is at `out` already.
        EngineError: transformers or peft cannot load it.
    """
    if not model_folder.is_adapter(model_folder.check(adapter)):
        raise ConfigError(f"{adapter}: a whole model, nothing to merge; expected a LoRA adapter")
    if out.exists():
        raise ConfigError(f"{out}: is there already; move it away, or name another folder")
    torch = require("torch", "train")
    aside = out.with_name(f".{out.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        model = load_model(adapter, "float32").to(getattr(torch, dtype))
        model.save_pretrained(aside)
        model_folder.load_tokenizer(adapter).save_pretrained(aside)
        prompt = model_folder.load_prompt(adapter)
        if prompt is not None:
            model_folder.save_prompt(aside, prompt)
        (aside / card.FILE).write_text(card.merged(adapter, dtype), encoding="utf-8")
        os.replace(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return out
