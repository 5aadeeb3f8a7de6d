"""What `eval` is given: one model, or a training's folder with all its checkpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reason_w2s.engines import hub, shards, training, whole
from reason_w2s.errors import ConfigError

ALONE, FINAL = "model", "final"
NAME_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Given:
    """A checkpoint as the command line names it, and how it is asked.

    checkpoint: a folder, a hub id (`org/name`, `org/name@revision`) or an endpoint's address.
    prompt: a shipped prompt's name or a file like theirs; None: the checkpoint's own. served,
    tokenizer: of a model at an endpoint. checkpoints: which of a training's folder: `all`, `last`,
    or numbers of updates and `final` with commas between; None: all, where there are any.
    """

    checkpoint: str
    prompt: str | None = None
    served: str | None = None
    tokenizer: str | None = None
    checkpoints: str | None = None


def models(given: Given) -> dict[str, dict[str, Any]]:
    """The models of an eval-only recipe by name: `checkpoint-N` and `final`, or `model` alone.

    Raises:
        ConfigError: checkpoints are asked for that are not there.
    """
    about = {"prompt": given.prompt, "served": given.served, "tokenizer": given.tokenizer}
    shared = {key: value for key, value in about.items() if value is not None}
    folder = Path(given.checkpoint)
    if training.checkpoints(folder):
        named = _asked_for(folder, given.checkpoints)
        return {name: {"path": str(path), **shared} for name, path in named.items()}
    if given.checkpoints is not None:
        raise ConfigError(
            f"--checkpoints {given.checkpoints}: no checkpoint-N folders in {given.checkpoint}"
        )
    name = folder.resolve().name if folder.is_dir() else ""
    path, revision = hub.split(given.checkpoint)
    model = {"path": path, **({"revision": revision} if revision else {}), **shared}
    return {name if training.NAME.fullmatch(name) else ALONE: model}


def left_out(given: Given) -> list[str]:
    """The checkpoints of a training's folder that cannot be measured, each with the reason."""
    if given.checkpoints not in (None, "all", "last"):
        return []
    lacking = ((path, _lack(path)) for path in training.checkpoints(Path(given.checkpoint)))
    return [f"{path.name} is left out: {why}" for path, why in lacking if why is not None]


def run_name(given: Given, specs: Mapping[str, Mapping[str, Any]], suites: Sequence[str]) -> str:
    """The run of an eval-only recipe: what is measured on what."""
    path = Path(given.checkpoint)
    # "." says nothing
    parts = (path.resolve() if path.is_dir() and not path.name.strip(".") else path).parts[-3:]
    first = next(iter(specs.values()))
    # changes on the command line may say more of the model than the options do
    more = [str(first[key]) for key in ("served",) if first.get(key)]
    chosen = [] if given.checkpoints in (None, "all") else [str(given.checkpoints)]
    about = "-".join([*parts, *more, *chosen])
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", about).strip("-.")[-NAME_CHARACTERS:].strip("-.")
    measured = "-".join(Path(suite).stem for suite in suites)
    return f"eval-{clean}-{measured}"[:120]


def _asked_for(folder: Path, wanted: str | None) -> dict[str, Path]:
    """The models of a training's folder by name."""
    there = {str(training.updates(path)): path for path in training.checkpoints(folder)}
    final = whole.has_weights(folder) or shards.tag(folder) is not None
    if wanted not in (None, "all", "last"):
        return _numbered(folder, there, str(wanted), final=final)
    usable = [path for path in there.values() if _lack(path) is None]
    if not usable:
        path = list(there.values())[-1]
        raise ConfigError(f"{folder}: no checkpoint in it can be measured: {path}: {_lack(path)}")
    if wanted == "last":
        return {usable[-1].name: usable[-1]}
    return {path.name: path for path in usable} | ({FINAL: folder} if final else {})


def _numbered(
    folder: Path, there: Mapping[str, Path], wanted: str, *, final: bool
) -> dict[str, Path]:
    found = {}
    for word in (part.strip() for part in wanted.split(",")):
        if word == FINAL and final:
            found[FINAL] = folder
        elif word.removeprefix("checkpoint-") in there:
            path = there[word.removeprefix("checkpoint-")]
            found[path.name] = path
        else:
            known = ", ".join([*there, *([FINAL] if final else [])])
            raise ConfigError(
                f"--checkpoints {wanted}: no '{word}' in {folder}; there are {known} (or: all, "
                "last)"
            )
    return found


def _lack(folder: Path) -> str | None:
    return None if shards.needed(folder) else whole.lack(folder)
