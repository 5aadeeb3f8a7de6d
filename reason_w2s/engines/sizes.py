"""How many parameters a model has, and what an engine takes for a model of that size.

Parallelism changes speed and memory, never what is asked: nothing of this is part of a trace's
identity.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reason_w2s.engines import headers
from reason_w2s.engines.model_folder import base_of, is_adapter
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.engines.shape import shape_of

log = logging.getLogger(__name__)


def sized(settings: EngineSettings, model: Path | str) -> EngineSettings:
    """The settings for the model in a folder; as they are where no size decides anything.

    Raises:
        ConfigError: an adapter whose base is gone.
    """
    if not settings.sizes or not Path(model).is_dir():
        return settings
    count = parameters(Path(model))
    if count is None:
        log.warning("%s: its size is not known; engine.sizes is left aside", model)
    return settings.of_size(count)


def parameters(folder: Path) -> int | None:
    """Parameters of the model in a folder (of an adapter: of its base), by its config, else by the
    headers of its weights; None: neither says."""
    whole = base_of(folder) if is_adapter(folder) else folder
    config = whole / "config.json"
    found = None if not config.is_file() else described(json.loads(config.read_text("utf-8")))
    stored = sum(math.prod(shape) for shape in headers.shapes(whole).values())
    return found or stored or None


def described(config: Mapping[str, Any] | None) -> int | None:
    """Parameters by a config.json alone; None: no config, or an architecture that is not known."""
    shape = None if config is None else shape_of(config)
    return None if shape is None else shape.parameters
