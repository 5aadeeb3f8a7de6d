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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reason_w2s.errors import StoreError


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

    def folder(self, stage: str, key: str) -> Path:
        """Where the thing with this key lives, made or not."""
        return self.root / stage / key

    @contextmanager
    def locked(self, stage: str, key: str) -> Iterator[Path]:
        """Hold one key: another process that wants to make the same thing waits here."""
        folder = self.folder(stage, key)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield folder


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
    write_bytes(path, data)
    return path


def read_parts(
    folder: Path, schema: pa.Schema, name: str = "part", columns: Sequence[str] | None = None
) -> pa.Table:
    """All parts of a table as one, each checked against its name.

    A column that an earlier version of this package did not write yet is null throughout.

    Raises:
        StoreError: a part's bytes are not those its name was made from.
    """
    tables = [read_part(path, columns) for path in parts(folder, name)]
    if columns is not None:
        schema = pa.schema([schema.field(column) for column in columns])
    if not tables:
        return schema.empty_table()
    return pa.concat_tables([_in_schema(table, schema) for table in tables])


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
    """Who made a part, and at what cost."""
    metadata = pq.read_schema(part).metadata or {}
    return Cost(**json.loads(metadata[b"cost"]))


def write_bytes(path: Path, data: bytes) -> None:
    """Write aside, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    aside.rename(path)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, unless it already says the same."""
    data = (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
    if not path.is_file() or path.read_bytes() != data:
        write_bytes(path, data)


def read_json(path: Path) -> Any:
    """A JSON file of ours.

    Raises:
        StoreError: it is there but not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"{path}: damaged: {error}; delete it and run again") from error


def put_folder(aside: Path, final: Path) -> None:
    """Move a finished folder to where it belongs, replacing what a dead process left there."""
    if final.exists():
        shutil.rmtree(final)
    aside.rename(final)


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """One part, checked against its name.

    Raises:
        StoreError: its bytes are not those its name was made from.
    """
    data = path.read_bytes()
    if _sum(data) != path.stem.rsplit("-", 1)[1]:
        raise StoreError(f"{path}: damaged (its bytes do not match its name); delete it, run again")
    # arrow's threads can outlive a short command and abort it at exit: read without any
    file = pq.ParquetFile(io.BytesIO(data), pre_buffer=False)
    return file.read(columns=list(columns) if columns else None, use_threads=False)


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
