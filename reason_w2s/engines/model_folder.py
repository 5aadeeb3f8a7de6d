"""A model on disk: what makes it one, its identity, and the prompt it was taught with.

A model folder is what transformers writes, or a LoRA adapter as peft writes it (adapter_config.json
names its base). Nothing here loads torch.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.errors import ConfigError, DataError, require
from reason_w2s.prompts import Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROMPT_FILE = "reason_w2s.json"
ADAPTER_CONFIG = "adapter_config.json"
BASE_FOLDER = "base"
WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "adapter_model.bin")
IDENTITY = (
    *WEIGHTS,
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
    "*.jinja",
)

TOKENIZER = tuple(name for name in IDENTITY[len(WEIGHTS) :] if not name.startswith("generation"))
"""What a tokenizer is made of; the config tells transformers which class."""

_digests: dict[tuple[str, int, int], str] = {}


def is_adapter(folder: Path) -> bool:
    """Whether this is a LoRA adapter rather than a whole model."""
    return (folder / ADAPTER_CONFIG).is_file()


def check(folder: Path) -> Path:
    """The folder itself, if it holds a model.

    Raises:
        ConfigError: it does not; the message says what is missing.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder; a model folder was expected")
    if not is_adapter(folder) and not (folder / "config.json").is_file():
        raise ConfigError(
            f"{folder}: no config.json (nor {ADAPTER_CONFIG}); expected a Hugging Face model folder"
        )
    if not any(_matches(path.name, WEIGHTS) for path in folder.iterdir()):
        raise ConfigError(f"{folder}: no weights (*.safetensors); was the model saved completely?")
    return folder


def resolve(model: Path | str, revision: str | None = None) -> Path:
    """A model's folder: the path itself, or where the Hub's copy lies (fetched if need be).

    `revision`: a branch, tag or commit of the Hub's repository; a local folder has none.

    Raises:
        ConfigError: neither a model folder nor a Hub id that could be fetched.
    """
    folder = Path(model)
    if folder.is_dir() or isinstance(model, Path) or not _is_hub_id(model):
        return check(folder)
    hub = require("huggingface_hub", "train")
    try:
        return check(Path(hub.snapshot_download(model, revision=revision)))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{model}: neither a folder here nor a model the Hub could give ({error})"
        ) from error


def base_of(folder: Path) -> Path:
    """The folder of the model that an adapter changes.

    Raises:
        ConfigError: it is gone.
    """
    named = str(_read(folder / ADAPTER_CONFIG).get("base_model_name_or_path") or "")
    kept = folder / BASE_FOLDER
    # a base kept inside the adapter's folder moves with it; the recorded path does not
    return check(kept) if kept.is_dir() and not Path(named).is_dir() else resolve(named)


def max_positions(folder: Path) -> int | None:
    """The longest sequence (tokens) the model's config allows; None if it names no limit."""
    whole = base_of(folder) if is_adapter(folder) else folder
    config = _read(whole / "config.json")
    value = config.get("max_position_embeddings")
    if value is None:
        value = config.get("text_config", {}).get("max_position_embeddings")
    return None if value is None else int(value)


def fingerprint(folder: Path) -> str:
    """What this model is, whatever it is called: a digest of its configs, tokenizer and weights.

    64 hexadecimal digits. Optimiser state, logs, README and prompt do not count. An adapter's
    includes its base's, and not where the base lies. Files are read once per process, as long as
    path, size and modification time stay the same.

    Raises:
        ConfigError: `folder` is no model folder.
    """
    digest = _digest(check(folder), IDENTITY)
    if is_adapter(folder):
        config = _read(folder / ADAPTER_CONFIG)
        config.pop("base_model_name_or_path", None)
        digest.update(json.dumps(config, sort_keys=True).encode())
        digest.update(fingerprint(base_of(folder)).encode())
    return digest.hexdigest()


def save_prompt(folder: Path, prompt: Prompt) -> None:
    """Keep the prompt with the checkpoint, so that it is asked the way it was taught."""
    text = prompt.model_dump_json(indent=2)
    (folder / PROMPT_FILE).write_text(f'{{"prompt": {text}}}\n', encoding="utf-8")


def load_prompt(folder: Path) -> Prompt | None:
    """The prompt the checkpoint was taught with; None if it was made elsewhere.

    Raises:
        DataError: the file is there but holds no prompt.
    """
    path = folder / PROMPT_FILE
    if not path.is_file():
        return None
    try:
        return Prompt.model_validate(_read(path)["prompt"])
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{path}: holds no prompt ({error}); delete it to ask another way"
        ) from error


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The model's tokenizer: the folder's own, or its base's where an adapter has none.

    Raises:
        ConfigError: there is none, or transformers would put another one in its place.
    """
    transformers = require("transformers", "train")
    own = any(folder.glob("tokenizer*")) or any(folder.glob("vocab*"))
    source = base_of(folder) if is_adapter(folder) and not own else folder
    try:
        tokenizer: PreTrainedTokenizerBase = transformers.AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{source}: its tokenizer cannot be loaded ({error})") from error
    # for some model types (qwen2) transformers rebuilds a tokenizer of one's own as the type's
    settings = source / "tokenizer_config.json"
    saved = _read(settings).get("tokenizer_class") if settings.is_file() else None
    if saved == "TokenizersBackend" and type(tokenizer).__name__ != saved:
        raise ConfigError(
            f"{source}: transformers loads {type(tokenizer).__name__} in place of the tokenizer "
            "saved here; save the model under a type that keeps its tokenizer, such as llama"
        )
    return tokenizer


def has_tokenizer(folder: Path) -> bool:
    """Whether a tokenizer lies here, with a model or without."""
    return any(any(folder.glob(name)) for name in ("tokenizer*", "vocab*"))


def fetch_tokenizer(named: str) -> Path:
    """The folder of a tokenizer: the one named, or the Hub's copy, of which weights stay away.

    Raises:
        ConfigError: neither a folder with a tokenizer nor a Hub id that could be fetched.
    """
    folder = Path(named)
    if not folder.is_dir() and _is_hub_id(named):
        hub = require("huggingface_hub", "train")
        try:
            wanted = [*TOKENIZER, PROMPT_FILE]
            folder = Path(hub.snapshot_download(named, allow_patterns=wanted))
        except (OSError, ValueError) as error:
            raise ConfigError(f"tokenizer {named}: the Hub could not give it ({error})") from error
    if not has_tokenizer(folder):
        raise ConfigError(f"tokenizer {named}: there is none; expected a folder or hub name")
    return folder.resolve()


def tokenizer_fingerprint(folder: Path) -> str:
    """What a tokenizer and its chat template are: a digest of 64 hexadecimal digits."""
    return _digest(folder, TOKENIZER).hexdigest()


def _digest(folder: Path, patterns: tuple[str, ...]) -> hashlib._Hash:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and _matches(path.name, patterns):
            digest.update(f"{path.name}\0{_file_digest(path)}\n".encode())
    return digest


def _is_hub_id(model: str) -> bool:
    return model.count("/") == 1 and not model.startswith((".", "/", "~"))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read as JSON ({error})") from error
    return content


def _file_digest(path: Path) -> str:
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]
