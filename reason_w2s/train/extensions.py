"""Locks of PyTorch's extension builds: the ones DeepSpeed would wait for, for ever.

DeepSpeed compiles its extensions at first use, and each process takes a file named `lock` while it
does. A process that is killed just then leaves its file, and every later launch waits for it
without a word.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from reason_w2s.errors import require

DEAD_AFTER = 600.0
"""Seconds. A holder may run on another machine, where this one does not see it."""


def clear_locks(*, dead_after: float = DEAD_AFTER, pause: float = 1.0) -> None:
    """Remove locks whose holder died; wait, and say so, while another machine may hold one.

    Args:
        dead_after: Seconds after which a lock that no process of this machine has open is dead.
        pause: Seconds between two looks.
    """
    for lock in _locks():
        told = False
        while (age := _age(lock)) is not None and not _held(lock):
            if age >= dead_after:
                lock.unlink(missing_ok=True)
                _say(f"{lock}: left by a build that died; removed")
            elif not told:
                told = True
                _say(
                    f"{lock}: no process of this machine holds it; waiting until it is "
                    f"{dead_after:.0f} s old (remove it if no other machine is building)"
                )
            else:
                time.sleep(pause)


def _locks() -> Iterator[Path]:
    named = os.environ.get("TORCH_EXTENSIONS_DIR")
    # PyTorch adds a folder per Python and accelerator to its own root, but not to a named one
    root = named or require("torch.utils.cpp_extension", "train").get_default_build_root()
    yield from sorted(Path(root).glob("*/lock" if named else "*/*/lock"))


def _age(lock: Path) -> float | None:
    """In seconds; nothing once it is gone."""
    try:
        return time.time() - lock.stat().st_mtime
    except FileNotFoundError:
        return None


def _held(lock: Path) -> bool:
    """Whether a process of this machine has it open, as a building one does."""
    wanted = os.path.realpath(lock)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == wanted:
                return True
        except OSError:
            continue  # ended meanwhile, or not ours to see
    return False


def _say(text: str) -> None:
    sys.stderr.write(f"deepspeed: {text}\n")
    sys.stderr.flush()
