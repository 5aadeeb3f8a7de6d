"""A DeepSpeed checkpoint's shards as one model folder: `python -m reason_w2s.train.gather`.

DeepSpeed's own reader finds the values (float32, the master weights); they are written a file at a
time in the precision that the model's config names, as the trained weights would have been saved.
It runs in a process of its own: reading the shards maps all of them into memory. The shards are
pickles, as every DeepSpeed checkpoint is; tensors are read from them and nothing is run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s import errors
from reason_w2s.engines import model_folder, shards, whole
from reason_w2s.engines.training import parent
from reason_w2s.errors import ConfigError, EngineError, W2SError, require
from reason_w2s.processes import die_with_parent, own_stdout
from reason_w2s.trust import trusted

if TYPE_CHECKING:
    from torch import Tensor

ENVIRONMENT = {
    "DS_ACCELERATOR": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    # DeepSpeed's reader asks torch for whole pickles; torch then gives tensors and SAFE alone
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
}
SAFE = (
    "deepspeed.runtime.zero.config.ZeroStageEnum",
    "deepspeed.runtime.fp16.loss_scaler.LossScaler",
    "deepspeed.runtime.fp16.loss_scaler.DynamicLossScaler",
    "deepspeed.utils.tensor_fragment.fragment_address",
)
"""What DeepSpeed keeps in its shards besides tensors and plain values."""
Tensors = dict[str, Any]
"""Real torch tensors by name."""
Naming = Callable[[Tensors], Tensors]

SHARD_BYTES = 5 * 10**9
WHOLE_NAME, ADAPTER_NAME = "model", "adapter_model"
LORA = re.compile(r"\.(lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector)\.default(?=\.|$)")
KEPT = ".modules_to_save.default."
"""What peft puts into the names of a model's parameters, and not into those of its files."""


def gather(source: Path, out: Path, log: Path) -> Path:
    """Write the model or adapter of the shards in `source` to `out`, with its tokenizer.

    `log`: where DeepSpeed's own words go.

    Raises:
        ConfigError: shards are missing, or are not those of a model.
        EngineError: the process that gathers was killed.
    """
    command = [sys.executable, "-m", "reason_w2s.train.gather", str(source), str(out)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        ended = subprocess.run(
            command,
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.PIPE,
            stderr=stream,
            check=False,
        )
    if ended.returncode == 0:
        return out
    try:
        failure = json.loads(ended.stdout)
    except ValueError as error:
        raise EngineError(
            f"{source}: gathering its shards ended with code {ended.returncode} (-9: killed, as "
            f"when memory runs out); see {log}"
        ) from error
    kind = getattr(errors, failure["type"], None)
    if isinstance(kind, type) and issubclass(kind, W2SError):
        raise kind(failure["message"])
    raise ConfigError(f"{source}: its DeepSpeed shards cannot be gathered ({failure['message']})")


def write(source: Path, out: Path) -> None:
    """The same in this process."""
    place = shards.tag(source)
    if place is None:
        raise ConfigError(f"{source}: no DeepSpeed shards (global_step*) here")
    adapter = model_folder.is_adapter(source)
    found = _values(source, place.name, adapter=adapter)
    named = _keep_names if adapter else _names_of_files(source)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    _copy(source, out)
    pieces = _pieces(found, _dtype(source, adapter=adapter), named)
    _save(pieces, out, ADAPTER_NAME if adapter else WHOLE_NAME)
    model_folder.check(out)


def _values(source: Path, tag: str, *, adapter: bool) -> dict[str, Any]:
    """DeepSpeed's lazy tensors by the names they have in files; of those that are tied, one."""
    zero = require("deepspeed.utils.zero_to_fp32", "train")
    _allow_deepspeeds_own()
    found = zero.get_fp32_state_dict_from_zero_checkpoint(
        str(source), tag, exclude_frozen_parameters=adapter, lazy_mode=True
    )
    kept, seen = {}, set()
    for name, value in found.items():
        if id(value) not in seen:
            seen.add(id(value))
            kept[_in_file(name) if adapter else name] = value
    return kept


def _allow_deepspeeds_own() -> None:
    names = (name.rpartition(".") for name in SAFE)
    known = [getattr(require(module, "train"), name) for module, _, name in names]
    require("torch", "train").serialization.add_safe_globals(known)


def _in_file(name: str) -> str:
    return LORA.sub(r".\1", name).replace(KEPT, ".")


def _dtype(source: Path, *, adapter: bool) -> str:
    """An adapter is kept as it was trained; a model in what its config says."""
    if adapter:
        return "float32"
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    return str(config.get("dtype") or config.get("torch_dtype") or "float32")


def _copy(source: Path, out: Path) -> None:
    """Configs, tokenizer and template, also those that the training's folder lends."""
    about = tuple(name for name in model_folder.IDENTITY if name not in whole.WEIGHTS)
    wanted = (*about, whole.ADAPTER_CONFIG)
    training = parent(source)
    lent = training is not None and model_folder.tokenizer_folder(source) == training
    places = [training, source] if training is not None and lent else [source]
    template = model_folder.template_folder(source)
    for place in places:
        names = wanted if place == source else model_folder.TOKENIZER
        for path in place.iterdir():
            index = path.name.endswith(".index.json")
            if path.is_file() and whole.matches(path.name, names) and not index:
                shutil.copyfile(path, out / path.name)
    if template is not None and model_folder.chat_template(out) is None:
        text = model_folder.chat_template(template)
        (out / model_folder.TEMPLATE_FILE).write_text(str(text), encoding="utf-8")


def _keep_names(tensors: Tensors) -> Tensors:
    return tensors


def _names_of_files(source: Path) -> Naming:
    """transformers holds some models' weights in another form than it saves them (the experts of a
    mixture as one tensor); engines read the form of files."""
    torch = require("torch", "train")
    transformers = require("transformers", "train")
    from transformers.core_model_loading import revert_weight_conversion

    config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=trusted())
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    return lambda tensors: dict(revert_weight_conversion(model, tensors))


