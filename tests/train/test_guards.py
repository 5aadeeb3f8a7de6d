"""Each way to lose a run silently, done on purpose with the templates that do it."""

from __future__ import annotations

import json
import re

import pytest

from reason_w2s.engines import model_folder
from reason_w2s.errors import DataError
from reason_w2s.predicate import holds
from reason_w2s.prompts import Prompt, render
from reason_w2s.recipe.yaml_file import value
from reason_w2s.records import Problem
from reason_w2s.stages.stepcheck import StepcheckConfig, stepcheck
from reason_w2s.train import examples, guards
from reason_w2s.train.config import Answer, Example, PairExample, TrainSettings
from tests.stages.traces import group
from tests.train import runs, templates

pytestmark = pytest.mark.torch
pytest.importorskip("trl")

CHAT = Prompt(template="{question}\nPut the answer in \\boxed{}.", chat=True)
PROBLEM = Problem(id="p1", question="Tom has 3 apples and finds 4 more. How many has he?")
THOUGHT = "Okay, so Tom has 3 apples and finds 4 more, which is one sum: 3 + 4 = 7."
SAID = "Tom has 3 + 4 apples, so the answer is \\boxed{7}. That was all there is to it."
R1_END = "<\uff5cend▁of▁sentence\uff5c>"
R1 = f"{THOUGHT}\n</think>\n\n{SAID}"  # as it comes behind a prompt that opens the thought
WHOLE = f"<think>\n{R1}"


# templates that take a list of parts, images among them, and no text
SEEING = {
    name + kind for name in ("idefics3", "llava_next", "smolvlm") for kind in ("", "_training")
}


def conversation(tokenizer, text, **settings):
    """The ids of a whole conversation, rendered as most scripts do it."""
    user = CHAT.template.replace("{question}", PROBLEM.question)
    turns = [{"role": "user", "content": user}, {"role": "assistant", "content": text}]
    rendered = tokenizer.apply_chat_template(turns, tokenize=False, **settings)
    return tokenizer(rendered, add_special_tokens=False)["input_ids"]


def masked(tokenizer, ids, generation=True):
    """A row with loss on what follows the prompt alone, found by its length."""
    user = CHAT.template.replace("{question}", PROBLEM.question)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": user}], tokenize=False, add_generation_prompt=generation
    )
    size = len(tokenizer(asked, add_special_tokens=False)["input_ids"])
    return {"input_ids": ids, "labels": [-100] * size + ids[size:]}


def ours(tokenizer, text=SAID, prompt=CHAT, *, ends=True):
    """Our own row for an answer."""
    (row,) = examples.sft_rows([Example(PROBLEM, Answer(text, ends=ends))], prompt, tokenizer)
    return row


def check(row, tokenizer, text=SAID, prompt=CHAT, *, ends=True, stops=None):
    found = frozenset({tokenizer.eos_token_id}) if stops is None else stops
    data = [Example(PROBLEM, Answer(text, ends=ends))]
    guards.check_rows([row], data, prompt, tokenizer, stops=found)


def refused(said, row, tokenizer, text=SAID, prompt=CHAT, **settings):
    with pytest.raises(DataError, match=said) as caught:
        check(row, tokenizer, text, prompt, **settings)
    assert "\n" not in str(caught.value)
    assert "problem p1" in str(caught.value)


def rendered(name):
    """The tokenizer, and its prompt; None where the template refuses a question that is text."""
    tokenizer = templates.tokenizer(name)
    try:
        return tokenizer, render(CHAT, PROBLEM, tokenizer).text
    except DataError:
        return tokenizer, None


@pytest.mark.parametrize("name", sorted(set(templates.names()) - SEEING))
def test_our_rows_pass_under_every_template(name):
    tokenizer, asked = rendered(name)
    inside = asked.rfind("<think>") > asked.rfind("</think>")
    text = R1 if inside else WHOLE
    check(ours(tokenizer, text), tokenizer, text)
    check(ours(tokenizer, text, ends=False), tokenizer, text, ends=False)
    ids = tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
    sampled = [Example(PROBLEM, Answer(text, ids))]
    rows = examples.sft_rows(sampled, CHAT, tokenizer)
    guards.check_rows(rows, sampled, CHAT, tokenizer, stops=frozenset({tokenizer.eos_token_id}))


