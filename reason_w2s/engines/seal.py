"""What the files of a folder were when it was finished, and whether they still are.

A model or checkpoint is gigabytes: sizes are compared whenever it is looked for, bytes only before
it is loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reason_w2s.engines.whole import matches

Seal = Mapping[str, Sequence[int | str]]
"""File (relative to the folder) -> its size in bytes and the sha256 of its content."""

READERS = 8
"""Files read at once: hashing takes longer than a fast disk."""


def seal(folder: Path, patterns: tuple[str, ...] = ("*",)) -> Seal:
    """The files of a folder as they are now, or those with such names."""
    found = (path for path in folder.rglob("*") if path.is_file())
    files = sorted(path for path in found if matches(path.name, patterns))
    with ThreadPoolExecutor(READERS) as pool:
        sums = list(pool.map(_sum, files))
    return {
        str(path.relative_to(folder)): [path.stat().st_size, found]
        for path, found in zip(files, sums, strict=True)
    }


def broken(folder: Path, known: Seal, *, content: bool = False) -> str | None:
    """Which file is not what it was, in words; None: none is. content: read them too."""
    for name, (size, _) in known.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != size:
            return f"{name} has {path.stat().st_size:,} bytes, was written with {size:,}"
    if not content:
        return None
    with ThreadPoolExecutor(READERS) as pool:
        sums = list(pool.map(lambda name: _sum(folder / name), known))
    changed = [name for name, found in zip(known, sums, strict=True) if found != known[name][1]]
    return f"the bytes of {changed[0]} are not those that were written" if changed else None


def _sum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
