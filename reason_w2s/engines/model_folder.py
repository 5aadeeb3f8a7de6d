"""A model on disk: what makes it one, its identity, and the prompt it was taught with.

A model folder is what transformers writes, or a LoRA adapter as peft writes it (adapter_config.json
names its base). Nothing here loads torch.
"""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.engines import hub, whole
from reason_w2s.engines.training import checkpoints, parent
from reason_w2s.engines.whole import matches
from reason_w2s.errors import ConfigError, DataError, require
from reason_w2s.prompts import Prompt
from reason_w2s.trust import refuse_code, trusted

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROMPT_FILE = "reason_w2s.json"
ADAPTER_CONFIG = whole.ADAPTER_CONFIG
WEIGHTS = whole.WEIGHTS
BASE_FOLDER = "base"
TEMPLATE_FILE = "chat_template.jinja"
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

TOKENIZER_FILES = ("tokenizer*", "vocab*", "*.model", "*.tiktoken", "tekken.json")

_digests: dict[tuple[str, int, int], str] = {}


def is_adapter(folder: Path) -> bool:
    """Whether this is a LoRA adapter rather than a whole model."""
    return (folder / ADAPTER_CONFIG).is_file()


def check(folder: Path) -> Path:
    """The folder itself, if it holds a model.

    Raises:
        ConfigError: it does not; the message says what is missing.
    """
    lack = whole.lack(folder)
    if lack is not None:
        raise ConfigError(f"{folder}: {lack}")
    return folder


def resolve(model: Path | str, revision: str | None = None) -> Path:
    """A model's folder: the path itself, or where the Hub's copy lies (fetched if need be).

    `revision`: a branch, tag or commit of the Hub's repository; a local folder has none.

    Raises:
        ConfigError: neither a model folder nor a Hub id that could be fetched.
    """
    folder = Path(model)
    beside = checkpoints(folder.parent)
    if folder.exists() or isinstance(model, Path) or beside or not hub.is_id(model):
        return check(folder)
    return hub.model(model, revision)


def base_of(folder: Path) -> Path:
    """The folder of the model that an adapter changes.

    A relative path is meant from where the training was started: it is looked for from here, and
    from the folders that the adapter lies in.

    Raises:
        ConfigError: it is gone, or quantised.
    """
    config = _read(folder / ADAPTER_CONFIG)
    named = str(config.get("base_model_name_or_path") or "")
    kept = folder / BASE_FOLDER
    # a base kept inside the adapter's folder moves with it; the recorded path does not
    found = kept if kept.is_dir() and not Path(named).is_dir() else _relative(folder, named)
    try:
        base = check(found) if found else resolve(named, config.get("revision"))
    except ConfigError as error:
        raise ConfigError(
            f"{folder}: a LoRA adapter whose base cannot be used ({error}); put the base into "
            f"{kept}, or its place into {ADAPTER_CONFIG} (base_model_name_or_path)"
        ) from error
    return _unquantised(folder, base)


def _relative(adapter: Path, named: str) -> Path | None:
    """The base of a relative path, from here or from the nearest folder above the adapter."""
    if not named or Path(named).is_absolute():
        return None
    places = (Path(), *adapter.resolve().parents)
    return next((place / named for place in places if (place / named).is_dir()), None)


