"""Grading a file of responses."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from reason_w2s.answers import Kind, check
from reason_w2s.errors import DataError
from reason_w2s.problems.files import read


def grade_file(
    file: Path, *, response: str, gold: str, kind: Kind, out: Path | None
) -> tuple[Counter[str], int]:
    """Verdicts counted by status, and how many there are; `out` gets one JSON line per row.

    Raises:
        DataError: a row lacks one of the two columns, or the file has no rows.
    """
    lines, counts = [], Counter[str]()
    for number, row in enumerate(read(file), 1):
        for column in (response, gold):
            if column not in row:
                have = ", ".join(row)
                raise DataError(
                    f"{file}:{number}: no column '{column}' (the row has: {have}); "
                    f"name yours with --response and --gold"
                )
        verdict = check(row[response], row[gold], kind=kind)
        counts[verdict.status] += 1
        lines.append(json.dumps({**row, "verdict": asdict(verdict)}, ensure_ascii=False))
    if not lines:
        raise DataError(f"{file}: no rows")
    if out is not None:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return counts, len(lines)
