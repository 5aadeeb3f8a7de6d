"""A prompt as a model sees it, to be looked at."""

from __future__ import annotations

from collections.abc import Iterator

from reason_w2s.engines.model_folder import find_prompt, load_tokenizer, resolve
from reason_w2s.errors import ConfigError
from reason_w2s.prompts import Prompt, encode, names, purpose, render, turns
from reason_w2s.records import Problem

EXAMPLE = Problem(
    id="example", question="Tom has 3 apples and buys 4 more. How many apples does he have?"
)


def view(prompt: Prompt | None, model: str | None) -> Iterator[str]:
    """Lines: the shipped prompts; one asking an example; with a model, as its tokenizer reads it.

    Without a prompt, a model's own: the one saved in its checkpoint.

    Raises:
        ConfigError: no such model, or one that carries no prompt.
        DataError: the model cannot be asked this way.
    """
    if prompt is None and model is None:
        width = max(map(len, names()))
        yield from (f"{one:<{width}}  {purpose(one)}" for one in names())
    elif model is not None:
        yield from _read(prompt, model)
    elif prompt is not None:
        yield from _written(prompt)


def describe(prompt: Prompt) -> str:
    """A prompt in one line: its template, and what else it brings."""
    parts = [f"{len(prompt.shots)} shots"] if prompt.shots else []
    parts += ["in chat turns"] if prompt.chat else []
    parts += [f"system {prompt.system!r}"] if prompt.system is not None else []
    parts += [f"beginning with {prompt.prefill!r}"] if prompt.prefill else []
    return ", ".join([repr(prompt.template), *parts])


def _written(prompt: Prompt) -> Iterator[str]:
    """Without a tokenizer: a chat prompt's turns by name, since only a model has a template."""
    if not prompt.chat:
        yield render(prompt, EXAMPLE).text
        return
    for turn in turns(prompt, EXAMPLE.question):
        yield f"{turn['role']}: {turn['content']}"
    yield f"assistant: {prompt.prefill}"
    yield "(chat turns: --model FOLDER shows them in its template)"


def _read(prompt: Prompt | None, model: str) -> Iterator[str]:
    folder = resolve(model)
    if prompt is None:
        saved = find_prompt(folder)
        if saved is None:
            raise ConfigError(f"{model} carries no prompt (it was not trained here); name one")
        prompt = saved[0]
    tokenizer = load_tokenizer(folder)
    ids = encode(render(prompt, EXAMPLE, tokenizer), tokenizer)
    yield str(tokenizer.decode(ids, skip_special_tokens=False))
    ends = [repr(tokenizer.eos_token), *map(repr, prompt.stop)]
    yield f"({len(ids)} tokens; a response ends at {' or '.join(ends)})"
