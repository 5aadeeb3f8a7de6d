"""The export command: from a run's step to files, and to the hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reason_w2s.errors import ConfigError
from reason_w2s.export import write
from reason_w2s.export.card import card
from reason_w2s.export.source import Export, Wish, open_export
from reason_w2s.runs.results import asked
from reason_w2s.runs.run import Run


def export(
    run: Run,
    step: str,
    wish: Wish,
    out: Path | None = None,
    *,
    license: str = "unknown",
) -> tuple[Export, Path, int]:
    """Write a step's records to a file or folder; also what was written, where, how many rows.

    out: a file by its ending, else a folder with a card; None: the folder
    `export/STEP-FORMAT` in the run's.

    Raises:
        ConfigError: no such step, a wish that does not fit it, no rows, something is in the way.
    """
    is_file = out is not None and write.is_file(out)
    _, plan = asked(run)
    opened = open_export(run, plan, step, wish)
    out = out or run.folder / "export" / f"{step.replace('/', '-')}-{opened.format}"
    if is_file:
        return opened, out, write.file(_some(opened), opened.schema, out)

    def text(rows: int) -> str:
        return card(run, plan, opened, rows, license)

    return opened, out, write.folder(_some(opened), opened.schema, out, text)


def said(opened: Export, out: Path, rows: int) -> Iterator[str]:
    """What came of it, in lines for a person."""
    yield f"{rows:,} rows ({opened.format}: {', '.join(opened.schema.names)}) in {out}"
    for column, count in opened.wrong.items():
        if count:
            yield f"{count:,} of these {rows:,} answers are wrong, says {column}"
    for reason, count in opened.left_out.items():
        yield f"left out: {count:,}: {reason}"
    if opened.cut:
        yield f"{opened.cut:,} answers were cut by a token limit; TRL would teach to stop there"


def _some(opened: Export) -> Iterator[dict[str, object]]:
    """The rows; none at all is an error, before anything is put in place."""
    empty = True
    for row in opened.read():
        empty = False
        yield row
    if empty:
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in opened.left_out.items())
        raise ConfigError(f"{opened.step}: nothing to export{f': {reasons}' if reasons else ''}")
