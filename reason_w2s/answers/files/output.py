"""A file of graded rows, written aside and renamed when all of them are there."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import fields
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from reason_w2s.answers.verdict import Verdict
from reason_w2s.errors import ConfigError, DataError

Row = dict[str, Any]

# The column that a verdict is written to.
VERDICT = "verdict"

ENDINGS = (".jsonl", ".jsonl.gz", ".parquet")


class _Writer(Protocol):
    def write(self, rows: list[Row]) -> None: ...

    def close(self) -> None: ...


class Output:
    """Takes rows and appears under its name once it is left without an error, or not at all.

    The ending says what it is: .jsonl, .jsonl.gz or .parquet. A file of that name is replaced.
    """

    def __init__(self, place: Path) -> None:
        """Raises:
        ConfigError: another ending.
        """
        if not place.name.endswith(ENDINGS):
            raise ConfigError(f"--out {place}: expected a file that ends in {', '.join(ENDINGS)}")
        self.place = place
        self.aside = place.with_name(f".part.{place.name}")
        self.writer: _Writer | None = None

    def __enter__(self) -> Output:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.writer = (
            _Parquet(self.aside) if self.place.suffix == ".parquet" else _Lines(self.aside)
        )
        return self

    def write(self, rows: list[Row]) -> None:
        """Add some rows.

        Raises:
            DataError: they do not fit the columns of the first ones (Parquet).
        """
        assert self.writer is not None
        self.writer.write(rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self.writer is not None
        try:
            self.writer.close()
            if error is None:
                os.replace(self.aside, self.place)
        finally:
            self.aside.unlink(missing_ok=True)


class _Lines:
    def __init__(self, place: Path) -> None:
        opener = partial(gzip.open, compresslevel=6) if place.suffix == ".gz" else open
        raw: Any = opener(place, mode="wb")
        # a lone surrogate becomes \udc00, which is how JSON writes it
        self.stream = TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", newline="\n")

    def write(self, rows: list[Row]) -> None:
        for row in rows:
            self.stream.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        self.stream.close()


class _Parquet:
    """Columns and their types are those of the first rows."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.writer: Any = None

    def write(self, rows: list[Row]) -> None:
        import pyarrow as pa

        try:
            if self.writer is None:
                self.writer = self._opened(pa.Table.from_pylist(rows).schema)
            _same_columns(rows, self.writer.schema.names)
            table = pa.Table.from_pylist(rows, schema=self.writer.schema)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise DataError(
                f"--out: a row does not fit Parquet's columns ({error}); write .jsonl instead"
            ) from error
        self.writer.write_table(table)

    def _opened(self, schema: Any) -> Any:
        """A writer; a verdict's fields are known, the first rows may lack some of them."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {field.name: pa.string() for field in fields(Verdict)} | {"correct": pa.bool_()}
        verdict = pa.field(VERDICT, pa.struct(list(types.items())))
        schema = schema.set(schema.get_field_index(VERDICT), verdict)
        return pq.ParquetWriter(self.place, schema, compression="zstd")

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


def _same_columns(rows: list[Row], columns: list[str]) -> None:
    for row in rows:
        if extra := [name for name in row if name not in columns]:
            raise ValueError(f"the first rows have no column '{extra[0]}'")
