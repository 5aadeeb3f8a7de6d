"""Which shipped prompts fit a model that was taught with none of ours."""

from __future__ import annotations

from reason_w2s.prompts import Prompt, load, names

OURS = "world"
"""Prompts of the procedural world: no model from elsewhere was taught with them."""


def fitting(template: str | None) -> list[str]:
    """Names of shipped prompts, best first: in chat turns for a model with a chat template, plain
    ones for a model without."""
    known = {name: load(name) for name in names() if not name.startswith(OURS)}
    if template is None:
        return [name for name, prompt in known.items() if not prompt.chat]
    fit = [name for name, prompt in known.items() if prompt.chat and _understood(prompt, template)]
    # what uses more of the template goes first
    return sorted(fit, key=lambda name: -_used(known[name]))


def hint(template: str | None) -> str:
    """The same in a sentence's end, for a message that a prompt is missing."""
    has = "a chat template" if template is not None else "no chat template"
    *first, last = fitting(template)
    return f"it has {has}: {', '.join(first)} or {last} would fit"


def _understood(prompt: Prompt, template: str) -> bool:
    """A template takes only the switches and the thinking that it speaks of itself."""
    needs = [*prompt.chat_template_kwargs, *([prompt.prefill.strip()] if prompt.prefill else [])]
    return all(need in template for need in needs)


def _used(prompt: Prompt) -> int:
    return len(prompt.chat_template_kwargs) + bool(prompt.prefill)
