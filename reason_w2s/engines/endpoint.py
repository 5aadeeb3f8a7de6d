"""A model at an OpenAI-compatible endpoint, by what the endpoint says of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from reason_w2s.engines.client import Client, Refused, Unavailable
from reason_w2s.errors import ConfigError, EngineError

LISTING_TIMEOUT_S = 20.0
NAMES_SHOWN = 12
BAD_REQUEST, UNAUTHORISED, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED = 400, 401, 403, 404, 405


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model at an endpoint. `served`: its name there; None: the only one. `tokenizer`: a folder;
    with it prompts are sent as token ids, without as text."""

    url: str
    served: str | None = None
    tokenizer: str | None = None


class Card(NamedTuple):
    """What an endpoint says of a model: its name, whose server it is, where its weights come from
    (`root`), and the tokens that fit (prompt and response). None: it does not say."""

    id: str
    owned_by: str | None = None
    root: str | None = None
    max_model_len: int | None = None


def card(client: Client, served: str | None) -> Card:
    """What the endpoint says of the model, by its name there or as the only one it has.

    Raises:
        ConfigError: no such model, no key, or no such endpoint at this address.
        EngineError: it cannot be reached now.
    """
    try:
        cards = _cards(client.once("/models", timeout_s=LISTING_TIMEOUT_S))
    except Unavailable as error:
        raise EngineError(unreachable(client.url, error)) from error
    except Refused as error:
        if error.status != NOT_FOUND:
            raise refusal(client, error, "its list of models") from error
        cards = None
    if cards is None:
        if served is not None:
            return Card(served)
        raise ConfigError(
            f"{client.url}: does not list its models (GET /models); expected the address that ends "
            "in /v1, or the model's name there (served)"
        )
    return _chosen(client.url, cards, served)


def unreachable(url: str, error: Unavailable) -> str:
    """The line for an endpoint that does not answer."""
    return (
        f"{url}: the endpoint cannot be used now ({error}); is it up, and is this its address? "
        "The same command goes on from here"
    )


def refusal(client: Client, error: Refused, what: str) -> ConfigError:
    """The line for an endpoint that will not, asked for `what`."""
    if error.status in (UNAUTHORISED, FORBIDDEN):
        variable = client.settings.api_key_env
        state = "the key in it is not accepted" if os.environ.get(variable) else "it is not set"
        if client.withheld:
            state = (
                "it is set, and not sent to a host that the recipe alone names; if it is meant for "
                "this one, say so in a profile (engine.server.key_hosts)"
            )
        return ConfigError(
            f"{client.url}: not authorised ({error}); the key is read from the environment "
            f"variable {variable}: {state}"
        )
    if 300 <= error.status < BAD_REQUEST:
        return ConfigError(
            f"{client.url}: sends elsewhere ({error.status}), where no key is taken; give the "
            "address it leads to"
        )
    return ConfigError(f"{client.url}: refuses {what} ({error})")


def _chosen(url: str, cards: list[Card], served: str | None) -> Card:
    if served is None and len(cards) == 1:
        return cards[0]
    for one in cards:
        if one.id == served:
            return one
    names = [one.id for one in cards]
    shown = ", ".join(names[:NAMES_SHOWN]) or "nothing"
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    asked = "which model? Name it (served in a recipe, --served in eval)"
    what = asked if served is None else f"serves no '{served}'"
    raise ConfigError(f"{url}: {what}; there are: {shown}{more}")


def _cards(listing: Any) -> list[Card] | None:
    """The models of a listing; None where it is none."""
    listed = listing.get("data") if isinstance(listing, dict) else None
    if not isinstance(listed, list):
        return None
    return [_card(one) for one in listed if isinstance(one, dict) and "id" in one]


def _card(listed: Mapping[str, Any]) -> Card:
    longest = listed.get("max_model_len")
    texts = (listed.get(name) for name in ("owned_by", "root"))
    owned_by, root = (str(text) if text else None for text in texts)
    return Card(str(listed["id"]), owned_by, root, longest if isinstance(longest, int) else None)
