"""The reward, alone and inside a real GRPO step of TRL."""

from __future__ import annotations

import math
import pickle

import pytest

from reason_w2s.answers.reward import Reward, reward, reward_for
from reason_w2s.errors import ConfigError

UNDECIDED_GOLD = ""


def said(*texts):
    return [[{"role": "assistant", "content": text}] for text in texts]


def test_right_wrong_nothing_and_undecided():
    texts = ["#### 3", "\\boxed{4}", "I do not know.", "#### 3", ""]
    golds = ["3", "3", "3", UNDECIDED_GOLD, None]
    expected = [1.0, 0.0, 0.0, None, None]
    assert reward(prompts=[""] * 5, completions=texts, solution=golds) == expected
    assert reward([""] * 5, said(*texts), solution=golds, completion_ids=[[1]] * 5) == expected


def test_the_last_message_that_says_something_counts():
    calls = [{"role": "assistant", "content": "#### 9"}, {"role": "tool", "content": "#### 3"}]
    parts = [{"role": "assistant", "content": [{"type": "text", "text": "#### "}, {"text": "3"}]}]
    empty = [{"role": "assistant", "content": "#### 3"}, {"role": "assistant", "content": ""}]
    silent = [{"role": "assistant", "content": None}]
    given = [calls, parts, empty, silent, [], None]
    assert reward(completions=given, solution=["3"] * 6) == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_a_gold_may_be_a_whole_solution():
    golds = ["2 + 1 = 3\n#### 3", "First $x$, so $\\boxed{3}$.", 3, 3.0, ["7", "3"]]
    assert reward(completions=["#### 3"] * 5, solution=golds) == [1.0] * 5


def test_a_column_of_ones_own():
    mine = reward_for("gold", options="choices", name="exact")
    found = mine(completions=["(B)", "(A)"], gold=["4", "4"], choices=[["3", "4"], ["3", "4"]])
    assert found == [1.0, 0.0]
    assert (mine.__name__, reward.__name__) == ("exact", "answer")
    assert reward_for(rel_tol=0.01)(completions=["#### 1.001"], solution=["1"]) == [1.0]


def test_a_missing_column_is_named():
    with pytest.raises(ConfigError, match=r"no column 'solution'.*has: answer"):
        reward(completions=["x"], answer=["3"], trainer_state=object())
    with pytest.raises(ConfigError, match="kind: unknown"):
        reward_for(kind="no such")
    with pytest.raises(ConfigError, match="2 responses, 1 golds"):
        reward(completions=["x", "y"], solution=["3"])


def test_it_travels_between_processes():
    mine = reward_for("gold", kind="number")
    assert pickle.loads(pickle.dumps(mine)) == mine == Reward("gold", "number")


def test_what_is_logged():
    extra, metrics = {}, {}
    reward(
        completions=["#### 3", "hm", "#### 3", "#### 4"],
        solution=["3", "3", UNDECIDED_GOLD, "3"],
        log_extra=extra.__setitem__,
        log_metric=metrics.__setitem__,
    )
    assert extra["answer_extracted"] == ["3", None, "3", "4"]
    assert extra["answer_status"] == ["correct", "no_answer", "unparseable_gold", "wrong"]
    assert metrics == {"answer_undecided": 0.25}


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("chat", [False, True])
def test_a_real_grpo_step(tiny_model, tmp_path, chat):
    trl = pytest.importorskip("trl")
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    question = "Question: 1 + 2 Answer:"
    if chat:
        tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
        question = [{"role": "user", "content": question}]
    seen, mine = [], reward_for("gold", kind="number")

    def record(**given):
        seen.append(list(zip(given["gold"], mine(**given), strict=True)))
        return [value for _, value in seen[-1]]

    rows = [{"prompt": question, "gold": gold} for gold in ("3", "7", UNDECIDED_GOLD, "9")]
    trainer = trl.GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model),
        reward_funcs=[mine, record],
        args=trl.GRPOConfig(
            output_dir=str(tmp_path),
            per_device_train_batch_size=16,
            num_generations=4,
            max_completion_length=12,
            max_steps=2,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            bf16=False,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    logged = trainer.state.log_history[0]
    given = [value for _, value in seen[0] if value is not None]
    assert all(value is None for gold, value in seen[0] if gold == UNDECIDED_GOLD)
    assert (len(seen), len(seen[0])) == (2, 16)
    assert logged["rewards/answer/mean"] == pytest.approx(sum(given) / len(given))
    assert logged["rewards/record/mean"] == logged["rewards/answer/mean"]
    assert logged["answer_undecided"] == pytest.approx(1 - len(given) / 16)
    assert math.isfinite(logged["loss"])
