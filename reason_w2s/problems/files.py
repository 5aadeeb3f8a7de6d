"""Reading rows from JSONL (also gzipped) and Parquet files."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from reason_w2s.errors import DataError

BATCH = 1000
"""Rows of a Parquet file in memory at a time."""
LONGEST_LINE_BYTES = 2**25
"""A longer line is refused, with its number: a response of a million words is a fifth of it."""
SHOWN = 40
"""Characters of a line in a message."""
ENDINGS = ".jsonl, .jsonl.gz or .parquet"
STARTS = {
    b"\x1f\x8b": ("gzip", "end its name in .gz"),
    b"PAR1": ("Parquet", "end its name in .parquet"),
    codecs.BOM_UTF16_LE: ("UTF-16", "iconv -f UTF-16 -t UTF-8 FILE"),
    codecs.BOM_UTF16_BE: ("UTF-16", "iconv -f UTF-16 -t UTF-8 FILE"),
}
"""What a file may begin with that is no text in UTF-8: what it is then, and what to do."""


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
    return sum(1 for _ in _lines(path))


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes.

    Raises:
        DataError: no such file.
    """
    _must_be_there(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check(path: Path) -> None:
    """Refuse a file that cannot be read, by its name and place.

    Raises:
        DataError: no such file, or an unknown ending.
    """
    _is_jsonl(path)


def _must_be_there(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path}: a folder; expected a file, {ENDINGS}")
    if not path.is_file():
        raise DataError(f"{path}: no such file")


def _is_jsonl(path: Path) -> bool:
    _must_be_there(path)
    name = path.name.removesuffix(".gz")
    if name.endswith((".jsonl", ".json", ".ndjson")):
        return True
    if name.endswith(".parquet"):
        return False
    raise DataError(f"{path}: expected {ENDINGS}; write its rows into such a file")


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    try:
        for batch in _opened(path).iter_batches(BATCH, use_threads=False):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: cannot be read as Parquet: {error}; write or copy it again"
        ) from error


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{path}: not Parquet, or not all of it: {error}; write or copy it again"
        ) from error


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        yield number, _object(line, f"{path}:{number}")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, each with its number; never more than one in memory.

    Raises:
        DataError: a line of more than LONGEST_LINE_BYTES, or a file that is not text in lines.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rb") as stream:
            read = partial(stream.readline, LONGEST_LINE_BYTES)
            for number, line in enumerate(iter(read, b""), 1):
                if len(line) == LONGEST_LINE_BYTES:
                    raise DataError(
                        f"{path}:{number}: a line of {LONGEST_LINE_BYTES:,} bytes or more; "
                        "expected one JSON object per line: is everything on one line?"
                    )
                text = _first(line, path) if number == 1 else line
                if text and not text.isspace():
                    yield number, text
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}:{number + 1}: not whole as a gzip file ({error}); write or copy it again, or "
            "take .gz off its name if it is plain text"
        ) from error


def _first(line: bytes, path: Path) -> bytes:
    """The first line without a byte order mark, if this is the text that the file's name says."""
    for start, (said, todo) in STARTS.items():
        if line.startswith(start):
            raise DataError(f"{path}:1: {said}; expected one JSON object per line in UTF-8: {todo}")
    return line.removeprefix(codecs.BOM_UTF8)


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        text = line.decode()
        row = json.loads(text)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: not UTF-8: byte {error.start + 1} of the line is 0x{line[error.start]:02x}; "
            "save the file in UTF-8 (from Latin-1: iconv -f LATIN1 -t UTF-8 FILE)"
        ) from error
    except RecursionError as error:
        raise DataError(f"{place}: lists or objects in each other too deep to be read") from error
    except ValueError as error:
        raise DataError(f"{place}: not JSON: {_why(error)}; {_expected(line)}") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected a JSON object, got {_named(row)}; {_expected(line)}")
    whole: dict[str, Any] = _text(row) if "\\ud" in text.lower() else row
    return whole


def _why(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return "a number of thousands of digits"


def _expected(line: bytes) -> str:
    """What a line should be, with what it is, and what to do where that can be told."""
    shown = line.strip()[:SHOWN].decode("utf-8", "replace")
    todo = ""
    if b"\0" in line:
        todo = " (zero bytes: is the file cut off, or UTF-16? save it in UTF-8)"
    elif line.lstrip().startswith(b"[") or line.strip() == b"{":
        todo = " (JSON over several lines? jq -c '.[]' FILE writes a list's rows line by line)"
    return f"expected one JSON object per line, this begins with {shown!r}{todo}"


def _named(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def _text(value: Any) -> Any:
    """The value with halves of characters, which JSON can name and no file can hold, as U+FFFD."""
    if isinstance(value, dict):
        return {_text(key): _text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_text(one) for one in value]
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