def test_every_template_of_a_language_model_was_rendered():
    assert {name for name in templates.names() if rendered(name)[1] is None} == SEEING
    assert len(templates.names()) > 50


def test_r1s_template_deletes_the_reasoning():
    tokenizer = templates.tokenizer("deepseek_r1_distill", R1_END)
    ids = conversation(tokenizer, WHOLE)
    assert "Okay" not in tokenizer.decode(ids)
    for row in (masked(tokenizer, ids, generation=False), {"input_ids": ids, "labels": ids}):
        refused("1 of 1 answers lost their beginning .*'<think> Okay, so", row, tokenizer, WHOLE)
    check(ours(tokenizer, R1), tokenizer, R1)


def test_qwen3s_template_puts_an_empty_thought_before_an_answer():
    tokenizer = templates.tokenizer("qwen3")
    row = masked(tokenizer, conversation(tokenizer, SAID))
    refused("are not learned as they were written .*'<think> </think> Tom", row, tokenizer)


def test_qwen3s_template_drops_reasoning_of_turns_before_the_last():
    tokenizer = templates.tokenizer("qwen3")
    turns = [("user", "a"), ("assistant", WHOLE), ("user", "again"), ("assistant", SAID)]
    text = tokenizer.apply_chat_template(
        [{"role": role, "content": content} for role, content in turns], tokenize=False
    )
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    refused("lost their beginning", {"input_ids": ids, "labels": ids}, tokenizer, WHOLE)


def test_a_cut_tail():
    tokenizer = templates.tokenizer("qwen2_5")
    whole = ours(tokenizer)
    for size in (len(whole["labels"]) - 2, len(whole["labels"]) - 20):
        row = {name: ids[:size] for name, ids in whole.items()}
        refused("lost their end .*there is to it.' is not learned", row, tokenizer)


def test_no_end_token():
    tokenizer = templates.tokenizer("qwen2_5")
    whole = ours(tokenizer)
    row = {name: ids[:-1] for name, ids in whole.items()}
    refused("ended by themselves but learn no end token .*im_end", row, tokenizer)
    # what a collator does that takes the end token for padding
    row = {**whole, "labels": [*whole["labels"][:-1], -100]}
    refused("or none on some answer's", row, tokenizer)


def test_an_end_token_behind_an_answer_that_was_cut():
    tokenizer = templates.tokenizer("qwen2_5")
    refused("were cut but learn an end token", ours(tokenizer), tokenizer, ends=False)


def test_loss_on_the_prompt():
    tokenizer = templates.tokenizer("qwen2_5")
    whole = ours(tokenizer)
    row = {**whole, "labels": whole["input_ids"]}
    refused("have loss on their prompt .*labels must be -100", row, tokenizer)


@pytest.mark.parametrize("more", [1, 2, 3])
def test_loss_on_the_last_tokens_of_the_prompt(more):
    tokenizer = templates.tokenizer("qwen2_5")
    whole = ours(tokenizer)
    size = whole["labels"].count(-100) - more
    row = {**whole, "labels": [-100] * size + whole["input_ids"][size:]}
    refused("loss on", row, tokenizer)


def test_no_loss_on_the_first_token_of_the_answer():
    tokenizer = templates.tokenizer("qwen2_5")
    whole = ours(tokenizer)
    size = whole["labels"].count(-100) + 1
    row = {**whole, "labels": [-100] * size + whole["input_ids"][size:]}
    refused("lost their beginning", row, tokenizer)


def test_a_prompt_that_sampling_does_not_send():
    tokenizer = templates.tokenizer("qwen2_5")
    other = CHAT.model_copy(update={"system": "Think of Tom."})
    refused(
        "asked in other tokens .*'Think of Tom.* where sampling has 'You are Q'",
        ours(tokenizer, prompt=other),
        tokenizer,
    )


