"""The output folder of a training, as transformers' and TRL's trainers write it.

`checkpoint-N` subfolders (N: optimizer updates), and the final model in the folder itself if it was
saved there.
"""

from __future__ import annotations

import re
from pathlib import Path

NAME = re.compile(r"checkpoint-(\d+)")


def updates(folder: Path) -> int | None:
    """The optimizer updates a checkpoint's name says; None: its name is not a checkpoint's."""
    found = NAME.fullmatch(folder.name)
    return int(found[1]) if found else None


def checkpoints(folder: Path) -> list[Path]:
    """The `checkpoint-N` subfolders, fewest updates first."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.is_dir() and updates(path) is not None]
    return sorted(found, key=lambda path: updates(path) or 0)


def parent(folder: Path) -> Path | None:
    """The training's folder that a checkpoint lies in; None: `folder` is no `checkpoint-N`."""
    whole = folder.resolve()
    return whole.parent if updates(whole) is not None else None
