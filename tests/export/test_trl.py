"""What is exported, in TRL's own hands: its trainers read every format without our code."""

from __future__ import annotations

import pytest

from reason_w2s.engines.model_folder import load_tokenizer
from reason_w2s.export import formats
from reason_w2s.export.asking import Asking
from reason_w2s.export.command import export
from reason_w2s.export.source import Wish
from reason_w2s.prompts import Prompt
from reason_w2s.records import Problem
from reason_w2s.stages.train import from_traces
from reason_w2s.train import examples
from reason_w2s.train.config import Answer, Example
from tests.train import templates

trl = pytest.importorskip("trl")
datasets = pytest.importorskip("datasets")

TEMPLATE = "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} <eos>{% endfor %}"


def loaded(made, folder, step, **wish):
    _, out, _ = export(made, step, Wish(**wish), folder / "set")
    return datasets.load_dataset(str(out), cache_dir=str(folder / "cache"))["train"]


def trainer(name, data, model, folder):
    """TRL's trainer, after one update."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    tokenizer = load_tokenizer(model)
    if not isinstance(data[0]["prompt"], str):
        tokenizer.chat_template = TEMPLATE
    config = getattr(trl, f"{name}Config")(
        output_dir=str(folder / "trl"),
        max_steps=1,
        per_device_train_batch_size=2,
        use_cpu=True,
        bf16=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=1,
    )
    made = getattr(trl, f"{name}Trainer")(
        model=AutoModelForCausalLM.from_pretrained(model),
        args=config,
        train_dataset=data,
        processing_class=tokenizer,
    )
    made.train()
    assert made.state.log_history[0]["loss"] > 0
    return made


def test_the_sft_trainer_learns_what_our_training_step_learned(made, tmp_path, tiny_model):
    found = trainer("SFT", loaded(made, tmp_path, "tuned"), tiny_model, tmp_path).train_dataset
    prompt = Prompt(template="Question: {question} Answer:", separator=" ")
    ours = list(from_traces(made.rows("chosen")))
    wanted = examples.sft_rows(ours, prompt, load_tokenizer(tiny_model))
    end = load_tokenizer(tiny_model).eos_token_id
    for row, our, example in zip(found, wanted, ours, strict=True):
        # the one difference, which the card tells: TRL ends the answer that was cut as well
        extra = [] if example.answer.ends else [end]
        assert row["input_ids"] == our["input_ids"] + extra
        assert row["labels"] == our["labels"] + extra


@pytest.mark.parametrize(
    ("name", "step", "wish"),
    [
        ("SFT", "chosen", {}),
        ("SFT", "chosen", {"prompt": "ask"}),
        ("DPO", "preferred", {}),
        ("DPO", "pairs", {}),
        ("KTO", "clean", {"format": "kto"}),
        ("KTO", "clean", {"format": "kto", "prompt": "ask"}),
        ("KTO", "pairs", {"format": "kto", "prompt": "ask"}),
    ],
)
def test_trainers_take_both_forms(made, tmp_path, tiny_model, name, step, wish):
    data = loaded(made, tmp_path, step, **wish)
    conversational = "prompt" not in wish and step not in ("preferred", "tuned")
    assert trl.data_utils.is_conversational(data[0]) is conversational
    trainer(name, data, tiny_model, tmp_path)


def test_a_template_that_deletes_reasoning_cannot_touch_text():
    """What the card and `--help` warn of, with TRL's own utility and a template it ships."""
    tokenizer = templates.tokenizer("deepseek_r1_distill")
    example = Example(Problem(id="1", question="q"), Answer("<think>deep</think>4"))
    chat = formats.sft_row(example, Asking("messages"))
    text = formats.sft_row(example, Asking("text", Prompt(template="Q: {question}\n")))
    rendered = [trl.data_utils.maybe_apply_chat_template(row, tokenizer) for row in (chat, text)]
    assert "deep" not in rendered[0]["completion"]
    assert rendered[1] == text
