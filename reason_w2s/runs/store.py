"""The content-keyed store: what a step makes lives once, in `<runs>/store/<stage>/<key>/`.

Tables are parts: Parquet files whose name carries the hash of their bytes, written aside, fsynced
and renamed, so a part either is whole or is not there. A part's own metadata says which run made
it, in how many seconds and with how much memory; the ledger is read from there and cannot drift.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from reason_w2s.errors import Damaged
from reason_w2s.room import room

T = TypeVar("T")
GROUP = 4096
"""Rows in memory at a time where a table is written or read a few at a time."""
BUFFER_BYTES = 1 << 20
"""Of a column's pages at a time: without it Parquet's reader holds those of a whole row group."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What making something cost: the wall seconds of every process that worked, and the peak
    memory of one in MiB (a GPU's, where it trained on one)."""

    run: str
    seconds: float
    peak_memory_mib: float


class Store:
    """Folders of tables and models by stage and key."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._memory: dict[Hashable, Any] | None = None

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """What is read again and again meanwhile (`once`) is read once, and stays in memory."""
        outer, self._memory = self._memory, self._memory or {}
        try:
            yield
        finally:
            self._memory = outer

    def once(self, what: Hashable, read: Callable[[], T]) -> T:
        """What `read` gives; while it is remembered, of the first time that it was asked for."""
        if self._memory is None:
            return read()
        if what not in self._memory:
            self._memory[what] = read()
        found: T = self._memory[what]
        return found

    def listed_once(self, what: Hashable, read: Callable[[], Iterable[T]]) -> Iterable[T]:
        """As `once`, of records: a list while they are remembered, else as they come."""
        return read() if self._memory is None else self.once(what, lambda: list(read()))

    def folder(self, stage: str, key: str) -> Path:
        """Where the thing with this key lives, made or not."""
        return self.root / stage / key

    @contextmanager
    def locked(self, stage: str, key: str) -> Iterator[Path]:
        """Hold one key: another process that wants to make the same thing waits here.

        Parts that a process which was killed left half written go.
        """
        folder = self.folder(stage, key)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            for left in folder.glob(".*.parquet.*"):
                left.unlink(missing_ok=True)
            yield folder

    @contextmanager
    def sharing(self, stage: str, key: str, division: str, part: str) -> Iterator[Path]:
        """Hold a part of one key: the other parts of the same division are made meanwhile.

        Who wants all of it, or divides it otherwise, waits, and is waited for.
        """
        folder = self.folder(stage, key)
        folder.mkdir(parents=True, exist_ok=True)
        # on network file systems a shared lock wants a file that is open for reading
        with (folder / ".lock").open("a+") as whole, (folder / f".lock-{part}").open("a") as own:
            _share(whole, division)
            fcntl.flock(own, fcntl.LOCK_EX)
            yield folder


def _share(lock: IO[str], division: str) -> None:
    """Hold a lock with all who divide its thing in this way. The file says in which way."""
    while True:
        fcntl.flock(lock, fcntl.LOCK_SH)
        lock.seek(0)
        if lock.read() == division:
            return
        # let go first: two that both hold it and both want it alone would wait for each other
        fcntl.flock(lock, fcntl.LOCK_UN)
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(division)
        lock.flush()


def write_part(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    cost: Cost,
    name: str = "part",
) -> Path:
    """Add a part to a table; it appears whole or not at all."""
    described = schema.with_metadata({b"cost": json.dumps(asdict(cost)).encode()})
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=described)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    data = buffer.getvalue()
    path = folder / f"{name}-{_sum(data)}.parquet"
    write_bytes(path, data, f"a part of {len(rows):,} rows")
    return path


class PartWriter:
    """One part written a few rows at a time; it appears whole, with `finish`, or not at all.

    Only for who holds the table's key: what a dead process left of such a part goes.
    """

    def __init__(self, folder: Path, schema: pa.Schema, name: str = "part") -> None:
        self.folder, self.schema, self.name = folder, schema, name
        self.rows: list[Mapping[str, Any]] = []
        self.size = 0
        self.aside = folder / f".{name}.aside"
        self.writer = pq.ParquetWriter(self.aside, schema, compression="zstd")

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self.rows.append(row)
        if len(self.rows) == GROUP:
            self._flush()

    def _flush(self) -> None:
        self.write(pa.Table.from_pylist(self.rows, schema=self.schema))
        self.rows = []

    def write(self, table: pa.Table) -> None:
        """Add the rows of a table of the same columns."""
        self.size += table.num_rows
        self.writer.write_table(table)

    def finish(self, cost: Cost) -> Path:
        """Give the part its name, and so make it be there."""
        self._flush()
        self.writer.add_key_value_metadata({b"cost": json.dumps(asdict(cost)).encode()})
        self.writer.close()
        with self.aside.open("rb") as stream:
            path = self.folder / f"{self.name}-{_sum_of(stream)}.parquet"
            os.fsync(stream.fileno())
        self.aside.rename(path)
        return path

    def close(self) -> None:
        """Leave nothing of a part that was not finished."""
        self.writer.close()
        self.aside.unlink(missing_ok=True)


def read_parts(
    folder: Path, schema: pa.Schema, name: str = "part", columns: Sequence[str] | None = None
) -> pa.Table:
    """All parts of a table as one, each checked against its name.

    A column that an earlier version of this package did not write yet is null throughout.

    Raises:
        Damaged: a part's bytes are not those its name was made from.
    """
    names = schema.names if columns is None else columns
    tables = _tables(folder, schema, name, names)
    return pa.concat_tables(tables) if tables else _narrow(schema, names).empty_table()


def _tables(folder: Path, schema: pa.Schema, name: str, columns: Sequence[str]) -> list[pa.Table]:
    """Each part. One that another process sets aside meanwhile is no part any more."""
    while True:
        try:
            return [read_in_schema(path, schema, columns) for path in parts(folder, name)]
        except FileNotFoundError:
            continue


def read_in_schema(path: Path, schema: pa.Schema, columns: Sequence[str]) -> pa.Table:
    """Columns of one part, as `read_parts` gives them."""
    return _in_schema(read_part(path, columns), _narrow(schema, columns))


def read_batches(
    folder: Path, schema: pa.Schema, name: str = "part", columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """As `read_parts`, at most `GROUP` rows in memory at a time.

    Raises:
        Damaged: a part's bytes are not those its name was made from.
    """
    if columns is not None:
        schema = _narrow(schema, columns)
    for path in parts(folder, name):
        with _sound(path) as file:
            there = [one for one in schema.names if one in file.schema_arrow.names]
            for batch in file.iter_batches(GROUP, columns=there, use_threads=False):
                yield _in_schema(pa.Table.from_batches([batch]), schema)


def rows_in(folder: Path, name: str = "part") -> int:
    """How many rows a table has.

    Raises:
        Damaged: a part's bytes are not those its name was made from.
    """
    count = 0
    for path in parts(folder, name):
        with _sound(path) as file:
            count += file.metadata.num_rows
    return count


def _narrow(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    return pa.schema([schema.field(column) for column in columns])


def _in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    there = set(table.column_names)
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in there
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def parts(folder: Path, name: str = "part") -> list[Path]:
    """A table's parts, in a fixed order."""
    return sorted(folder.glob(f"{name}-*.parquet"))


def cost_of(part: Path) -> Cost:
    """Who made a part, and at what cost.

    Raises:
        Damaged: that cannot be read.
    """
    try:
        metadata = pq.read_metadata(part).metadata or {}
        return Cost(**json.loads(metadata[b"cost"]))
    except (pa.ArrowInvalid, KeyError, ValueError, TypeError) as error:
        raise Damaged.of([part], "its metadata cannot be read") from error


def write_bytes(path: Path, data: bytes, what: str | None = None) -> None:
    """Write aside, fsync, rename; where that fails nothing is left. what: for the message then.

    Raises:
        OutOfSpace: there is no room.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with room(path.parent, f"{what or path.name} ({len(data):,} bytes)"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            aside.rename(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> bool:
    """Write a JSON file, unless it already says the same; whether it did not."""
    data = (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
    new = not path.is_file() or path.read_bytes() != data
    if new:
        write_bytes(path, data)
    return new


def read_json(path: Path) -> Any:
    """A JSON file of ours.

    Raises:
        Damaged: it is there but not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Damaged.of([path], str(error)) from error


def put_folder(aside: Path, final: Path) -> None:
    """Move a finished folder to where it belongs, replacing what a dead process left there."""
    if final.exists():
        shutil.rmtree(final)
    aside.rename(final)


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """One part, checked against its name.

    Raises:
        Damaged: its bytes are not those its name was made from.
        FileNotFoundError: it is gone.
    """
    with _sound(path) as file:
        return file.read(columns=list(columns) if columns else None, use_threads=False)


@contextmanager
def _sound(path: Path) -> Iterator[pq.ParquetFile]:
    """A part open for reading, checked against its name."""
    with path.open("rb") as stream:
        if not _matches(path, stream):
            raise Damaged.of([path], "its bytes do not match its name")
        # arrow's threads can outlive a short command and abort it at exit: read without any
        yield pq.ParquetFile(stream, pre_buffer=False, buffer_size=BUFFER_BYTES)


def _sum_of(stream: BufferedReader) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def is_sound(part: Path) -> bool:
    """Whether a part's bytes are those its name was made from. One that is gone does no harm."""
    try:
        with part.open("rb") as stream:
            return _matches(part, stream)
    except FileNotFoundError:
        return True


def _matches(part: Path, stream: BufferedReader) -> bool:
    return _sum_of(stream) == part.stem.rsplit("-", 1)[1]


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
