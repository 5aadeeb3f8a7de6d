"""Exported rows as a file, as a folder that `load_dataset` reads, and on the hub."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from reason_w2s.errors import ConfigError, require

BATCH = 1000
"""Rows in memory at a time."""

DATA = Path("data") / "train.parquet"
CARD = "README.md"
ENDINGS = (".jsonl", ".jsonl.gz", ".parquet")

Rows = Iterable[dict[str, Any]]


def is_file(out: Path) -> bool:
    """Whether this names a file: it has one of `ENDINGS`. A name without an ending is a folder's.

    Raises:
        ConfigError: it has the ending of a file that cannot be written.
    """
    if out.name.endswith(ENDINGS):
        return True
    # a folder may be called v1.0 or model-1.5B
    if out.suffix[1:2].isalpha():
        raise ConfigError(
            f"{out}: no file ends in {out.suffix} here; use {', '.join(ENDINGS)}, or a folder's "
            f"name without an ending"
        )
    return False


def file(rows: Rows, schema: pa.Schema, out: Path) -> int:
    """Write a file, whole or not at all; returns the number of rows.

    Raises:
        ConfigError: something is there already.
    """
    if out.exists():
        raise ConfigError(f"{out}: is there already; move it away, or name another file (--out)")
    return _write(rows, schema, out)


def folder(rows: Rows, schema: pa.Schema, out: Path, card: Callable[[int], str]) -> int:
    """Write a data set folder, `README.md` and `data/train.parquet`, whole or not at all.

    card: the README's text, asked for once all rows are written; it is told their number. An
    earlier export in the same place is replaced, nothing else is.

    Raises:
        ConfigError: something else is there.
    """
    if out.exists() and not _is_export(out):
        raise ConfigError(f"{out}: is there already and no earlier export; name another (--out)")
    aside = out.with_name(f".{out.name}.part")
    try:
        count = _write(rows, schema, aside / DATA)
        (aside / CARD).write_text(card(count), encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        os.replace(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return count


def repository_name(name: str) -> str:
    """The name of a data set on the hub, as it came.

    Raises:
        ConfigError: it is not OWNER/NAME.
    """
    if name.count("/") != 1:
        last = name.rpartition("/")[2] or "my-set"
        raise ConfigError(f"--push-to-hub '{name}': expected OWNER/NAME, e.g. my-name/{last}")
    try:
        require("huggingface_hub.utils", "train").validate_repo_id(name)
    except ValueError as error:
        said = str(error).split(":", maxsplit=1)[0]
        raise ConfigError(f"--push-to-hub '{name}': expected OWNER/NAME: {said}") from error
    return name


def push(out: Path, repository: str, *, private: bool) -> str:
    """Put a written folder on the hub as a data set; returns its address.

    Raises:
        ConfigError: no network, no token, no right to write there; the folder stays as it is.
    """
    hub, httpx = require("huggingface_hub", "train"), require("httpx", "train")
    errors, api = require("huggingface_hub.errors", "train"), hub.HfApi()
    try:
        address = api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=str(out),
            commit_message="Exported by reason-w2s",
        )
    except (errors.OfflineModeIsEnabled, httpx.TransportError) as error:
        raise ConfigError(
            f"--push-to-hub {repository}: no network, the hub was not reached ({_said(error)}); "
            f"the files are in {out}: run the same command again where there is one"
        ) from error
    except (OSError, ValueError, RuntimeError, httpx.HTTPError) as error:
        raise ConfigError(
            f"--push-to-hub {repository}: {_said(error)}; the files are in {out}: log in "
            f"(`hf auth login`, or HF_TOKEN) and run the same command again"
        ) from error
    return str(address)


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _write(rows: Rows, schema: pa.Schema, out: Path) -> int:
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".part.{out.name}")
    try:
        writer = _parquet if out.suffix == ".parquet" else _jsonl
        count = writer(iter(rows), schema, aside)
        os.replace(aside, out)
    finally:
        aside.unlink(missing_ok=True)
    return count


def _jsonl(rows: Iterator[dict[str, Any]], schema: pa.Schema, out: Path) -> int:
    opener = gzip.open if out.suffix == ".gz" else open
    count = 0
    with opener(out, "wt", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _parquet(rows: Iterator[dict[str, Any]], schema: pa.Schema, out: Path) -> int:
    import pyarrow.parquet as pq

    count = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while batch := list(islice(rows, BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def _is_export(out: Path) -> bool:
    if not out.is_dir():
        return False
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    if not found:
        return True
    card = out / CARD
    return found <= {CARD, str(DATA)} and card.is_file() and "reason-w2s" in card.read_text("utf-8")
