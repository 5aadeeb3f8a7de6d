"""Engines: what draws responses from a model.

`vllm` is the real one, `hf` the slow one that runs wherever torch does, `fake` needs no model.
"""

from __future__ import annotations

from pathlib import Path

from reason_w2s.engines.protocols import Completion, EngineName, Request, Sampler, Sampling, Scorer
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError

__all__ = [
    "Completion",
    "EngineName",
    "EngineSettings",
    "Request",
    "Sampler",
    "Sampling",
    "Scorer",
    "open_sampler",
]


def open_sampler(engine: EngineName, model: Path | str, settings: EngineSettings) -> Sampler:
    """Load `model` (a folder, an adapter folder or a Hub id) into an engine.

    Raises:
        ConfigError: `model` is no model folder, or there is no such engine.
        EngineError: the engine could not load it.
        MissingExtra: the engine's package is not installed.
    """
    if engine == "fake":
        from reason_w2s.engines.fake import FakeSampler

        return FakeSampler()
    if engine == "vllm":
        from reason_w2s.engines.vllm import VllmSampler

        return VllmSampler(model, settings)
    if engine == "hf":
        from reason_w2s.engines.hf import HfSampler

        return HfSampler(model, settings)
    raise ConfigError(f"unknown engine '{engine}'; there are vllm, hf and fake")
