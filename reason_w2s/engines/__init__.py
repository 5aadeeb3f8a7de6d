"""Engines: what draws responses from a model.

`vllm` is the real one, `hf` the slow one that runs wherever torch does, `server` asks a model at an
OpenAI-compatible endpoint, `fake` needs no model.
"""

from __future__ import annotations

from pathlib import Path

from reason_w2s.engines.endpoint import Endpoint
from reason_w2s.engines.protocols import Completion, EngineName, Request, Sampler, Sampling, Scorer
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError

__all__ = [
    "Completion",
    "Endpoint",
    "EngineName",
    "EngineSettings",
    "Request",
    "Sampler",
    "Sampling",
    "Scorer",
    "open_sampler",
]


def open_sampler(
    engine: EngineName, model: Path | str | Endpoint, settings: EngineSettings
) -> Sampler:
    """Load `model` (a folder, an adapter folder or a Hub id; for `server` a URL) into an engine.

    Raises:
        ConfigError: `model` is no model folder or endpoint, or there is no such engine.
        EngineError: the engine could not load it, or the endpoint cannot be reached.
        MissingExtra: the engine's package is not installed.
    """
    if engine == "fake":
        from reason_w2s.engines.fake import FakeSampler

        return FakeSampler()
    if engine == "server":
        from reason_w2s.engines.server import ServerSampler

        return ServerSampler(model, settings)
    if isinstance(model, Endpoint):
        raise ConfigError(f"{model.url}: the engine '{engine}' asks no endpoint; use 'server'")
    if engine == "vllm":
        from reason_w2s.engines.vllm import VllmSampler

        return VllmSampler(model, settings)
    if engine == "hf":
        from reason_w2s.engines.hf import HfSampler

        return HfSampler(model, settings)
    raise ConfigError(f"unknown engine '{engine}'; there are vllm, hf, server and fake")
