"""Reading rows from JSONL (also gzipped) and Parquet files."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reason_w2s.errors import DataError

BATCH = 1000
"""Rows of a Parquet file in memory at a time."""


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The file's rows as dicts, a few at a time.

    Raises:
        DataError: no such file, an unknown ending, or a line that is not a JSON object.
    """
    for _, row in numbered(path):
        yield row


def numbered(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """As `read`, each row with its line in the file (of Parquet: which row it is), from 1 on."""
    if _is_jsonl(path):
        yield from _jsonl(path)
    else:
        yield from enumerate(_parquet(path), 1)


def count(path: Path) -> int:
    """How many rows a file has: of JSONL its lines that are not empty, read or not.

    Raises:
        DataError: no such file, an unknown ending, or damaged.
    """
    if not _is_jsonl(path):
        return int(_opened(path).metadata.num_rows)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            return sum(not line.isspace() for line in stream)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes.

    Raises:
        DataError: no such file.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_jsonl(path: Path) -> bool:
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    name = path.name.removesuffix(".gz")
    if name.endswith((".jsonl", ".json", ".ndjson")):
        return True
    if name.endswith(".parquet"):
        return False
    raise DataError(f"{path}: expected .jsonl, .jsonl.gz or .parquet")


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    try:
        for batch in _opened(path).iter_batches(BATCH, use_threads=False):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}") from error


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not Parquet: {error}") from error


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, _object(line, f"{path}:{number}")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}:{number + 1}: cannot be read as UTF-8 text: {error}") from error


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected a JSON object, got {type(row).__name__}")
    whole: dict[str, Any] = _text(row) if "\\ud" in line.lower() else row
    return whole


def _text(value: Any) -> Any:
    """The value with halves of characters, which JSON can name and no file can hold, as U+FFFD."""
    if isinstance(value, dict):
        return {_text(key): _text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_text(one) for one in value]
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
