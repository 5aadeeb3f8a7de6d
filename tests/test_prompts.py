"""Prompts: the shipped files, and how a problem becomes text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from reason_w2s import prompts
from reason_w2s.engines.model_folder import load_prompt, save_prompt
from reason_w2s.errors import ConfigError, DataError
from reason_w2s.prompts import Prompt, Rendered, Shot, encode, render
from reason_w2s.prompts.view import EXAMPLE, describe, view
from reason_w2s.recipe.prompt_file import named
from reason_w2s.records import Problem
from tests.answers.shared_data import rows as shared_rows
from tests.conftest import make_tokenizer
from tests.runs.small import main

PROBLEM = Problem(id="1", question="What is \\frac{1}{2} + {x}?")


SHIPPED = """
    gsm8k_few_shot qa qwen3_plain qwen3_thinking qwen_boxed r1_think simple world world_think
    zero_shot_cot
""".split()  # noqa: SIM905


def test_there_are_prompts():
    assert prompts.names() == SHIPPED
    assert prompts.purpose("qwen_boxed").startswith("How Qwen2.5-Math models are asked")


@pytest.mark.parametrize("name", prompts.names())
def test_shipped_prompts_load_and_ask(name):
    prompt = prompts.load(name)
    assert "{question}" in prompt.template
    plain = prompt.model_copy(update={"chat": False})
    assert PROBLEM.question in render(plain, PROBLEM).text


def test_an_unknown_prompt_lists_those_there_are():
    with pytest.raises(ConfigError, match=r"'qb'.*qa, .*qwen_boxed"):
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


def real_template(name):
    """The tests' tokenizer under a chat template that TRL ships."""
    trl = pytest.importorskip("trl")
    tokenizer = make_tokenizer()
    tokenizer.chat_template = (
        Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja"
    ).read_text(encoding="utf-8")
    return tokenizer


SHOTS = (
    Shot(question="a?", response="<think>\nhm\n</think>\n\n1"),
    Shot(question="b?", response="2"),
)


def test_shots_as_text():
    prompt = Prompt(template="Q: {question}\nA:", separator=" ", shots=SHOTS[1:], prefill=" So")
    assert render(prompt, Problem(id="1", question="c?")).text == "Q: b?\nA: 2\n\nQ: c?\nA: So"


def test_shots_become_turns():
    prompt = Prompt(template="{question} Go.", system="S", chat=True, shots=SHOTS[1:])
    found = render(prompt, Problem(id="1", question="c?"), real_template("qwen2_5"))
    assert found == Rendered(
        "<|im_start|>system\nS<|im_end|>\n"
        "<|im_start|>user\nb? Go.<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n"
        "<|im_start|>user\nc? Go.<|im_end|>\n<|im_start|>assistant\n",
        special=False,
    )


@pytest.mark.torch
@pytest.mark.parametrize(
    "template", ["deepseek_r1_distill", "deepseekv3", "qwen3", "qwen3_5_think"]
)
def test_a_template_that_deletes_a_shots_reasoning_is_refused(template):
    tokenizer = real_template(template)
    prompt = Prompt(template="{question}", chat=True, shots=SHOTS)
    with pytest.raises(DataError, match=r"deletes text from the assistant turn '<think>"):
        render(prompt, PROBLEM, tokenizer)
    kept = render(prompt.model_copy(update={"shots": SHOTS[1:]}), PROBLEM, tokenizer)
    assert "b?" in kept.text and "2" in kept.text


@pytest.mark.torch
def test_a_template_that_deletes_or_refuses_a_system_text():
    prompt = Prompt(template="{question}", system="Be terse.", chat=True)
    tokenizer = make_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"
    )
    with pytest.raises(DataError, match=r"deletes text from the system turn 'Be terse\.'"):
        render(prompt, PROBLEM, tokenizer)
    with pytest.raises(DataError, match=r"refuses this prompt: "):
        render(prompt, PROBLEM, real_template("gemma"))


@pytest.mark.torch
@pytest.mark.parametrize(
    ("template", "end"),
    [
        ("deepseek_r1_distill", "<\uff5cAssistant\uff5c><think>\n"),
        ("qwen3_5_think", "<|im_start|>assistant\n<think>\n"),
        ("qwen3", "<|im_start|>assistant\n<think>\n"),
        ("qwen2_5", "<|im_start|>assistant\n<think>\n"),
    ],
)
def test_thinking_is_opened_exactly_once(template, end):
    text = render(prompts.load("r1_think"), PROBLEM, real_template(template)).text
    assert text.endswith(end)
    assert text.count("<think>") == 1


@pytest.mark.torch
@pytest.mark.parametrize("template", ["qwen3", "qwen3_5_think", "qwen3_8"])
def test_thinking_is_switched_by_the_template(template):
    tokenizer = real_template(template)
    off = render(prompts.load("qwen3_plain"), PROBLEM, tokenizer).text
    on = render(prompts.load("qwen3_thinking"), PROBLEM, tokenizer).text
    assert off.endswith("<think>\n\n</think>\n\n")
    assert not on.rstrip().endswith("</think>")


@pytest.mark.torch
def test_the_papers_templates():
    """W2SR's three, word for word: base, instruct and simple."""
    asked = Problem(id="1", question="Why?")
    tokenizer = real_template("qwen2_5")
    steps = "Please reason step by step, and put your final answer within \\boxed{}."

    def chat(system, user):
        return (
            f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n"
            "<|im_start|>assistant\n"
        )

    base = render(prompts.load("zero_shot_cot"), asked, tokenizer).text
    assert base == chat("You are a helpful assistant.", f"Why?\n{steps}")
    assert render(prompts.load("qwen_boxed"), asked, tokenizer).text == chat(steps, "Why?")
    simple = render(prompts.load("simple"), asked).text
    assert simple == "Question:\nWhy?\nAnswer:\nLet's think step by step. "


