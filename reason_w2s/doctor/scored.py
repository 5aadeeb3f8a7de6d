"""Checks score steps: models compared token by token share their tokens, and fit into memory.

A pass over traces holds the weights of its models (b bytes a parameter), for a batch of
`scorer.BATCH_TOKENS` tokens the keys and values of each (2 b k per token and layer, as the logits
of a batch come in pieces), and per entry of the logits held at once the models' own (b), float32
copies (4) and what a measure makes of them (12).
"""

from __future__ import annotations

from collections.abc import Iterator

from reason_w2s.doctor.case import Case, failed
from reason_w2s.doctor.finding import Fact, Finding, Said, Unchecked
from reason_w2s.doctor.memory import GIB, gib
from reason_w2s.engines.scorer import BATCH_TOKENS, LOGITS_BYTES
from reason_w2s.engines.shape import Shape, shape_of
from reason_w2s.errors import W2SError
from reason_w2s.recipe.plan import Step
from reason_w2s.stages.score import KINDS, TOKENS, Kind
from reason_w2s.stages.scoring import check_vocabularies
from reason_w2s.train.like import saved_dtype


def vocabularies(case: Case) -> Iterator[Said]:
    """Models that are compared token by token number their tokens alike."""
    for step, kind in _steps(case):
        first, *others = kind.roles
        for role in others:
            names = step.roles[first], step.roles[role]
            one, other = (case.models.tokenizer(name) for name in names)
            if one is None or other is None:
                what = f"whether '{names[0]}' and '{names[1]}' share their tokens"
                yield Unchecked(what, "not both are here")
                continue
            try:
                check_vocabularies(one, other, *names)
            except W2SError as error:
                yield failed(error, case.at(step), "the run stops where the step begins")


def memories(case: Case) -> Iterator[Said]:
    """What the pass that holds most takes."""
    for step, kind in _steps(case):
        passes = [_pass(case, [step.roles[role] for role in roles]) for roles in kind.passes]
        known = [size for size in passes if size is not None]
        if len(known) < len(passes):
            yield Unchecked(f"the memory '{step.name}' takes", "not all its models are here")
            continue
        needed = max(known)
        text = f"{step.name}: about {gib(needed)} while it scores"
        yield Fact("memory", text, {"step": step.name, "gib": round(needed / GIB, 2)})
        device = case.machine.device_bytes
        there, what = (device, "the GPU") if device else (case.machine.memory_bytes, "this machine")
        on_gpu = case.profile.train.device == "cuda"
        if needed > there and (device is not None or not on_gpu):
            yield Finding(
                f"'{step.name}' takes about {gib(needed)}, and {what} has {gib(there)}",
                case.at(step),
                "it ends out of memory at its first traces",
                "score under smaller models, or on a larger device",
            )


def _steps(case: Case) -> Iterator[tuple[Step, Kind]]:
    for step in case.plan.steps.values():
        if step.stage == "score" and KINDS[step.config["kind"]].opens == TOKENS:
            yield step, KINDS[step.config["kind"]]


def _pass(case: Case, names: list[str]) -> int | None:
    """Bytes that models in memory together take; None: one is not known."""
    entries = LOGITS_BYTES // 4
    needed = 12 * entries
    for name in names:
        config = case.models.config(name)
        shape = None if config is None else shape_of(config)
        if shape is None:
            return None
        wide = bytes_each(case, name)
        needed += wide * shape.parameters + _cache(shape, wide) + (wide + 4) * entries
    return needed


def _cache(shape: Shape, wide: int) -> int:
    return 2 * wide * shape.key * shape.layers * BATCH_TOKENS


def bytes_each(case: Case, name: str) -> int:
    """Per parameter of a model as it is loaded."""
    step = case.plan.steps[name]
    while step.stage == "prompted":
        step = case.plan.steps[step.roles["model"]]
    dtype, folder = step.config.get("dtype"), case.models.place(name).folder
    if dtype is None and folder is not None:
        dtype = saved_dtype(folder)
    return 2 if dtype in ("bfloat16", "float16") else 4
