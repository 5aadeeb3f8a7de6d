"""Prompts: the shipped files, and how a problem becomes text."""

from __future__ import annotations

import pytest

from reason_w2s import prompts
from reason_w2s.errors import ConfigError, DataError
from reason_w2s.prompts import Prompt, Rendered, render
from reason_w2s.records import Problem

PROBLEM = Problem(id="1", question="What is \\frac{1}{2} + {x}?")


def test_there_are_prompts():
    assert {"qa", "qwen_boxed", "world", "world_think", "zero_shot_cot"} <= set(prompts.names())


@pytest.mark.parametrize("name", prompts.names())
def test_shipped_prompts_load_and_ask(name):
    prompt = prompts.load(name)
    assert "{question}" in prompt.template
    plain = prompt.model_copy(update={"chat": False})
    assert PROBLEM.question in render(plain, PROBLEM).text


def test_an_unknown_prompt_lists_those_there_are():
    with pytest.raises(ConfigError, match=r"'qb'.*qa, qwen_boxed"):
        prompts.load("qb")


def test_braces_of_latex_are_kept():
    prompt = Prompt(template="Box it in \\boxed{}: {question}", prefill=" So")
    assert render(prompt, PROBLEM) == Rendered(
        "Box it in \\boxed{}: What is \\frac{1}{2} + {x}? So", special=True
    )


class Tokenizer:
    chat_template = "yes"

    def apply_chat_template(self, turns, *, tokenize, add_generation_prompt, **options):
        assert not tokenize
        assert add_generation_prompt
        said = "".join(f"<{turn['role']}>{turn['content']}" for turn in turns)
        return f"{said}<assistant>{sorted(options.items())}"


def test_chat_turns():
    prompt = Prompt(
        template="{question}",
        system="Think {here}.",
        chat=True,
        prefill="OK",
        chat_template_kwargs={"enable_thinking": False},
    )
    found = render(prompt, Problem(id="1", question="q"), Tokenizer())
    assert found.text == ("<system>Think {here}.<user>q<assistant>[('enable_thinking', False)]OK")
    assert found.special is False
    alone = render(prompt.model_copy(update={"system": None}), PROBLEM, Tokenizer())
    assert alone.text.startswith("<user>")


@pytest.mark.parametrize("tokenizer", [None, type("T", (), {"chat_template": None})()])
def test_chat_needs_a_template(tokenizer):
    with pytest.raises(DataError, match="no template"):
        render(Prompt(template="{question}", chat=True), PROBLEM, tokenizer)
