"""Which models give a text a number and write none: told by their folders, without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reason_w2s.engines import model_folder
from reason_w2s.errors import ConfigError

HEADED = "ForSequenceClassification"
"""How transformers ends the names of such architectures."""
TASK = "SEQ_CLS"
"""peft's name for what an adapter of one does."""


def gives_scores(folder: Path) -> bool:
    """Whether the model in a folder, or what its adapter makes of its base, gives a number."""
    if model_folder.is_adapter(folder):
        return bool(_said(folder / model_folder.ADAPTER_CONFIG).get("task_type") == TASK)
    named = _said(folder / "config.json").get("architectures") or ()
    return any(str(one).endswith(HEADED) for one in named)


def _said(file: Path) -> dict[str, Any]:
    """What a config says; nothing where it is not there, or cannot be read, as its loader tells."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


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
