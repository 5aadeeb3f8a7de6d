"""Whether what a run's folder reports is of the run as it is: then it need not be made again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from reason_w2s.runs.environment import versions
from reason_w2s.runs.folder import MANIFEST, REPORTED
from reason_w2s.runs.store import write_bytes

MARK = ".reported"
MADE_FROM = (MANIFEST, "ledger.json", "recipe.yaml")
FILES = (*REPORTED, "rows.parquet")


def is_current(folder: Path) -> bool:
    """Whether page, results and viewer were made from this very manifest, ledger and recipe by this
    version, and are as they were written. `reason-w2s report` makes them again all the same."""
    mark = folder / MARK
    there = mark.is_file() and all((folder / name).is_file() for name in FILES)
    return there and mark.read_text(encoding="utf-8") == made_of(folder)


def settle(folder: Path) -> None:
    """Remember what was just reported."""
    write_bytes(folder / MARK, made_of(folder).encode())


def made_of(folder: Path) -> str:
    """A digest of what a report is made from, and of its files."""
    found = hashlib.sha256(repr(versions()).encode())
    for name in (*MADE_FROM, *FILES):
        path = folder / name
        found.update(f"\n{name} {path.stat().st_size if path.is_file() else None}\n".encode())
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()
