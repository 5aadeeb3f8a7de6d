"""Rows of a table by what marks them, decoded a part at a time: memory is that of a few parts.

Beside the parts in use there are sixteen bytes for each row of the table: a hash of its mark, and
its place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from reason_w2s.errors import Damaged
from reason_w2s.runs.store import parts, read_in_schema

Marks = Callable[[pa.Table], Iterable[Hashable | None]]
"""The mark of each row of a table; None for a row that is not to be found."""
Rows = Callable[[pa.Table], Sequence[dict[str, Any]]]

KEPT_BYTES = 64 << 20
"""Of decoded parts in memory at a time; one at least."""
BATCH = 1024
T = TypeVar("T")


def batches(items: Iterable[T], size: int | None = BATCH) -> Iterator[list[T]]:
    """The items, so many at a time; None: all."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def growing(items: Iterable[T]) -> Iterator[list[T]]:
    """The items, a few at a time and then more: who wants the first few does not wait for many."""
    left, size = iter(items), 1
    while batch := list(islice(left, size)):
        yield batch
        size = min(2 * size, BATCH)


def indices(places: np.ndarray[Any, Any]) -> pa.Array:
    """Places as Arrow takes them: `pa.array` would first import pandas, which takes a second."""
    whole = np.ascontiguousarray(places, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(whole), [None, pa.py_buffer(whole)])


class Index:
    """Where the rows of a table are, by their marks. by: the columns that `marks` reads."""

    def __init__(self, folder: Path, schema: pa.Schema, by: Sequence[str], marks: Marks) -> None:
        self.schema, self.by, self.marks = schema, by, marks
        self.parts = parts(folder)
        self.starts: list[int] = []
        hashes: list[np.ndarray[Any, Any]] = []
        places: list[np.ndarray[Any, Any]] = []
        start = 0
        for path in self.parts:
            self.starts.append(start)
            try:
                table = read_in_schema(path, schema, by)
            except FileNotFoundError:
                # another process has set it aside
                continue
            known = [(at, one) for at, one in enumerate(marks(table)) if one is not None]
            hashes.append(np.fromiter((hash(one) for _, one in known), np.int64, len(known)))
            places.append(np.fromiter((at + start for at, _ in known), np.int64, len(known)))
            start += table.num_rows
        joined = np.concatenate(hashes) if hashes else np.empty(0, np.int64)
        order = np.argsort(joined, kind="stable")
        self.hashes = joined[order]
        self.places = np.concatenate(places)[order] if places else joined

    def __len__(self) -> int:
        return len(self.hashes)


class Lookup:
    """The rows of a table by their marks; of several with the same mark the last.

    columns: those that are given of a row, beside those that mark it. rows: how a table is turned
    into rows.
    """

    def __init__(
        self, index: Index, columns: Sequence[str], rows: Rows = pa.Table.to_pylist
    ) -> None:
        self.index, self.rows = index, rows
        self.columns = list(dict.fromkeys([*index.by, *columns]))
        self.kept: dict[int, pa.Table] = {}

    def find(self, wanted: Sequence[Hashable]) -> list[dict[str, Any] | None]:
        """The row of each mark; None where there is none."""
        found: list[dict[str, Any] | None] = [None] * len(wanted)
        hashes = np.fromiter(map(hash, wanted), np.int64, len(wanted))
        at = np.searchsorted(self.index.hashes, hashes, side="right") - 1
        left = np.arange(len(wanted))
        while len(left := left[self._same(at[left], hashes[left])]):
            for place, row in zip(left.tolist(), self._rows(at[left]), strict=True):
                if row[0] == wanted[place]:
                    found[place] = row[1]
            # another mark has the same hash: what is wanted may stand before it
            left = left[[found[place] is None for place in left.tolist()]]
            at[left] -= 1
        return found

    def _same(self, at: np.ndarray[Any, Any], hashes: np.ndarray[Any, Any]) -> Any:
        """Whether what stands at these places has these hashes."""
        return (
            (at >= 0) & (self.index.hashes[at] == hashes)
            if len(self.index)
            else np.zeros(len(at), bool)
        )

    def _rows(self, at: np.ndarray[Any, Any]) -> list[tuple[Hashable, dict[str, Any]]]:
        """The rows at these places of the index, with their marks."""
        places = self.index.places[at]
        which = np.searchsorted(self.index.starts, places, side="right") - 1
        found: list[Any] = [None] * len(at)
        for part in dict.fromkeys(which.tolist()):
            here = np.flatnonzero(which == part)
            table = self._part(part).take(indices(places[here] - self.index.starts[part]))
            made = zip(self.index.marks(table), self.rows(table), strict=True)
            for place, row in zip(here.tolist(), made, strict=True):
                found[place] = row
        return found

    def _read(self, part: int) -> pa.Table:
        path = self.index.parts[part]
        try:
            return read_in_schema(path, self.index.schema, self.columns)
        except FileNotFoundError as error:
            raise Damaged.of([path], "another process has set it aside") from error

    def _part(self, part: int) -> pa.Table:
        table = self.kept.pop(part, None)
        if table is None:
            table = self._read(part)
            held = sum(one.nbytes for one in self.kept.values())
            while self.kept and held + table.nbytes > KEPT_BYTES:
                held -= self.kept.pop(next(iter(self.kept))).nbytes
        self.kept[part] = table
        return table