def _unquantised(adapter: Path, base: Path) -> Path:
    quantised = _read(base / "config.json").get("quantization_config")
    if quantised:
        method = quantised.get("quant_method", "some method")
        raise ConfigError(
            f"{adapter}: its base {base} is quantised ({method}), and an adapter is not added to "
            f"such weights here; put the base it was quantised from into {adapter / BASE_FOLDER}"
        )
    return base


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
    includes its base's, and not where the base lies; that of a `checkpoint-N` what its training's
    folder lends it of a tokenizer. Files are read once per process, as long as
    path, size and modification time stay the same.

    Raises:
        ConfigError: `folder` is no model folder.
    """
    digest = _digest(check(folder), IDENTITY)
    for lent in (tokenizer_folder(folder), _lent_template(folder)):
        if lent is not None and lent == parent(folder):
            digest.update(tokenizer_fingerprint(lent).encode())
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


def find_prompt(folder: Path) -> tuple[Prompt, Path] | None:
    """The prompt a checkpoint was taught with, and the folder it is saved in: its own, or, for a
    `checkpoint-N`, the training's. None: it was made elsewhere.

    Raises:
        DataError: a file is there but holds no prompt.
    """
    training = parent(folder)
    for place in (folder, *([training] if training else [])):
        found = load_prompt(place)
        if found is not None:
            return found, place
    return None


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The model's tokenizer, from where it lies, with its chat template.

    Raises:
        ConfigError: there is none, or transformers would put another one in its place.
    """
    transformers = require("transformers", "train")
    source = tokenizer_folder(folder)
    try:
        tokenizer: PreTrainedTokenizerBase = transformers.AutoTokenizer.from_pretrained(
            source, trust_remote_code=trusted()
        )
    except (OSError, ValueError) as error:
        refuse_code(source, error)
        if not has_tokenizer(source):
            raise ConfigError(f"{source}: there is no tokenizer; copy its base's there") from error
        raise ConfigError(f"{source}: its tokenizer cannot be loaded ({error})") from error
    if "local_files_only" in tokenizer.init_kwargs:
        # it is saved with a model, which must not differ by whether HF_HUB_OFFLINE was set
        tokenizer.init_kwargs["local_files_only"] = False
    lent = _lent_template(folder)
    if lent is not None:
        tokenizer.chat_template = chat_template(lent)
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
    return any(chain.from_iterable(map(folder.glob, TOKENIZER_FILES)))


def tokenizer_folder(folder: Path) -> Path:
    """Where a model's tokenizer lies: with it; for a `checkpoint-N` without one, in the training's
    folder; for an adapter without one, with its base."""
    training = parent(folder)
    if has_tokenizer(folder):
        return folder
    if training is not None and has_tokenizer(training):
        return training
    return base_of(folder) if is_adapter(folder) else folder


def chat_template(folder: Path) -> str | None:
    """The chat template that lies here with a tokenizer; None: there is none."""
    file = folder / TEMPLATE_FILE
    if file.is_file():
        return file.read_text(encoding="utf-8")
    settings = folder / "tokenizer_config.json"
    saved = _read(settings).get("chat_template") if settings.is_file() else None
    # several by name, as transformers once wrote them
    named = (
        {one.get("name"): one.get("template") for one in saved} if isinstance(saved, list) else {}
    )
    found = named.get("default") if named else saved
    return None if found is None else str(found)


def template_folder(folder: Path) -> Path | None:
    """Where a model's chat template lies: with its tokenizer, or, for a `checkpoint-N` without one,
    in the training's folder. None: there is none."""
    own = tokenizer_folder(folder)
    return own if chat_template(own) is not None else _lent_template(folder)


def _lent_template(folder: Path) -> Path | None:
    """The training's folder, where its chat template stands in for a checkpoint's own."""
    training = parent(folder)
    if training is None or chat_template(tokenizer_folder(folder)) is not None:
        return None
    return training if chat_template(training) is not None else None


def fetch_tokenizer(named: str) -> Path:
    """The folder of a tokenizer: the one named, or the Hub's copy, of which weights stay away.

    Raises:
        ConfigError: neither a folder with a tokenizer nor a Hub id that could be fetched.
    """
    folder = Path(named)
    if not folder.is_dir() and hub.is_id(named):
        try:
            folder = hub.files(named, (*TOKENIZER, PROMPT_FILE))
        except ConfigError as error:
            raise ConfigError(f"tokenizer {error}") from error
    if not has_tokenizer(folder):
        raise ConfigError(f"tokenizer {named}: there is none; expected a folder or hub name")
    return folder.resolve()


def tokenizer_fingerprint(folder: Path) -> str:
    """What a tokenizer and its chat template are: a digest of 64 hexadecimal digits."""
    return _digest(folder, TOKENIZER).hexdigest()


def _digest(folder: Path, patterns: tuple[str, ...]) -> hashlib._Hash:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and matches(path.name, patterns):
            digest.update(f"{path.name}\0{file_digest(path)}\n".encode())
    return digest


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a JSON object, got a {type(content).__name__}")
    return content


def file_digest(path: Path) -> str:
    """The sha256 of a file, read once per process as long as its size and time stay the same."""
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]
