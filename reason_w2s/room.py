"""A disk that is full: told from other failures, whatever a library makes of it, and said."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reason_w2s.errors import OutOfSpace

FULL = (errno.ENOSPC, errno.EDQUOT)
SAID = ("No space left on device", "Disk quota exceeded", "os error 28", "os error 122")
"""What libraries that swallow the system's number keep of it: torch, safetensors, arrow."""
TORCH = ("PytorchStreamWriter failed", "unexpected pos")
"""torch's words for any write that failed: it keeps nothing of why."""
SHORT_MIB = 64
"""Where a write of torch failed and less than this is free, that is why."""


@contextmanager
def room(place: Path, what: str) -> Iterator[None]:
    """Say that there is no room, where that is why something inside failed.

    place: a folder on the disk that is written to. what: what was being written.

    Raises:
        OutOfSpace: the disk, or what a user may have of it, is full.
    """
    try:
        yield
    except OutOfSpace:
        raise
    except Exception as error:
        if not is_full(error, place):
            raise
        raise OutOfSpace(
            f"{place}: no room for {what}: {free_mib(place):,.1f} MiB are free; nothing that was "
            f"finished is lost; make room, then the same command goes on from here"
        ) from error


def is_full(error: BaseException, place: Path) -> bool:
    """Whether an error, or what it came from, is a full disk."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in FULL:
            return True
        text = str(seen)
        if any(one in text for one in SAID):
            return True
        if any(one in text for one in TORCH) and free_mib(place) < SHORT_MIB:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def free_mib(place: Path) -> float:
    """What is free on the disk of a folder, or of the nearest one above it that is there."""
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free / 2**20
