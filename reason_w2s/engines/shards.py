"""DeepSpeed's own checkpoints: weights that lie in shards, a folder `global_stepN` below.

ZeRO-3 leaves a folder without weights where `stage3_gather_16bit_weights_on_model_save` is off;
older versions left a file of empty tensors instead.
"""

from __future__ import annotations

from pathlib import Path

from reason_w2s.engines import headers

LATEST = "latest"
STATES = ("*_model_states.pt", "*_optim_states.pt")


def tag(folder: Path) -> Path | None:
    """The folder of the shards that count: what `latest` names, else the one of most steps."""
    if not folder.is_dir():
        return None
    named = folder / LATEST
    if named.is_file():
        found = folder / named.read_text(encoding="utf-8", errors="replace").strip()
        return found if found != folder and any(found.glob(STATES[1])) else None
    steps = [path for path in folder.glob("global_step*") if any(path.glob(STATES[1]))]
    return max(steps, key=_number, default=None)


def files(folder: Path) -> list[Path]:
    """All files of the shards that count, by name."""
    place = tag(folder)
    if place is None:
        return []
    return sorted(path for pattern in STATES for path in place.glob(pattern))


def needed(folder: Path) -> bool:
    """Whether the weights are in the shards alone: no file of weights holds a value for each."""
    if tag(folder) is None:
        return False
    saved = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    weights = [path for path in saved if path.name != "training_args.bin"]
    return not weights or any(_is_placeholder(path) for path in weights)


def _is_placeholder(path: Path) -> bool:
    """A safetensors file with no tensors, or with empty ones."""
    if path.suffix != ".safetensors":
        return False
    found = headers.tensors(path)
    return not isinstance(found, str) and (not found or bool(headers.empty(found)))


def _number(path: Path) -> int:
    digits = path.name.removeprefix("global_step")
    return int(digits) if digits.isdigit() else -1
