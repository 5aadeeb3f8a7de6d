"""What no recipe may hold, whoever wrote it: names that lead out of a run, secrets in addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.schema import Recipe
from reason_w2s.redaction import in_address, redacted

NAME = re.compile(r"\w[\w.+@ -]{0,199}")
TEXTS = ("prompt", "prompts", "title")
"""Keys under which an address is text that a model is asked with."""


def refuse_names(recipe: Recipe, place: str) -> None:
    """Names become names of files and folders of a run: none may lead elsewhere.

    Raises:
        ConfigError: a name with a slash, with what a terminal obeys, or beginning with a dot.
    """
    asked = recipe.evaluate
    groups: dict[str, Mapping[str, Any]] = {
        "models": recipe.models,
        "problems": recipe.problems,
        "steps": recipe.steps,
        "suites": recipe.suites,
        "prompts": recipe.prompts,
        "evaluate.models": asked.models,
        "evaluate.selections": asked.selections,
        "evaluate.resampling": asked.resampling,
    }
    for group, named in groups.items():
        for name in named:
            if not NAME.fullmatch(name):
                raise ConfigError(
                    f"{place}: {group}: {name!r} cannot be a name; expected letters, digits and "
                    "_ . - + @, the first no sign, at most 200 of them"
                )


def refuse_secrets(data: Any, place: str) -> None:
    """A recipe is copied into every run: no password or key may stand in an address in it.

    Raises:
        ConfigError: with the key it stands under, and not with what stands there.
    """
    for key, text in _texts(data):
        if in_address(text):
            raise ConfigError(
                f"{place}: {key}: {redacted(text)} is an address with a password or key, which "
                "would be written into every run; put the key into the environment variable "
                "OPENAI_API_KEY (or the one that engine.server.api_key_env of a profile names)"
            )


def _texts(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in the recipe with the key it stands under, but for those of prompts."""
    if isinstance(data, str):
        yield key, data
    elif isinstance(data, Mapping):
        for name, value in data.items():
            if name not in TEXTS:
                yield from _texts(value, f"{key}.{name}" if key else str(name))
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from _texts(value, key)
