"""Checks memory and disk: what training takes, against what this machine has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reason_w2s.doctor.case import Case
from reason_w2s.doctor.finding import Fact, Finding, Said, Unchecked
from reason_w2s.doctor.lengths import longest
from reason_w2s.doctor.memory import GIB, Memory, gib, memory, parts, saved_bytes
from reason_w2s.engines.shape import Shape, shape_of
from reason_w2s.errors import ConfigError
from reason_w2s.recipe.plan import Step

KEPT = 3
"""Checkpoints inside a step at one moment: two are kept, and a third is written before one goes."""
SMALL = 64 * 2**20
"""Bytes below which a step's memory is not worth a line of its own."""
NAMED = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)[Bb](?![a-z])")


def memories(case: Case) -> Iterator[Said]:
    """Weights, gradients, optimiser, activations and logits of each train step."""
    if case.profile.train.device == "cuda" and case.machine.device_bytes is None and case.trains():
        yield Unchecked(
            "whether training fits the GPU", f"{case.on} trains on GPUs, and none is here"
        )
    for step in case.trains():
        shape = _shape(case, step)
        if shape is None:
            yield Unchecked(f"the memory '{step.name}' takes", _no_shape(case, step))
            continue
        tokens, known = longest(case, step)
        if tokens is None:
            yield Unchecked(f"the memory '{step.name}' takes", "how long its rows are is not known")
            continue
        try:
            teacher = _shape(case, step, "teacher")
            found = memory(shape, case.settings(step), case.profile.train, tokens, teacher)
        except ConfigError:
            continue  # said where batches are looked at
        data = {"step": step.name, "gib": found.in_gib(), "tokens": tokens}
        told = f"about {gib(found.total)} per process at {tokens:,} tokens ({known})"
        more = f": {parts(found)}" if found.total > SMALL else ""
        yield Fact("memory", f"{step.name}: {told}{more}", data)
        yield from _tight(case, step, found)


def disk(case: Case) -> Iterator[Said]:
    """Trained models and the checkpoints of the largest step, against the free space."""
    models = checkpoints = 0
    for step in case.trains():
        shape = _shape(case, step)
        if shape is None or step.name in case.store.made:
            continue
        model, checkpoint = saved_bytes(shape, case.settings(step), case.profile.train)
        models += model
        checkpoints = max(checkpoints, KEPT * checkpoint)
    if not models:
        return
    needed, free = models + checkpoints, case.machine.free_bytes
    told = f"{gib(models)} of trained models and, while training, {gib(checkpoints)} of checkpoints"
    elsewhere = case.profile.train.device == "cuda" and case.machine.device_bytes is None
    data = {"needed_gib": round(needed / GIB, 2), "free_gib": round(free / GIB, 2)}
    if elsewhere:
        yield Fact("disk", f"{told}, where it runs", {"needed_gib": data["needed_gib"]})
        return
    yield Fact("disk", f"{told}; {gib(free)} are free", data)
    if needed > free:
        yield Finding(
            f"training needs {gib(needed)} of disk, and {gib(free)} are free",
            f"{case.place}: steps",
            "a full disk stops training at a checkpoint, hours in",
            "make room, or name a larger disk: --runs FOLDER",
        )


def _tight(case: Case, step: Step, found: Memory) -> Iterator[Finding]:
    profile, machine = case.profile.train, case.machine
    if profile.device == "cuda":
        if machine.device_bytes is None:
            return
        there, needed, states, what = machine.device_bytes, found.total, found.states, "the GPU"
        if case.settings(step).group and profile.rollouts == "vllm":
            there, what = round(there * (1 - profile.rollout_memory)), "the GPU, less vLLM's share,"
    else:
        there, what = machine.memory_bytes, "this machine"
        needed, states = (size * profile.processes_each for size in (found.total, found.states))
    if needed <= there:
        return
    surely = states > there
    yield Finding(
        f"'{step.name}' takes about {gib(needed)} ({parts(found)}), and {what} has {gib(there)}",
        f"{case.on}: train",
        "it ends out of memory, at the latest at its longest example",
        "in the profile: more processes with zero_stage 3, offload, gradient_checkpointing or a "
        "smaller micro_batch; in the recipe: lora: all_linear",
        "error" if surely else "warning",
    )


def _shape(case: Case, step: Step, role: str = "init") -> Shape | None:
    config = case.models.config(step.roles[role]) if role in step.roles else None
    return None if config is None else shape_of(config)


def _no_shape(case: Case, step: Step) -> str:
    init = step.roles["init"]
    called, config = case.models.called(init), case.models.config(init)
    if config is not None:
        return f"the sizes of a '{config.get('model_type')}' are not known to doctor"
    why = f"the config of {called} is not here"
    named = NAMED.search(called)
    settings, profile = case.settings(step), case.profile.train
    if named is None or settings.lora is not None or profile.zero_stage:
        return why
    each = 18 if settings.dtype == "bfloat16" else 16
    size = float(named[1]) * 1e9 * each
    return (
        f"{why}; by the {named[0]} in its name, weights, gradients and optimiser take {gib(size)}"
    )
