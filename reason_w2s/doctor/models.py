"""The models of a plan: where each lies, how it is asked, and its tokenizer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.doctor.stored import Stored
from reason_w2s.engines.client import is_url
from reason_w2s.engines.model_folder import (
    PROMPT_FILE,
    TOKENIZER,
    check,
    find_prompt,
    has_tokenizer,
    load_tokenizer,
)
from reason_w2s.errors import ConfigError, require
from reason_w2s.prompts import Prompt
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.train import like

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SMALL = (*TOKENIZER, "generation_config.json", PROMPT_FILE, "*.safetensors.index.json")
"""What is fetched of a model that is on the hub alone: no weights."""
LOCAL = (".", "/", "~")
TIMEOUT_S = 10.0


Texts = Callable[[tuple[str, ...]], list[str]]
"""The questions of problem sets, as far as these are here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a model that no step makes lie.

    folder: with its config and tokenizer; weights may be missing. absent: why there is none, in
    words. wrong: whether that is a mistake, not just something this machine cannot see.
    """

    folder: Path | None = None
    absent: str = ""
    wrong: bool = False


class Models:
    """The models of a plan; each is looked up once."""

    def __init__(self, plan: Plan, store: Stored, texts: Texts) -> None:
        self._plan = plan
        self._store = store
        self._texts = texts
        self._places: dict[str, Place] = {}
        self._tokenizers: dict[str, PreTrainedTokenizerBase | None] = {}

    def root(self, name: str) -> Step:
        """The step whose architecture and tokenizer a model has: one that no other model made."""
        step = self._plan.steps[name]
        while step.stage in ("train", "prompted"):
            step = self._plan.steps[step.roles["init" if step.stage == "train" else "model"]]
        return step

    def prompt(self, name: str) -> Prompt | None:
        """How a model is asked; None: its checkpoint says, and is not here."""
        step = self._plan.steps[name]
        while step.stage == "train" or (step.stage == "prompted" and not step.config["prompt"]):
            step = self._plan.steps[step.roles["init" if step.stage == "train" else "model"]]
        given = step.config["prompt"]
        if given is not None:
            return Prompt.model_validate(given)
        folder = self.place(step.name).folder
        saved = None if folder is None else find_prompt(folder)
        return None if saved is None else saved[0]

    def called(self, name: str) -> str:
        """A model's own name: its path, or what the recipe calls it."""
        root = self.root(name)
        return str(root.config.get("path") or root.config.get("like") or root.name)

    def place(self, name: str) -> Place:
        """Where a model's root lies."""
        root = self.root(name)
        if root.name not in self._places:
            self._places[root.name] = self._look(root)
        return self._places[root.name]

    def tokenizer(self, name: str) -> PreTrainedTokenizerBase | None:
        """A model's tokenizer; None where its files are not here, or it has not been made yet.

        Raises:
            ConfigError: the files are here, and hold none.
        """
        root = self.root(name)
        if root.name not in self._tokenizers:
            self._tokenizers[root.name] = self._load(root)
        return self._tokenizers[root.name]

    def config(self, name: str) -> Mapping[str, Any] | None:
        """The config.json of a model's root, of an adapter's base; None where it is not here."""
        root = self.root(name)
        if root.stage in ("pretrain", "scratch") and root.config.get("like") is None:
            from reason_w2s.doctor.made_config import config_of

            return config_of(root)
        folder = self.place(name).folder
        whole = None if folder is None else like.whole(folder)
        if whole is None:
            return None
        read: dict[str, Any] = json.loads((whole / "config.json").read_text(encoding="utf-8"))
        return read

    def _look(self, root: Step) -> Place:
        made = self._store.made.get(root.name)
        if made is not None and made.item.model is not None and made.item.model.served is None:
            return Place(made.item.folder())
        if root.stage == "pretrain":
            return Place(absent="the run makes it")
        if root.stage == "scratch" and root.config["like"] is None:
            return Place(absent="the run makes it")
        path = str(root.config.get("path") or root.config["like"])
        if is_url(path):
            return _at_endpoint(root.config)
        return located(path, root.config.get("revision"))

    def _load(self, root: Step) -> PreTrainedTokenizerBase | None:
        place = self.place(root.name)
        if place.folder is not None and (
            has_tokenizer(place.folder) or like.whole(place.folder) is not None
        ):
            return load_tokenizer(place.folder)
        if root.stage == "pretrain":
            from reason_w2s.train.pretrain import world_tokenizer

            return world_tokenizer()
        texts = self._texts(root.of) if root.stage == "scratch" and not root.config["like"] else []
        if not texts:
            return None
        config = root.config
        return like.byte_level(texts, config["vocab_size"], positions=config["max_positions"])


def complete(folder: Path) -> bool:
    """Whether weights lie there too."""
    try:
        check(folder)
    except ConfigError:
        return False
    return True


def located(path: str, revision: str | None) -> Place:
    """A folder, the local cache's copy, or the small files of the hub's."""
    if Path(path).is_dir():
        if like.on_disk(path) is None:
            return Place(absent="the folder holds no config.json, nor that of a base", wrong=True)
        return Place(Path(path))
    found = like.on_disk(path, revision)
    if found is not None:
        return Place(found)
    if path.startswith(LOCAL) or path.count("/") != 1:
        return Place(absent="there is no such folder, and it is no name on the hub", wrong=True)
    return _from_hub(path, revision)


def _from_hub(path: str, revision: str | None) -> Place:
    hub, httpx = require("huggingface_hub", "train"), require("httpx", "train")
    try:
        hub.HfApi().model_info(path, revision=revision, timeout=TIMEOUT_S)
        folder = hub.snapshot_download(path, revision=revision, allow_patterns=list(SMALL))
    except hub.errors.GatedRepoError:
        why = "its files are given to those who asked for access; ask on its page, then hf auth"
        return Place(absent=f"{why} login", wrong=True)
    except hub.errors.RevisionNotFoundError:
        return Place(absent=f"the hub has no revision '{revision}' of it", wrong=True)
    except hub.errors.RepositoryNotFoundError:
        return Place(absent="the hub has no such model, or it may not be read", wrong=True)
    except (OSError, ValueError, httpx.HTTPError) as error:
        return Place(absent=f"not on this disk, and no network ({type(error).__name__})")
    return Place(Path(folder))


def _at_endpoint(config: Mapping[str, Any]) -> Place:
    """What stands for an endpoint's model here is the tokenizer that the recipe names."""
    named = config.get("tokenizer")
    if named is None:
        return Place(absent="it is at an endpoint, and the recipe names no tokenizer of it")
    return located(str(named), None)