def test_thoughts_that_nothing_opened():
    tokenizer = templates.tokenizer("qwen2_5")
    refused(
        "</think> without a <think>, and the prompt opens none .*prefill",
        ours(tokenizer, R1),
        tokenizer,
        R1,
    )
    check(ours(tokenizer, WHOLE), tokenizer, WHOLE)
    opening = CHAT.model_copy(update={"prefill": "<think>\n"})
    check(ours(tokenizer, R1, opening), tokenizer, R1, opening)


def test_thoughts_that_the_prompt_has_opened():
    tokenizer = templates.tokenizer("deepseek_r1_distill", R1_END)
    refused(
        "open a <think>, and the prompt has opened one", ours(tokenizer, WHOLE), tokenizer, WHOLE
    )
    refused("never close the <think> that the prompt opens", ours(tokenizer), tokenizer)
    # cut in its thought, which is how such an answer looks
    check(ours(tokenizer, THOUGHT, ends=False), tokenizer, THOUGHT, ends=False)


def test_a_prompt_that_has_closed_its_thought_opens_none():
    tokenizer = templates.tokenizer("qwen3")
    plain = CHAT.model_copy(update={"chat_template_kwargs": {"enable_thinking": False}})
    assert render(plain, PROBLEM, tokenizer).text.endswith("</think>\n\n")
    check(ours(tokenizer, prompt=plain), tokenizer, prompt=plain)


def test_an_end_token_that_no_engine_knows(tmp_path):
    """A base model ends in one token, a chat template's turn in another."""
    tokenizer = templates.tokenizer("qwen2_5", "<|endoftext|>")
    turn = tokenizer.convert_tokens_to_ids(templates.END)
    whole = ours(tokenizer)
    row = {name: [*ids[:-1], turn] for name, ids in whole.items()}
    config = tmp_path / "generation_config.json"
    (tmp_path / "config.json").write_text("{}")
    for named in (tokenizer.eos_token_id, None):
        config.write_text(json.dumps({"eos_token_id": named}))
        stops = guards.stops_of(tmp_path, tokenizer)
        refused("learn no end token .*im_end.*endoftext", row, tokenizer, stops=stops)
    config.write_text(json.dumps({"eos_token_id": [turn, 0]}))
    stops = guards.stops_of(tmp_path, tokenizer)
    assert stops == {turn, 0, tokenizer.eos_token_id}
    check(row, tokenizer, stops=stops)


def test_an_end_token_in_the_middle():
    tokenizer = templates.tokenizer("qwen2_5")
    text = f"{SAID}{templates.END}\n<|im_start|>user\nAnd 3 + 3?"
    refused("hold an end token before their end", ours(tokenizer, text), tokenizer, text)


def test_both_sides_of_a_pair_are_read():
    tokenizer = templates.tokenizer("qwen2_5")
    stops = frozenset({tokenizer.eos_token_id})
    data = [PairExample(PROBLEM, Answer(WHOLE), Answer(SAID, ends=False))]
    (row,) = examples.dpo_rows(data, CHAT, tokenizer)
    guards.check_rows([row], data, CHAT, tokenizer, stops=stops)
    for side, cut in (("chosen_ids", "lost their beginning"), ("rejected_ids", "beginning")):
        with pytest.raises(DataError, match=f"1 of 2 answers .*{cut}"):
            guards.check_rows([{**row, side: row[side][9:]}], data, CHAT, tokenizer, stops=stops)
    longer = {**row, "prompt_ids": [*row["prompt_ids"], 5]}
    shorter = {**row, "prompt_ids": row["prompt_ids"][:-1]}
    for other in (longer, shorter):
        with pytest.raises(DataError, match="other tokens than sampling"):
            guards.check_rows([other], data, CHAT, tokenizer, stops=stops)


def test_a_rejected_answer_may_think_wrongly():
    tokenizer = templates.tokenizer("qwen2_5")
    data = [PairExample(PROBLEM, Answer(SAID), Answer(R1))]
    rows = examples.dpo_rows(data, CHAT, tokenizer)
    guards.check_rows(rows, data, CHAT, tokenizer, stops=frozenset({tokenizer.eos_token_id}))


