"""Folders that are taken for models until they are loaded: real headers, no torch."""

from __future__ import annotations

import json
from pathlib import Path


def safetensors(mark: str = "weights", name: str = "w", **shapes: list[int]) -> bytes:
    """A whole safetensors file: a tensor `name`, of values that `mark` decides, and the shapes of
    others."""
    data = mark.encode().ljust(4, b"\0")
    data += b"\0" * (-len(data) % 4)
    tensors = {name: {"dtype": "F32", "shape": [len(data) // 4], "data_offsets": [0, len(data)]}}
    for other, shape in shapes.items():
        tensors[other] = {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
    header = json.dumps(tensors).encode()
    return len(header).to_bytes(8, "little") + header + data


def model(folder: Path, weights: str = "weights", **files: str) -> Path:
    """A model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(safetensors(weights))
    for name, text in {"config.json": '{"max_position_embeddings": 64}', **files}.items():
        (folder / name).write_text(text)
    return folder


def adapter(folder: Path, base: Path | str, weights: str = "lora") -> Path:
    """A LoRA adapter's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"base_model_name_or_path": str(base), "r": 4}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(safetensors(weights))
    return folder


def shards(folder: Path, steps: int = 10) -> Path:
    """DeepSpeed's shards below a folder, as files without content."""
    place = folder / f"global_step{steps}"
    place.mkdir(parents=True)
    (folder / "latest").write_text(place.name)
    for rank in (0, 1):
        for state in ("model", "optim"):
            (place / f"zero_pp_rank_{rank}_mp_rank_00_{state}_states.pt").write_bytes(b"")
    return folder
