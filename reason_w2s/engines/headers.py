"""The header of a safetensors file: which tensors it holds. No weights are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LFS = b"version https://git-lfs"
LENGTH_BYTES = 8
"""A file begins with the length of its header."""


def tensors(path: Path) -> Mapping[str, Any] | str:
    """The tensors by name, each with `dtype` and `shape`; or, in words, why there are none."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(len(LFS))
        if start == LFS:
            return "is a git-lfs pointer, not the weights; fetch them: git lfs pull"
        length = int.from_bytes(start[:LENGTH_BYTES], "little")
        if size < LENGTH_BYTES or length > size - LENGTH_BYTES:
            return _cut(size)
        stream.seek(LENGTH_BYTES)
        try:
            found = json.loads(stream.read(length))
            found.pop("__metadata__", None)
            end = max((about["data_offsets"][1] for about in found.values()), default=0)
        except (ValueError, AttributeError, KeyError, TypeError):
            return "is no safetensors file; save or fetch it again"
    return _cut(size) if LENGTH_BYTES + length + end > size else found


def shapes(folder: Path) -> dict[str, list[int]]:
    """The shape of every tensor in a folder's safetensors files; unreadable files are left out."""
    found: dict[str, list[int]] = {}
    for path in folder.glob("*.safetensors"):
        read = tensors(path)
        if not isinstance(read, str):
            found |= {name: about["shape"] for name, about in read.items()}
    return found


def empty(found: Mapping[str, Any]) -> list[str]:
    """The names of tensors that hold no value."""
    return [name for name, about in found.items() if 0 in about["shape"]]


def _cut(size: int) -> str:
    return f"is cut off (it has {size:,} bytes); save or fetch it again"
