"""Which models give a text a number and write none: told by their folders, without torch."""

from __future__ import annotations

import json
from pathlib import Path

from reason_w2s.engines import model_folder
from reason_w2s.errors import ConfigError

HEADED = "ForSequenceClassification"
"""How transformers ends the names of such architectures."""
TASK = "SEQ_CLS"
"""peft's name for what an adapter of one does."""


def gives_scores(folder: Path) -> bool:
    """Whether the model in a folder, or what its adapter makes of its base, gives a number."""
    if model_folder.is_adapter(folder):
        file = folder / model_folder.ADAPTER_CONFIG
        return bool(json.loads(file.read_text(encoding="utf-8")).get("task_type") == TASK)
    file = folder / "config.json"
    named = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return any(str(one).endswith(HEADED) for one in named.get("architectures") or ())


def writes(folder: Path) -> Path:
    """The folder itself, if its model writes text.

    Raises:
        ConfigError: it gives scores.
    """
    if gives_scores(folder):
        raise ConfigError(
            f"{folder}: gives a score and writes no text; use it in a score step (kind: reward)"
        )
    return folder
