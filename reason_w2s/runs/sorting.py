"""Rows put in order on disk: what is in memory at a time does not grow with how many there are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from reason_w2s.runs.store import GROUP

BUCKET_BYTES = 64 << 20
"""Of rows that are sorted in memory together, about."""
MOST_BUCKETS = 256
_PLACE = "place"


class Sorted:
    """Rows come with a place each and are given back by place; those of one place as they came.

    A bucket holds the rows of a range of places, in a file under `folder`, which goes at the end.
    places: how many there are. bytes_: of all rows, as far as it is known.
    """

    def __init__(self, folder: Path, schema: pa.Schema, places: int, bytes_: int) -> None:
        self.folder, self.schema, self.places = folder, schema, max(places, 1)
        self.wide = schema.append(pa.field(_PLACE, pa.int64()))
        self.buckets = min(1 + bytes_ // BUCKET_BYTES, MOST_BUCKETS)
        self.writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        self.rows: list[dict[str, Any]] = []

    def __enter__(self) -> Sorted:
        # what a dead process left
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self.writers.values():
            writer.close()
        shutil.rmtree(self.folder)

    def add(self, place: int, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self.rows.append({**row, _PLACE: place})
        if len(self.rows) == GROUP:
            self._flush()

    def _flush(self) -> None:
        table = pa.Table.from_pylist(self.rows, schema=self.wide)
        which = table[_PLACE].to_numpy() * self.buckets // self.places
        for bucket in np.unique(which).tolist():
            if bucket not in self.writers:
                self.writers[bucket] = pa.ipc.new_stream(self._file(bucket), self.wide)
            self.writers[bucket].write_table(table.take(np.flatnonzero(which == bucket)))
        self.rows = []

    def _file(self, bucket: int) -> str:
        return str(self.folder / f"{bucket}.arrow")

    def tables(self) -> Iterator[pa.Table]:
        """All rows in order, a few at a time. Nothing can be added afterwards."""
        self._flush()
        for bucket in sorted(self.writers):
            self.writers[bucket].close()
            with pa.OSFile(self._file(bucket)) as file:
                table = pa.ipc.open_stream(file).read_all()
            order = np.argsort(table[_PLACE].to_numpy(), kind="stable")
            for start in range(0, len(order), GROUP):
                some = table.take(order[start : start + GROUP])
                yield some.drop_columns([_PLACE]).cast(self.schema)
