"""Rows in TRL's columns, against rows written by hand."""

from __future__ import annotations

import pyarrow as pa
import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.export import formats
from reason_w2s.export.asking import Asking
from reason_w2s.prompts import Prompt
from reason_w2s.records import Problem
from reason_w2s.train.config import Answer, Example, PairExample

PROBLEM = Problem(id="1", question="2 + {2}?")
PLAIN = Asking("text", Prompt(template="Q: {question}\nA:", separator=" "))
BARE = Asking("messages")
USER = {"role": "user", "content": "2 + {2}?"}


def test_text_is_what_training_renders():
    example = Example(PROBLEM, Answer("4"))
    assert formats.sft_row(example, PLAIN) == {"prompt": "Q: 2 + {2}?\nA:", "completion": " 4"}
    # sampled answers carry their own first blank, or have none
    sampled = Example(PROBLEM, Answer("4", token_ids=(7,)))
    assert formats.sft_row(sampled, PLAIN)["completion"] == "4"


def test_messages_of_the_bare_question():
    assert formats.sft_row(Example(PROBLEM, Answer("4")), BARE) == {
        "prompt": [USER],
        "completion": [{"role": "assistant", "content": "4"}],
    }


def test_messages_of_a_prompt_with_system_and_prefill():
    prompt = Prompt(template="Do: {question}", system="Be brief.", chat=True, prefill="<think>\n")
    row = formats.sft_row(Example(PROBLEM, Answer("2+2</think>4")), Asking("messages", prompt))
    assert row == {
        "prompt": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Do: 2 + {2}?"},
        ],
        "completion": [{"role": "assistant", "content": "<think>\n2+2</think>4"}],
    }


def test_settings_of_the_template_go_along_with_messages():
    prompt = Prompt(
        template="{question}", chat=True, chat_template_kwargs={"enable_thinking": False}
    )
    asking = Asking("messages", prompt)
    row = formats.sft_row(Example(PROBLEM, Answer("4")), asking)
    assert row["chat_template_kwargs"] == {"enable_thinking": False}
    schema = formats.schema("sft", asking)
    assert pa.Table.from_pylist([row], schema=schema).to_pylist() == [row]


def test_shots_are_turns():
    prompt = Prompt(template="{question}", shots=({"question": "1+1", "response": "2"},))
    row = formats.sft_row(Example(PROBLEM, Answer("4")), Asking("messages", prompt))
    assert [turn["content"] for turn in row["prompt"]] == ["1+1", "2", "2 + {2}?"]


def test_a_chat_prompt_is_no_text_without_its_tokenizer():
    with pytest.raises(ConfigError, match="--as messages"):
        Asking("text", Prompt(template="{question}", chat=True)).question(PROBLEM)


class Template:
    """A tokenizer with a chat template; `adds`: it puts the begin token before any text."""

    bos_token, bos_token_id, chat_template = "<s>", 1, "there is one"

    def __init__(self, adds):
        self.adds = adds

    def __call__(self, text):
        return {"input_ids": [1, 5] if self.adds else [5]}

    def apply_chat_template(self, turns, **_):
        return f"<s>{turns[0]['content']}|"


@pytest.mark.parametrize(("adds", "text"), [(True, "2 + {2}?|"), (False, "<s>2 + {2}?|")])
def test_a_template_and_a_tokenizer_give_one_begin_token(adds, text):
    asking = Asking("text", Prompt(template="{question}", chat=True), Template(adds))
    assert asking.question(PROBLEM) == text


def test_preference_and_unpaired_preference():
    pair = PairExample(PROBLEM, Answer("4"), Answer("5", ends=False))
    assert formats.dpo_row(pair, PLAIN) == {
        "prompt": "Q: 2 + {2}?\nA:",
        "chosen": " 4",
        "rejected": " 5",
    }
    assert formats.kto_row(Example(PROBLEM, Answer("5")), False, PLAIN) == {
        "prompt": "Q: 2 + {2}?\nA:",
        "completion": " 5",
        "label": False,
    }


@pytest.mark.parametrize(
    ("first_error", "completions", "labels"),
    [
        (None, ["a", " b", "c"], [True, True, True]),
        (0, ["a"], [False]),
        (1, ["a", " b"], [True, False]),
        (2, ["a", " b", "c"], [True, True, False]),
    ],
)
def test_steps_end_with_the_first_wrong_one(first_error, completions, labels):
    example = Example(PROBLEM, Answer("a\n\n b\n  \nc\n"))
    row = formats.stepwise_row(example, [3, 9, 11], first_error, Asking("text"))
    assert row == {"prompt": "2 + {2}?", "completions": completions, "labels": labels}


@pytest.mark.parametrize("form", ["text", "messages"])
@pytest.mark.parametrize("format", ["sft", "dpo", "kto"])
def test_rows_have_the_columns_of_their_schema(format, form):
    asking = Asking(form, PLAIN.prompt)
    example, pair = Example(PROBLEM, Answer("4")), PairExample(PROBLEM, Answer("4"), Answer("5"))
    row = {
        "sft": lambda: formats.sft_row(example, asking),
        "dpo": lambda: formats.dpo_row(pair, asking),
        "kto": lambda: formats.kto_row(example, True, asking),
    }[format]()
    schema = formats.schema(format, asking)
    assert list(row) == schema.names
    assert pa.Table.from_pylist([row], schema=schema).to_pylist() == [row]
