"""Prompts of one's own: a file like the shipped ones, named where a prompt is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reason_w2s.prompts import Prompt, load
from reason_w2s.recipe.yaml_file import parse, read


def is_file(name: Any) -> bool:
    """Whether what stands where a prompt is named is a file's name, by its ending."""
    return isinstance(name, str) and name.endswith((".yaml", ".yml"))


def written(path: Path) -> dict[str, Any]:
    """A prompt file's content.

    Raises:
        ConfigError: no such file, or no prompt, with the file's name.
    """
    data = read(path)
    parse(Prompt, data, str(path))
    return data


def named(name: str) -> Prompt:
    """The prompt in a file, or the shipped one of that name.

    Raises:
        ConfigError: there is none.
    """
    return parse(Prompt, read(Path(name)), name) if is_file(name) else load(name)