def test_the_few_shots_are_gsm8ks_own():
    train = {row["question"]: row["solution"] for row in shared_rows("sets/gsm8k_train.jsonl.gz")}
    train = {" ".join(question.split()): solution for question, solution in train.items()}
    shots = prompts.load("gsm8k_few_shot").shots
    assert len(shots) == 8
    for shot in shots:
        assert shot.response == re.sub(r"<<[^<>]*>>", "", train[" ".join(shot.question.split())])
        assert re.search(r"\n#### \d+$", shot.response)


def test_few_shots_ask_as_qa_does():
    few, plain = (render(prompts.load(name), PROBLEM).text for name in ("gsm8k_few_shot", "qa"))
    assert few.endswith(f"\n#### 5\n\n{plain}")
    assert few.count("Question: ") == 9


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"template": "Why?"}, "must hold {question}"),
        ({"template": "{question}", "system": "s"}, "system needs chat: true"),
        (
            {"template": "{question}", "chat_template_kwargs": {"enable_thinking": True}},
            "chat_template_kwargs needs chat: true",
        ),
        ({"template": "{question}", "shot": []}, "Extra inputs"),
        ({"template": "{question}", "shots": [{"question": "q"}]}, "response"),
    ],
)
def test_what_is_no_prompt(settings, said):
    with pytest.raises(ValidationError, match=said):
        Prompt(**settings)


def test_one_stop_is_a_string():
    assert Prompt(template="{question}", stop="Q:").stop == ("Q:",)


def test_shots_are_saved_with_a_checkpoint(tmp_path):
    for name in prompts.names():
        save_prompt(tmp_path, prompts.load(name))
        assert load_prompt(tmp_path) == prompts.load(name)


def test_the_list_has_a_line_for_each():
    lines = list(view(None, None))
    assert [line.split()[0] for line in lines] == SHIPPED
    assert all(len(line.split()) > 4 for line in lines)


def test_a_plain_prompt_is_shown_as_it_is_sent():
    assert list(view(prompts.load("qa"), None)) == [f"Question: {EXAMPLE.question}\nAnswer:"]


def test_a_chat_prompt_is_shown_by_turns():
    assert list(view(prompts.load("r1_think"), None))[:2] == [
        f"user: {EXAMPLE.question}\nPlease reason step by step, and put your final answer within "
        "\\boxed{}.",
        "assistant: <think>\n",
    ]


@pytest.mark.torch
def test_with_a_model_its_tokens_are_shown(tiny_model):
    asked, counted = view(prompts.load("qa"), str(tiny_model))
    tokenizer = make_tokenizer()
    ids = encode(render(prompts.load("qa"), EXAMPLE), tokenizer)
    assert asked == tokenizer.decode(ids)
    assert "<unk>" in asked
    assert counted == rf"({len(ids)} tokens; a response ends at '<eos>' or '\nQuestion:')"


@pytest.mark.torch
def test_a_models_own_prompt_or_none(tiny_model, tmp_path):
    with pytest.raises(ConfigError, match="carries no prompt"):
        list(view(None, str(tiny_model)))
    with pytest.raises(DataError, match="no template"):
        list(view(prompts.load("qwen_boxed"), str(tiny_model)))


def test_a_description_is_one_line():
    assert describe(prompts.load("qwen_boxed")) == (
        "'{question}', in chat turns, system 'Please reason step by step, and put your final "
        "answer within \\\\boxed{}.'"
    )
    assert describe(prompts.load("gsm8k_few_shot")).endswith(", 8 shots")
    assert "\n" not in describe(prompts.load("simple"))


def test_the_command(monkeypatch, capsys):
    code, out, _ = main(["prompts"], monkeypatch, capsys)
    assert code == 0
    assert len(out.splitlines()) == len(SHIPPED)
    code, out, err = main(["prompts", "qwen_bxed"], monkeypatch, capsys)
    assert (code, out) == (2, "")
    assert err.startswith("error: unknown prompt 'qwen_bxed'") and err.count("\n") == 1


def test_the_command_takes_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text('template: "Mine: {question}"\nstop: "Q:"\n')
    code, out, _ = main(["prompts", "mine.yaml"], monkeypatch, capsys)
    assert (code, out) == (0, f"Mine: {EXAMPLE.question}\n")
    Path("bad.yaml").write_text("template: Why?\n")
    Path("key.yml").write_text('{template: "{question}", stps: x}\n')
    for name, said in {
        "bad.yaml": "the template must hold {question}",
        "key.yml": "unknown key 'stps'; did you mean 'stop'?",
        "none.yaml": "no such file",
    }.items():
        code, out, err = main(["prompts", name], monkeypatch, capsys)
        assert (code, out, err) == (2, "", f"error: {name}: {said}\n")


@pytest.mark.torch
def test_a_file_is_shown_in_a_models_tokens(tiny_model, tmp_path):
    (tmp_path / "mine.yaml").write_text('template: "{question}"\nstop: "Q:"\n')
    counted = list(view(named(str(tmp_path / "mine.yaml")), str(tiny_model)))[-1]
    assert counted.endswith("a response ends at '<eos>' or 'Q:')")
