"""Checks the engines that sample: the GPUs of one hold its model, and can share it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reason_w2s.doctor.case import Case
from reason_w2s.doctor.finding import Fact, Finding, Said
from reason_w2s.doctor.memory import gib
from reason_w2s.doctor.scored import bytes_each
from reason_w2s.engines.client import is_url
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.engines.sizes import described


def sizes(case: Case) -> Iterator[Said]:
    """What the profile's engine takes for each model that samples on GPUs."""
    if case.profile.sampler != "vllm" or case.profile.train.device != "cuda":
        return
    sampled = (step.roles["model"] for step in case.plan.steps.values() if step.stage == "sample")
    roots = {case.models.root(name).name: name for name in sampled}
    for name in roots.values():
        config = case.models.config(name)
        count = described(config)
        if config is None or count is None or served(case, name):
            continue
        settings = settings_of(case, name)
        each = "a GPU" if settings.gpus == 1 else f"{settings.gpus} GPUs"
        times = f", {settings.replicas} times" if settings.replicas > 1 else ""
        told = f"{name}: {count / 1e9:.1f} billion parameters on {each}{times}"
        data = {"parameters": count, "gpus": settings.gpus, "replicas": settings.replicas}
        yield Fact("engine", told, {"step": name, **data})
        yield from _divided(case, name, config, settings)
        yield from _full(case, name, count * bytes_each(case, name), settings)


def settings_of(case: Case, name: str) -> EngineSettings:
    """How the profile's engine is set up for a model."""
    return case.profile.engine.of_size(described(case.models.config(name)))


def served(case: Case, name: str) -> bool:
    """Whether a model is at an endpoint, where the GPUs are somebody else's."""
    return is_url(str(case.models.root(name).config.get("path")))


def _divided(
    case: Case, name: str, config: Mapping[str, Any], settings: EngineSettings
) -> Iterator[Finding]:
    heads = int({**config, **config.get("text_config", {})}["num_attention_heads"])
    if heads % settings.tensor_parallel_size:
        yield Finding(
            f"'{name}' has {heads} attention heads, which tensor_parallel_size "
            f"{settings.tensor_parallel_size} does not divide",
            f"{case.on}: engine",
            "vLLM refuses it where the engine starts",
            f"a tensor_parallel_size that divides {heads}, for this size in engine.sizes",
        )


def _full(case: Case, name: str, weights: int, settings: EngineSettings) -> Iterator[Finding]:
    device = case.machine.device_bytes
    each = weights // settings.gpus
    if device is None or each < settings.gpu_memory_utilization * device:
        return
    yield Finding(
        f"the weights of '{name}' take {gib(each)} of each GPU, and vLLM may have "
        f"{gib(settings.gpu_memory_utilization * device)} there",
        f"{case.on}: engine",
        "it ends out of memory where the engine starts",
        "a larger tensor_parallel_size, for this size in engine.sizes",
    )
