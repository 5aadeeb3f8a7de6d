"""A model at an endpoint: what is known of it, and that it is remembered when the endpoint is gone.

Nobody sees such a model's content. Its identity is what the endpoint says: the name it is served
under and where its weights come from, or, where it does not say that (vLLM does), its address.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reason_w2s.engines import endpoint as endpoints
from reason_w2s.engines.client import Client
from reason_w2s.engines.endpoint import Card
from reason_w2s.engines.model_folder import (
    fetch_tokenizer,
    has_tokenizer,
    load_prompt,
    tokenizer_fingerprint,
)
from reason_w2s.errors import ConfigError, Damaged, EngineError
from reason_w2s.runs.items import ModelRef
from reason_w2s.runs.store import read_json, write_json
from reason_w2s.runs.tables import digest
from reason_w2s.runs.work import Work

DTYPE = "auto"
"""What an engine is told of a precision that the endpoint decides."""


def model_at(work: Work) -> ModelRef:
    """The model of a `model` step whose path is an address.

    Raises:
        ConfigError: no such model there, no key, no tokenizer or prompt where one is named.
        EngineError: the endpoint cannot be reached, and never was.
    """
    config, where = work.step.config, f"models.{work.step.name}"
    try:
        client = Client(config["path"], work.profile.engine.server)
        card = _card(work, client, config["served"])
        tokenizer = _tokenizer(config["tokenizer"], card)
    except (ConfigError, EngineError) as error:
        raise type(error)(f"{where}: {error}") from error
    saved = None if tokenizer is None else load_prompt(tokenizer)
    prompt = config["prompt"] or (saved.model_dump(mode="json") if saved else None)
    if prompt is None:
        raise ConfigError(
            f"{where}: {client.url} says nothing of how '{card.id}' is asked; give it a prompt: "
            f"{where}.prompt in a recipe, --prompt NAME in eval"
        )
    mark = _identity(client.url, card, config["revision"], tokenizer)
    folder = None if tokenizer is None else str(tokenizer)
    return ModelRef(client.url, mark, prompt, DTYPE, card.id, folder)


def _card(work: Work, client: Client, served: str | None) -> Card:
    """What the endpoint says; what it said last, where it says nothing now.

    So what is stored is found after the endpoint is gone; sampling asks it again.
    """
    path = work.store.root / "endpoints" / f"{digest(client.url, served)}.json"
    try:
        card = endpoints.card(client, served)
    except EngineError:
        if not path.is_file():
            raise
        with contextlib.suppress(Damaged):
            remembered: Mapping[str, Any] = read_json(path)
            return Card(**remembered)
        raise
    write_json(path, card._asdict())
    return card


def _tokenizer(named: str | None, card: Card) -> Path | None:
    """The folder of the tokenizer: the one named, or the served model's own where it lies here."""
    if named is not None:
        return fetch_tokenizer(named)
    own = Path(card.root) if card.root else None
    here = own is not None and own.is_absolute() and has_tokenizer(own)
    return own if here else None


def _identity(url: str, card: Card, revision: str | None, tokenizer: Path | None) -> str:
    known = card.owned_by == "vllm" and card.root is not None
    place = card.root if known else url
    mark = None if tokenizer is None else tokenizer_fingerprint(tokenizer)
    return digest("endpoint", card.id, place, revision, mark)