def _pieces(found: Mapping[str, Any], dtype: str, named: Naming) -> Iterator[Tensors]:
    """The weights, at most SHARD_BYTES at a time; a larger tensor comes alone."""
    precision = getattr(require("torch", "train"), dtype)
    for names in _groups(found, precision.itemsize):
        real = named({one: _tensor(found[one], precision) for one in names})
        # a part of a tensor is written as one of its own
        yield {name: one.contiguous() for name, one in real.items()}


def _save(pieces: Iterable[Tensors], out: Path, name: str) -> None:
    """A file for each piece, with an index if they are several."""
    from safetensors.torch import save_file

    files: list[tuple[Path, list[str]]] = []
    for number, tensors in enumerate(pieces, 1):
        file = out / f"{name}-{number}.safetensors"
        save_file(tensors, file, metadata={"format": "pt"})
        files.append((file, list(tensors)))
    if len(files) == 1:
        files[0][0].rename(out / f"{name}.safetensors")
        return
    written: dict[str, str] = {}
    for number, (file, names) in enumerate(files, 1):
        final = file.rename(out / f"{name}-{number:05}-of-{len(files):05}.safetensors")
        written |= dict.fromkeys(names, final.name)
    size = sum(path.stat().st_size for path in out.glob(f"{name}-*.safetensors"))
    index = {"metadata": {"total_size": size}, "weight_map": written}
    (out / f"{name}.safetensors.index.json").write_text(json.dumps(index, indent=2))


def _groups(found: Mapping[str, Any], itemsize: int) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for name, value in found.items():
        more = value.shape.numel() * itemsize
        if group and size + more > SHARD_BYTES:
            yield group
            group, size = [], 0
        group.append(name)
        size += more
    yield group


def _tensor(value: Any, precision: Any) -> Tensor:
    """A lazy tensor made real; what is no floating point number stays what it is."""
    real: Tensor = value.contiguous()
    return real.to(precision) if real.dtype.is_floating_point else real


def main() -> None:
    """Entry point of the process: a failure is one JSON object on standard output."""
    die_with_parent()
    out = own_stdout()
    source, target = map(Path, sys.argv[1:])
    try:
        write(source, target)
    except Exception as error:  # the parent must hear of every failure, whatever its kind
        message = " ".join(str(error).split())[:600]
        out.write(json.dumps({"type": type(error).__name__, "message": message}))
        out.flush()
        sys.exit(1)


if __name__ == "__main__":
    main()
