"""Sets of the Hugging Face hub: their rows, and which revision they are.

A machine without a network is noticed by one quick question, before `datasets` would ask for half a
minute; what its cache holds is still used.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reason_w2s.errors import DataError, require
from reason_w2s.problems.files import digest

USUAL = {
    "gsm8k": "openai/gsm8k",
    "math": "EleutherAI/hendrycks_math",
    "asdiv": "EleutherAI/asdiv",
}
"""The sets that sources read where no `path` is given."""

TIMEOUT_S = 10.0


def rows(
    path: str, name: str | None, *, split: str, revision: str | None, columns: str
) -> Sequence[dict[str, Any]]:
    """One split of a set, whole; `path` may also be a folder that holds one.

    columns: what a file given instead must have, for the message.

    Raises:
        DataError: no network, no such set, configuration, split or revision, or no rows in it.
    """
    datasets = require("datasets", extra="train")
    datasets.disable_progress_bars()
    found = ask(path, revision)
    wanted = found.commit or revision
    if not found.reached:
        datasets.config.HF_HUB_OFFLINE = True
    cause = None
    try:
        loaded: Sequence[dict[str, Any]] = datasets.load_dataset(
            path, name, split=split, revision=wanted
        )
        why = None if found.reached else _another_revision(loaded, wanted)
    # what a broken set raises is any package's error: pyarrow's, fsspec's, httpx's
    except Exception as error:
        first = str(error).strip().partition("\n")[0][:200]
        why, cause = found.refusal or f"{type(error).__name__}: {first}", error
    if why is None:
        return loaded
    raise DataError(
        f"{path}{f' ({name})' if name else ''} [{split}] could not be loaded from the hub: {why}; "
        f"give a local copy instead: file: {split}.jsonl[.gz] or .parquet with columns {columns}"
    ) from cause


def _another_revision(loaded: Any, wanted: str | None) -> str | None:
    """Without a network, `datasets` takes the newest revision that it has, whatever was asked."""
    held = {Path(file["filename"]).parent.name for file in loaded.cache_files}
    if wanted is None or not held - {wanted}:
        return None
    return f"no network, and the cache holds revision {', '.join(sorted(held))}, not {wanted}"


def revision_of(path: str, revision: str | None) -> str | None:
    """What a set's content is known by: its commit, or a digest of a folder's files.

    Asks the hub once per process; without it, the cache. None: neither knows.
    """
    if Path(path).is_dir():
        files = sorted(one for one in Path(path).rglob("*") if one.is_file())
        parts = [f"{one.relative_to(path)}\0{digest(one)}" for one in files]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return ask(path, revision).commit or revision


@dataclass(frozen=True, slots=True)
class Found:
    """A set's commit, where known; why the hub gave none; whether the hub answered at all."""

    commit: str | None = None
    refusal: str | None = None
    reached: bool = True


@cache
def ask(path: str, revision: str | None) -> Found:
    """What the hub says of a set, asked once per process; where it says nothing, the cache."""
    if Path(path).is_dir():
        return Found()
    hub, httpx = require("huggingface_hub", "train"), require("httpx", "train")
    reached = True
    try:
        info = hub.HfApi().dataset_info(path, revision=revision, timeout=TIMEOUT_S)
    except hub.errors.RevisionNotFoundError:
        refusal = f"it has no revision '{revision}'"
    except hub.errors.RepositoryNotFoundError:
        refusal = "there is no such set, or it may not be read"
    except hub.errors.HFValidationError:
        refusal = "that is no name of a set (OWNER/NAME)"
    except (OSError, httpx.HTTPError) as error:
        refusal, reached = f"no network ({type(error).__name__})", False
    else:
        return Found(str(info.sha))
    return Found(_cached_commit(path, revision), refusal, reached)


def _cached_commit(path: str, revision: str | None) -> str | None:
    """The commit that the local cache last saw under this name."""
    hub = require("huggingface_hub", "train")
    try:
        seen = hub.try_to_load_from_cache(path, "README.md", repo_type="dataset", revision=revision)
    except hub.errors.HFValidationError:
        return None
    return os.path.basename(os.path.dirname(seen)) if isinstance(seen, str) else None
