"""What `reason-w2s check` does: grade a file, and ask for a second opinion where that is wished."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from reason_w2s.answers.files import audit, tally
from reason_w2s.answers.files.pace import Pace
from reason_w2s.answers.files.table import Columns, Comparing, Drawn, counted, grade_file
from reason_w2s.errors import ConfigError
from reason_w2s.problems.files import count

# The width of what goes to a file or a pipe.
FILE_COLUMNS = 120


@dataclass(frozen=True)
class Auditing:
    """Of how many rows a second opinion is asked (0: all), and examples shown per class."""

    rows: int = 1000
    examples: int = 5


def run(
    file: Path, columns: Columns, comparing: Comparing, out: Path | None, auditing: Auditing | None
) -> Iterator[list[str]]:
    """Parts of what is to be said on standard output, each as it is known.

    Raises:
        ConfigError: `out` is `file`.
        DataError: a line cannot be read or lacks a column, or the file has no rows.
        MissingExtra: a second opinion needs math-verify.
    """
    if out is not None and out.resolve() == file.resolve():
        raise ConfigError(f"--out {out}: is the file that is read; give another name")
    if auditing is not None:
        audit.require_second()
    console, drawn = Console(stderr=True), Drawn(auditing.rows if auditing else 1)
    with Pace("checked", count(file), console) as pace:
        graded = grade_file(file, columns, comparing, out, pace.at)
        found = counted(graded, *([drawn.add] if auditing else []))
        pace.close()
    yield tally.lines(found)
    if auditing is not None:
        yield ["", *_audited(drawn, auditing, comparing, console)]


def _audited(drawn: Drawn, auditing: Auditing, comparing: Comparing, console: Console) -> list[str]:
    """The audit of the rows drawn, in the file's order."""
    rows = sorted(drawn.rows, key=lambda row: row.line)
    found = audit.Audit(auditing.examples)
    with Pace("audited", len(rows), console) as pace:
        for done, one in enumerate(
            audit.compare(rows, comparing.workers or os.cpu_count() or 1), 1
        ):
            found.add(one)
            pace.at(done)
        pace.close()
    return audit.lines(found, _width())


def _width() -> int:
    """How wide lines may be: the terminal's columns; a file has none, so something readable."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else FILE_COLUMNS
