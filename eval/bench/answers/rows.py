"""The measured problem sets and real outputs that the scripts beside this one read."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SHARED = Path(os.environ.get("REASON_W2S_SHARED", Path(__file__).parents[3] / ".." / "shared"))
DATA = SHARED / "data"


def rows(file: Path) -> Iterator[Row]:
    """The rows of a JSON Lines file, gzipped or not."""
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def problems(data: Path, name: str) -> list[Row]:
    """One problem set: id, question, answer, and solution where it has one."""
    return list(rows(data / "sets" / f"{name}.jsonl.gz"))


def trace_files(data: Path) -> list[Path]:
    """The files of real model outputs that carry their gold answers."""
    return sorted((data / "traces").glob("*.jsonl.gz"))


def write(out: Path | None, found: Any) -> None:
    """Keep the figures as JSON, where asked to."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