def test_no_row_may_be_lost():
    with pytest.raises(DataError, match="0 rows were made of 1 examples"):
        guards.check_rows([], [Example(PROBLEM, Answer(SAID))], CHAT, None, stops=frozenset())


def test_training_looks_at_its_rows(tiny_model, tmp_path, monkeypatch):
    """No setting of a step turns it off: the rows are read in every run."""
    made = examples.MAKERS["answers"]

    def shorter(*given):
        return [{name: ids[:-3] for name, ids in row.items()} for row in made(*given)]

    monkeypatch.setattr(examples, "MAKERS", {**examples.MAKERS, "answers": shorter})
    with pytest.raises(DataError, match="24 of 24 answers lost their end"):
        runs.run(tiny_model, tmp_path, TrainSettings(objective="sft", batch=4, updates=1))
    assert model_folder.load_prompt(tiny_model) is None
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("limit", "positions", "said"),
    [
        (
            8,
            100,
            "2 of 3 examples are longer than 8 tokens, the longest 12, .*; set trainer.max_len",
        ),
        (None, 10, "1 of 3 examples are longer than 10 tokens, the longest 12, .*; the model take"),
        (20, 10, "longer than 10 tokens"),
    ],
)
def test_nothing_is_cut_silently(limit, positions, said):
    rows = [{"input_ids": [5] * n, "labels": [5] * n} for n in (8, 9, 12)]
    with pytest.raises(DataError, match=said):
        guards.check_lengths(rows, limit, positions)


@pytest.mark.parametrize(("limit", "positions"), [(12, None), (None, 12), (None, None), (12, 99)])
def test_what_fits_passes(limit, positions):
    guards.check_lengths([{"input_ids": [5] * 12, "labels": [5] * 12}], limit, positions)


def ids(prompt, answer):
    return {"input_ids": [5] * (prompt + answer), "labels": [-100] * prompt + [5] * answer}


@pytest.mark.parametrize(
    ("rows", "positions", "said"),
    [
        ([ids(2, 3), ids(9, 3)], None, "longest 12, 9 of them its prompt; set trainer.max_length"),
        ([ids(2, 10)], 10, "longest 12, 2 of them its prompt; the model takes 10, ask with"),
        (
            [{"prompt_ids": [5] * 4, "chosen_ids": [5] * 2, "rejected_ids": [5] * 8}],
            None,
            "longest 12, 4 of them its prompt; ",
        ),
    ],
)
def test_what_is_too_long_says_how_much_of_it_asks(rows, positions, said):
    with pytest.raises(DataError, match=said) as error:
        guards.check_lengths(rows, 8, positions)
    line = str(error.value)
    assert "ask with a shorter prompt, or select shorter responses" in line
    assert "counts no prompt, and of imported traces words" in line
    assert "\n" not in line


PLAIN, OPENING = CHAT, CHAT.model_copy(update={"prefill": "<think>\n"})


@pytest.mark.parametrize(
    ("prompt", "bad", "good"),
    [(PLAIN, R1, [WHOLE, SAID]), (OPENING, WHOLE, [R1]), (OPENING, SAID, [R1])],
    ids=["unopened", "opened twice", "never closed"],
)
def test_the_predicate_a_thinking_fault_names_keeps_what_passes(prompt, bad, good):
    tokenizer = templates.tokenizer("qwen2_5")
    with pytest.raises(DataError, match="select where: ") as error:
        check(ours(tokenizer, bad, prompt), tokenizer, bad, prompt)
    (written,) = re.findall(r"where: (\{STEP\.think: .*?\}+),", str(error.value))
    condition = value(written)["STEP.think"]

    def kept(text):
        (row,) = group("p", 1, texts=[text])
        (found,) = stepcheck([row], StepcheckConfig())
        return holds(found["think"], condition)

    assert not kept(bad)
    for text in good:
        assert kept(text)
        check(ours(tokenizer, text, prompt), tokenizer, text, prompt)
