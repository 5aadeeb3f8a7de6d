"""Grading a file of responses, a few rows at a time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reason_w2s.answers.files.output import VERDICT, Output
from reason_w2s.answers.files.tally import Tally
from reason_w2s.answers.many import check_many
from reason_w2s.answers.verdict import Kind, Verdict
from reason_w2s.errors import DataError
from reason_w2s.problems.files import numbered

Row = dict[str, Any]

# Rows in memory at a time: at most so many, with responses of so many characters. Workers are
# started for each batch, so small ones would cost.
BATCH_ROWS = 20_000
BATCH_CHARS = 1 << 27

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Columns:
    """The names of the columns that are read. `options` holds each row's multiple choice texts."""

    response: str = "response"
    gold: str = "gold"
    options: str | None = None


@dataclass(frozen=True)
class Batch:
    """Some rows of a file, each with its line."""

    file: Path
    rows: list[tuple[int, Row]]

    def cells(self, column: str, option: str) -> list[Any]:
        """A column's values.

        Raises:
            DataError: a row lacks it; the message names the option that names the column.
        """
        for line, row in self.rows:
            if column not in row:
                raise DataError(
                    f"{self.file}:{line}: no column '{column}' (the row has: {', '.join(row)}); "
                    f"name yours with {option}"
                )
        return [row[column] for _, row in self.rows]

    def options(self, column: str) -> list[list[str] | None]:
        """The texts of each row's multiple choice.

        Raises:
            DataError: a row lacks the column, or has something else there.
        """
        cells = self.cells(column, "--options")
        for (line, _), cell in zip(self.rows, cells, strict=True):
            texts = [] if cell is None else cell
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise DataError(
                    f"{self.file}:{line}: column '{column}': expected a list of texts, one per "
                    f"option, got {str(cell)[:60]!r}"
                )
        return cells


@dataclass(frozen=True)
class Graded:
    """One row of the file: its line, what was compared, and the verdict."""

    line: int
    response: Any
    gold: Any
    verdict: Verdict


@dataclass
class Drawn:
    """Some of the rows that go by, each as likely as any other; `most` 0 keeps them all."""

    most: int
    seen: int = 0
    rows: list[Graded] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, row: Graded) -> None:
        """Take notice of one more row."""
        self.seen += 1
        if not self.most or len(self.rows) < self.most:
            self.rows.append(row)
        elif (place := self.random.randrange(self.seen)) < self.most:
            self.rows[place] = row


@dataclass(frozen=True)
class Comparing:
    """How answers are compared, and in how many processes (None: one per core, where it pays)."""

    kind: Kind = "auto"
    rel_tol: float = 0.0
    workers: int | None = None

    def check(self, batch: Batch, columns: Columns, progress: Progress) -> list[Verdict]:
        """The verdicts of some rows, in order."""
        return check_many(
            batch.cells(columns.response, "--response"),
            batch.cells(columns.gold, "--gold"),
            self.kind,
            None if columns.options is None else batch.options(columns.options),
            self.workers,
            rel_tol=self.rel_tol,
            on_progress=progress,
        )


def grade_file(
    file: Path, columns: Columns, comparing: Comparing, out: Path | None, progress: Progress
) -> Iterator[Graded]:
    """Grade each row of a file, in order; `out` gets each with its verdict once all are there.

    `progress` is told now and then how many rows are done.

    Raises:
        DataError: a line cannot be read or lacks a column, or the file has no rows.
        ConfigError: `out` has an unknown ending.
    """
    done = 0
    with nullcontext() if out is None else Output(out) as output:
        for batch in _batches(file, columns.response):
            verdicts = comparing.check(batch, columns, _from(done, progress))
            if output is not None:
                output.write(
                    [
                        {**row, VERDICT: asdict(verdict)}
                        for (_, row), verdict in zip(batch.rows, verdicts, strict=True)
                    ]
                )
            done += len(batch.rows)
            for (line, row), verdict in zip(batch.rows, verdicts, strict=True):
                yield Graded(line, row[columns.response], row[columns.gold], verdict)
        if not done:
            raise DataError(f"{file}: no rows")


def counted(graded: Iterable[Graded], *watchers: Callable[[Graded], None]) -> Tally:
    """Count the verdicts of rows; each watcher sees each row."""
    tally = Tally()
    for one in graded:
        tally.add(one.verdict)
        for watch in watchers:
            watch(one)
    return tally


def _from(before: int, progress: Progress) -> Progress:
    return lambda done: progress(before + done)


def _batches(file: Path, response: str) -> Iterator[Batch]:
    rows: list[tuple[int, Row]] = []
    chars = 0
    for line, row in numbered(file):
        rows.append((line, row))
        text = row.get(response)
        chars += len(text) if isinstance(text, str) else 0
        if len(rows) >= BATCH_ROWS or chars >= BATCH_CHARS:
            yield Batch(file, rows)
            rows, chars = [], 0
    if rows:
        yield Batch(file, rows)
