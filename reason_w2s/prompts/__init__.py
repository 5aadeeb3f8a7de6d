"""Prompts as named files: how a problem becomes the text a model continues.

The files beside this module are YAML with the fields of `Prompt`. Training and sampling render
through the same two functions, `render` and `encode`, so a model is always asked the way it was
taught.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from reason_w2s.errors import ConfigError, DataError
from reason_w2s.records import Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FOLDER = Path(__file__).parent


class Shot(BaseModel):
    """An example to follow: a question and the response to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    response: str


class Prompt(BaseModel):
    """How to ask. `template` holds `{question}`; other braces are kept as they are.

    chat: render as chat turns with the model's own template, to which chat_template_kwargs are
    passed (`enable_thinking`); otherwise `template` is the text.
    shots: questions and responses put before the question: as turns, or as text with an empty line
    after each.
    prefill: text the response is made to begin with; it is part of the prompt, not of the response.
    A chat template that ends in it already is left as it is.
    separator: what is put before a response that exists as text only (a shot, a gold solution, an
    imported trace); sampled responses carry their own first token.
    stop: one string or several that end a response (not included in it).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: str
    system: str | None = None
    chat: bool = False
    shots: tuple[Shot, ...] = ()
    prefill: str = ""
    separator: str = ""
    stop: tuple[str, ...] = ()
    chat_template_kwargs: dict[str, Any] = {}

    @field_validator("stop", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _asks(self) -> Prompt:
        if "{question}" not in self.template:
            raise ValueError("the template must hold {question}")
        for key in ("system", "chat_template_kwargs"):
            if getattr(self, key) and not self.chat:
                raise ValueError(f"{key} needs chat: true; a plain prompt is its template alone")
        return self


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt's text. `special`: the tokenizer still has to add its BOS (chat templates do it)."""

    text: str
    special: bool


def names() -> list[str]:
    """The prompts that ship with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def purpose(name: str) -> str:
    """What a shipped prompt is for: the first line of its file."""
    first = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("#").strip()


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
        DataError: a chat prompt for a tokenizer without a chat template, or for one that refuses
            the turns or deletes text from them.
    """
    if not prompt.chat:
        shots = [
            f"{asking(prompt, shot.question)}{prompt.separator}{shot.response}\n\n"
            for shot in prompt.shots
        ]
        text = "".join([*shots, asking(prompt, problem.question), prompt.prefill])
        return Rendered(text, special=True)
    if tokenizer is None or tokenizer.chat_template is None:
        raise DataError("this prompt asks in chat turns, but the model's tokenizer has no template")
    text = _templated(turns(prompt, problem.question), prompt, tokenizer)
    opened = bool(prompt.prefill) and text.rstrip().endswith(prompt.prefill.strip())
    return Rendered(text if opened else text + prompt.prefill, special=False)


def asking(prompt: Prompt, question: str) -> str:
    """The template with a question in it."""
    # str.format would trip over the braces of LaTeX
    return prompt.template.replace("{question}", question)


def turns(prompt: Prompt, question: str) -> list[dict[str, str]]:
    """The chat turns up to the question, each with a `role` and its `content`."""
    found = [] if prompt.system is None else [{"role": "system", "content": prompt.system}]
    for shot in prompt.shots:
        found.append({"role": "user", "content": asking(prompt, shot.question)})
        found.append({"role": "assistant", "content": shot.response})
    return [*found, {"role": "user", "content": asking(prompt, question)}]


def _templated(
    asked: list[dict[str, str]], prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> str:
    """The turns as the model's own template writes them, none of their text missing."""
    try:
        text = str(
            tokenizer.apply_chat_template(
                asked, tokenize=False, add_generation_prompt=True, **prompt.chat_template_kwargs
            )
        )
    except TemplateError as error:
        raise DataError(f"the model's chat template refuses this prompt: {error}") from error
    for turn in asked:
        if turn["content"].strip() not in text:
            raise DataError(
                f"the model's chat template deletes text from the {turn['role']} turn "
                f"{turn['content'][:60]!r}; ask without chat turns (chat: false), or leave out of "
                f"the turn what is deleted (reasoning before </think>, a system text)"
            )
    return text


def encode(rendered: Rendered, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The prompt's token ids, the same in sampling and in training."""
    return list(tokenizer(rendered.text, add_special_tokens=rendered.special)["input_ids"])
