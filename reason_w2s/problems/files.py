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


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The file's rows as dicts.

    Raises:
        DataError: no such file, an unknown ending, or a line that is not a JSON object.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    name = path.name.removesuffix(".gz")
    if name.endswith((".jsonl", ".json", ".ndjson")):
        yield from _jsonl(path)
    elif name.endswith(".parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.ParquetFile(path, pre_buffer=False).read(use_threads=False)
        except pa.ArrowInvalid as error:
            raise DataError(f"{path}: not Parquet: {error}") from error
        yield from table.to_pylist()
    else:
        raise DataError(f"{path}: expected .jsonl, .jsonl.gz or .parquet")


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes.

    Raises:
        DataError: no such file.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield _object(line, f"{path}:{number}")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}:{number + 1}: cannot be read as UTF-8 text: {error}") from error


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected a JSON object, got {type(row).__name__}")
    return row
