"""Models and tokenizers of the Hugging Face Hub: fetched, or what to do where they cannot be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from reason_w2s.engines import whole
from reason_w2s.errors import ConfigError, require

ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
NOT_NEEDED = ("original/*", "*.gguf", "*.onnx", "onnx/*", "*.msgpack", "*.h5")
"""Other forms of the weights, which some repositories hold beside those that are loaded."""


def is_id(name: str) -> bool:
    """Whether a name has the form of a hub id, `org/name`."""
    return ID.fullmatch(name) is not None


def split(name: str) -> tuple[str, str | None]:
    """`org/name@revision` in its two parts; a name without `@` has no revision."""
    head, _, revision = name.partition("@")
    return (head, revision) if revision and is_id(head) else (name, None)


def model(name: str, revision: str | None = None) -> Path:
    """Where a model's copy lies in the Hub's cache, fetched if need be.

    Raises:
        ConfigError: there is no such model, or none that is whole and could be fetched.
    """
    folder = _snapshot(name, revision, ignore_patterns=list(NOT_NEEDED))
    lack = whole.lack(folder)
    if lack is not None:
        raise ConfigError(f"{name}: its copy in {folder} has {lack}; {_command(name, revision)}")
    return folder


def files(name: str, wanted: tuple[str, ...]) -> Path:
    """The folder of a repository's files that are like the patterns in `wanted`, and no others.

    Raises:
        ConfigError: they cannot be fetched.
    """
    return _snapshot(name, None, allow_patterns=list(wanted))


def _snapshot(name: str, revision: str | None, **patterns: Any) -> Path:
    hub = require("huggingface_hub", "train")
    try:
        return Path(hub.snapshot_download(name, revision=revision, **patterns))
    except hub.errors.LocalEntryNotFoundError as error:
        raise ConfigError(
            f"{name}: no folder here, and as a hub id not (whole) in the cache "
            f"{hub.constants.HF_HUB_CACHE}, with the Hub out of reach; where there is a network: "
            f"{_command(name, revision)}"
        ) from error
    except (hub.errors.RevisionNotFoundError, hub.errors.GatedRepoError) as error:
        raise ConfigError(f"{name}: the Hub does not give it ({_first_line(error)})") from error
    except hub.errors.RepositoryNotFoundError as error:
        raise ConfigError(
            f"{name}: no folder here, and no model of the Hub that you may read (private ones need "
            "`hf auth login`)"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name}: the Hub could not give it ({_first_line(error)})") from error


def _command(name: str, revision: str | None) -> str:
    return f"hf download {name}" + (f" --revision {revision}" if revision else "")


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
