"""How large the job of a step is: GPUs, nodes, and parts of a sampling."""

from __future__ import annotations

from reason_w2s.doctor.bounds import most
from reason_w2s.doctor.case import Case
from reason_w2s.doctor.engines import served, settings_of
from reason_w2s.recipe.plan import Step
from reason_w2s.runs.execute import place_of
from reason_w2s.runs.slurm import SlurmSettings
from reason_w2s.submit.job import Job


def sized(case: Case, step: Step, slurm: SlurmSettings) -> Job:
    """The job of a step that needs a device."""
    if place_of(step) == "engine":
        return _sampling(case, step, slurm)
    train = case.profile.train
    on_gpus = train.device == "cuda"
    if step.stage == "train":
        gpus = train.processes_each if on_gpus else 0
        return Job(step.name, (), "torch", nodes=train.machines, gpus=gpus)
    return Job(step.name, (), "torch", gpus=int(on_gpus))


def _sampling(case: Case, step: Step, slurm: SlurmSettings) -> Job:
    """At an endpoint the GPUs are somebody else's."""
    profile, model = case.profile, step.roles["model"]
    parts = _parts(case, step, slurm)
    if served(case, model):
        return Job(step.name, (), "cpu", parts=parts)
    settings = settings_of(case, model)
    gpus = settings.replicas * (settings.gpus if profile.sampler == "vllm" else 1)
    needed = gpus if profile.train.device == "cuda" and profile.sampler != "fake" else 0
    return Job(step.name, (), "engine", parts=parts, gpus=needed)


def _parts(case: Case, step: Step, slurm: SlurmSettings) -> int:
    """As many as the profile says, each with enough to draw; what lm-eval asks is in one piece.

    Where nobody knows yet how many there are, a suite is taken for a small one.
    """
    if step.stage != "sample":
        return 1
    traces = most(case, step)
    if traces is None:
        return 1 if step.name.startswith("eval/") else slurm.parts
    return max(1, min(slurm.parts, traces // slurm.part_traces))
