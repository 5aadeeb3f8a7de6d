"""Prompts as named files: how a problem becomes the text a model continues.

The files beside this module are YAML with the fields of `Prompt`. Training and sampling render
through the same two functions, `render` and `encode`, so a model is always asked the way it was
taught.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from reason_w2s.errors import ConfigError, DataError
from reason_w2s.records import Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FOLDER = Path(__file__).parent


class Prompt(BaseModel):
    """How to ask. `template` and `system` may hold `{question}`; other braces are kept as they are.

    chat: render as chat turns with the model's own template; otherwise `template` is the text.
    prefill: text the response is made to begin with; it is part of the prompt, not of the response.
    separator: what is put before a response that exists as text only (a gold solution, an imported
    trace) when it becomes a training target; sampled responses carry their own first token.
    stop: strings that end a response (not included in it).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: str
    system: str | None = None
    chat: bool = False
    prefill: str = ""
    separator: str = ""
    stop: tuple[str, ...] = ()
    chat_template_kwargs: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt's text. `special`: the tokenizer still has to add its BOS (chat templates do it)."""

    text: str
    special: bool


def names() -> list[str]:
    """The prompts that ship with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name: str) -> Prompt:
    """The shipped prompt of that name.

    Raises:
        ConfigError: there is none.
    """
    from ruamel.yaml import YAML

    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"unknown prompt '{name}'; there are {', '.join(names())}")
    return Prompt.model_validate(YAML(typ="safe").load(path))


def render(
    prompt: Prompt, problem: Problem, tokenizer: PreTrainedTokenizerBase | None = None
) -> Rendered:
    """The text that asks `problem`.

    Raises:
        DataError: a chat prompt for a tokenizer without a chat template.
    """
    # str.format would trip over the braces of LaTeX
    user = prompt.template.replace("{question}", problem.question)
    if not prompt.chat:
        return Rendered(user + prompt.prefill, special=True)
    if tokenizer is None or tokenizer.chat_template is None:
        raise DataError("this prompt asks in chat turns, but the model's tokenizer has no template")
    turns = [{"role": "user", "content": user}]
    if prompt.system is not None:
        turns.insert(0, {"role": "system", "content": prompt.system})
    text = tokenizer.apply_chat_template(
        turns, tokenize=False, add_generation_prompt=True, **prompt.chat_template_kwargs
    )
    return Rendered(str(text) + prompt.prefill, special=False)


def encode(rendered: Rendered, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The prompt's token ids, the same in sampling and in training."""
    return list(tokenizer(rendered.text, add_special_tokens=rendered.special)["input_ids"])
