"""Whether a folder that looks like a model is one: what it lacks, and what to give instead.

Files are looked at, never loaded; of safetensors the header alone is read. It matters because
transformers gives random weights to whatever a file does not hold, with no more than a warning, and
an adapter without tensors is its base.
"""

from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path

from reason_w2s.engines import headers, shards
from reason_w2s.engines.training import checkpoints

ADAPTER_CONFIG = "adapter_config.json"
WEIGHTS = ("*.safetensors",)
PICKLES = ("pytorch_model*.bin", "adapter_model.bin", "*.pkl", "model*.pt", "model*.pth")
"""Weights in Python's own form, which can run anything when they are read: never read here."""
INDEX = "*.safetensors.index.json"
PIECE = re.compile(r"-\d+-of-\d+\.safetensors$")
SHOWN = 6

TRAINING_STATE = ("optimizer.pt", "scheduler.pt", "trainer_state.json", "rng_state*.pth")
OTHER_FORMATS = {
    "*.gguf": "GGUF files, which are not read here: serve it and give the server's address",
    "consolidated*.pth": "the original weights of a Llama; give its Hugging Face form",
    "*.distcp": "FSDP shards; merge them first: accelerate merge-weights FOLDER OUT",
    "pytorch_model_fsdp_*": "FSDP shards; merge them first: accelerate merge-weights "
    "FOLDER/pytorch_model_fsdp_0 OUT",
    "*_optim_states.pt": "DeepSpeed's shards themselves; give the folder above",
}


def lack(folder: Path) -> str | None:
    """Why `folder` is no model that can be loaded, and what to do; None: nothing is seen to be
    missing."""
    if not folder.is_dir():
        return _no_folder(folder)
    names = sorted(path.name for path in folder.iterdir())
    if not names:
        return "an empty folder; a model folder was expected"
    if ADAPTER_CONFIG not in names and "config.json" not in names:
        return _no_config(folder, names)
    tag = shards.tag(folder)
    if tag is not None and shards.needed(folder):
        return f"its weights are DeepSpeed's shards, in {tag.name}: `reason-w2s eval` gathers them"
    if not has_weights(folder):
        return _no_weights(names)
    return (
        _unreadable(folder, names) or _unindexed(names) or _missing_piece(folder) or _fault(folder)
    )


def has_weights(folder: Path) -> bool:
    """Whether any file here is one of weights, whole or not."""
    return any(matches(path.name, WEIGHTS) for path in folder.iterdir())


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a file's name is like one of the patterns."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _no_folder(folder: Path) -> str:
    if folder.is_file():
        hint = "GGUF is not read here; " if folder.suffix == ".gguf" else ""
        return f"a file; {hint}expected the folder that holds config.json and the weights"
    beside = [path.name for path in checkpoints(folder.parent)]
    known = (
        f"{folder.parent} has {_few(beside[-SHOWN:])}" if beside else "a model folder was expected"
    )
    return f"there is no such folder; {known}"


def _no_config(folder: Path, names: list[str]) -> str:
    missing = f"no config.json (nor {ADAPTER_CONFIG})"
    saved = checkpoints(folder)
    if saved:
        shown = ", ".join(path.name for path in saved[-SHOWN:])
        return f"{missing}, but checkpoints of a training ({shown}); give one of them"
    if "manifest.json" in names and "recipe.yaml" in names:
        return (
            f"{missing}: a run's folder; `reason-w2s show {folder} STEP` prints where the model of "
            "a training step lies"
        )
    for pattern, said in OTHER_FORMATS.items():
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            return f"{missing}, but {said}"
    if any(matches(name, WEIGHTS) for name in names):
        return f"{missing}, but weights; copy the config.json of the model they were trained from"
    state = [name for name in names if matches(name, TRAINING_STATE)]
    if state:
        return (
            f"{missing} and no weights, only the state of a training ({_few(state)}); expected a "
            "checkpoint that was saved with its model"
        )
    return f"{missing}; expected a Hugging Face model folder, found {_few(names)}"


def _unreadable(folder: Path, names: list[str]) -> str | None:
    for name in (ADAPTER_CONFIG, "config.json"):
        if name in names and not _is_object(folder / name):
            return f"{name} is no JSON object; copy or fetch the model again"
    return None


def _is_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (ValueError, RecursionError):
        return False


def _no_weights(names: list[str]) -> str:
    pickled = [name for name in names if matches(name, PICKLES)]
    if pickled:
        return (
            f"no weights in safetensors, but {_few(pickled)}: a pickle can run anything when it is "
            "read, so none is read here; take the model's revision in safetensors, or, if you "
            "trust it, load it with transformers and save_pretrained it again"
        )
    for pattern, said in OTHER_FORMATS.items():
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            return f"no weights (*.safetensors), but {said}"
    return f"no weights (*.safetensors), found {_few(names)}; was the model saved completely?"


def _unindexed(names: list[str]) -> str | None:
    pieces = [name for name in names if PIECE.search(name)]
    if not pieces or any(fnmatch.fnmatchcase(name, INDEX) for name in names):
        return None
    return (
        f"{pieces[0]} is a piece of the weights, but the index that names all pieces "
        "(model.safetensors.index.json) is missing; copy or fetch the model again"
    )


def _missing_piece(folder: Path) -> str | None:
    for index in folder.glob(INDEX):
        try:
            named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError):
            return f"{index.name} cannot be read; copy or fetch the model again"
        gone = sorted(name for name in named if not (folder / name).is_file())
        if gone:
            return (
                f"{len(gone)} of the {len(named)} files that {index.name} names are missing "
                f"({_few(gone)}); copy or fetch the model again"
            )
    return None


def _fault(folder: Path) -> str | None:
    for path in sorted(folder.glob("*.safetensors")):
        found = headers.tensors(path)
        if isinstance(found, str):
            return f"{path.name} {found}"
        if not found:
            return f"{path.name} holds no tensors; was the model saved completely?"
        empty = headers.empty(found)
        if empty:
            return (
                f"{path.name} holds {len(empty)} of {len(found)} tensors without a value "
                f"({empty[0]}): saved under ZeRO-3 without gathering them; give a checkpoint with "
                "its shards (global_step*), or save again with "
                "stage3_gather_16bit_weights_on_model_save"
            )
    return None


def _few(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
