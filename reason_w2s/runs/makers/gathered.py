"""Models gathered from DeepSpeed's shards, kept in the store by what the shards hold."""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from reason_w2s.engines import model_folder, shards
from reason_w2s.engines.seal import seal
from reason_w2s.errors import Damaged
from reason_w2s.runs.mending import check_made
from reason_w2s.runs.store import Store, put_folder, read_json, write_json
from reason_w2s.runs.tables import digest
from reason_w2s.runs.work import Stopwatch

STAGE = "gathered"
VERSION = 1
KNOWN = "known.json"


class Gathered(NamedTuple):
    """A model folder, and its fingerprint."""

    folder: Path
    fingerprint: str


def find(store: Store, source: Path) -> Gathered | None:
    """The gathered model, if the store has it."""
    folder = store.folder(STAGE, _key(store, source))
    path, model = folder / "made.json", folder / "model"
    if not path.is_file():
        return None
    made = read_json(path)
    check_made(model, made)
    return Gathered(model.resolve(), str(made["fingerprint"]))


def make(store: Store, source: Path, run: str) -> None:
    """Gather it.

    Raises:
        ConfigError: shards are missing, or are not those of a model.
        EngineError: the process that gathers was killed.
    """
    from reason_w2s.train.gather import gather

    watch = Stopwatch(run)
    with store.locked(STAGE, _key(store, source)) as folder:
        if (folder / "made.json").is_file():
            return
        out = gather(source.resolve(), folder / "work", folder / "gather.log")
        mark = model_folder.fingerprint(out)
        put_folder(out, folder / "model")
        files = seal(folder / "model", model_folder.WEIGHTS)
        made = {"fingerprint": mark, "cost": asdict(watch.lap()), "files": files}
        write_json(folder / "made.json", made)


def _key(store: Store, source: Path) -> str:
    """A digest of the shards and of what lies with them.

    The shards are several times the model's size, so what they were found to be is remembered for
    as long as their sizes and times stay the same.
    """
    beside = {source, model_folder.tokenizer_folder(source), model_folder.template_folder(source)}
    marks = sorted(model_folder.tokenizer_fingerprint(place) for place in beside if place)
    config = source / model_folder.ADAPTER_CONFIG
    adapter = model_folder.file_digest(config) if config.is_file() else None
    return digest(STAGE, VERSION, _content(store, source), marks, adapter)


def _content(store: Store, source: Path) -> str:
    states = [(path, path.stat()) for path in shards.files(source)]
    listing = [[path.name, state.st_size, state.st_mtime_ns] for path, state in states]
    place, file = os.fspath(source.resolve()), store.root / STAGE / KNOWN
    known = _remembered(file)
    if place not in known or known[place]["files"] != listing:
        content = digest([[path.name, model_folder.file_digest(path)] for path, _ in states])
        known[place] = {"files": listing, "content": content}
        write_json(file, known)
    return str(known[place]["content"])


def _remembered(file: Path) -> dict[str, Any]:
    """What shards were found to be; they are read again where that is damaged."""
    found: dict[str, Any] = {}
    with contextlib.suppress(Damaged, FileNotFoundError):
        found = read_json(file)
    return found
