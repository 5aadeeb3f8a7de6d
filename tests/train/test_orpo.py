"""ORPO through TRL: the loss by hand, TRL's own odds, and that no profile changes it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, model_folder
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from reason_w2s.train.examples import dpo_rows, stream
from reason_w2s.train.orpo import columns
from tests.train.runs import PROMPT, preferences, run, uneven, weights

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
pytest.importorskip("trl")

BETA = 0.3


def settings(**changes: object) -> TrainSettings:
    trainer = {"learning_rate": 1e-3, "beta": BETA, "warmup_steps": 0, "weight_decay": 0.0}
    return TrainSettings(
        **{"objective": "orpo", "batch": 24, "updates": 1, "trainer": trainer, **changes}
    )


def rows_of(model: Path) -> list[dict[str, list[int]]]:
    return dpo_rows(preferences(), PROMPT, model_folder.load_tokenizer(model))


def test_columns_hold_the_ids_and_learn_no_prompt() -> None:
    row = {"prompt_ids": [5, 6], "chosen_ids": [7, 1], "rejected_ids": [8]}
    assert columns(row) == {
        "prompt_input_ids": [5, 6],
        "prompt_attention_mask": [1, 1],
        "chosen_input_ids": [5, 6, 7, 1],
        "chosen_attention_mask": [1, 1, 1, 1],
        "chosen_labels": [-100, -100, 7, 1],
        "rejected_input_ids": [5, 6, 8],
        "rejected_attention_mask": [1, 1, 1],
        "rejected_labels": [-100, -100, 8],
    }


def test_the_first_loss_is_the_one_by_hand(tiny_model: Path, tmp_path: Path) -> None:
    """Equations 1, 6 and 7 of arXiv 2403.07691, with log-probabilities of our own scorer."""
    from reason_w2s.engines.scorer import HfScorer

    stats = run(tiny_model, tmp_path, settings())
    scorer = HfScorer(tiny_model, EngineSettings(dtype="float32"))
    means = []
    for side in ("chosen_ids", "rejected_ids"):
        lines = scorer.logprobs([(row["prompt_ids"], row[side]) for row in rows_of(tiny_model)])
        means.append([sum(line) / len(line) for line in lines])
    odds = [[math.log(math.exp(p) / (1 - math.exp(p))) for p in side] for side in means]
    losses = [
        -chosen - BETA * math.log(1 / (1 + math.exp(-(good - bad))))
        for chosen, good, bad in zip(means[0], *odds, strict=True)
    ]
    assert stats.log[0]["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    assert stats.log[0]["logps/chosen"] == pytest.approx(sum(means[0]) / 24, rel=1e-4)
    assert stats.log[0]["nll_loss"] == pytest.approx(-sum(means[0]) / 24, rel=1e-4)


BARE = """
import json, sys
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

class Tokenised(ORPOTrainer):
    def tokenize_row(self, feature, model=None):
        return feature

model, rows, out, options = sys.argv[1:]
args = ORPOConfig(out, use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none",
                  save_strategy="no", logging_steps=1, max_length=64, disable_tqdm=True,
                  dataloader_pin_memory=False, train_sampling_strategy="sequential",
                  **json.loads(options))
trainer = Tokenised(AutoModelForCausalLM.from_pretrained(model, dtype="float32"), args,
                    train_dataset=Dataset.from_list(json.loads(rows)),
                    processing_class=AutoTokenizer.from_pretrained(model))
trainer.train()
print("LOG" + json.dumps([one for one in trainer.state.log_history if "loss" in one]))
sys.stdout.flush()
import os; os._exit(0)  # arrow's threads may outlive a short process
"""


@pytest.mark.slow
def test_a_bare_trl_script_has_the_same_odds(tiny_model: Path, tmp_path: Path) -> None:
    """All but the likelihood term, in which TRL has the prompt's tokens as well."""
    ours = run(tiny_model, tmp_path / "ours", settings()).log[0]
    rows = rows_of(tiny_model)
    rows = [columns(rows[at]) for at in stream(len(rows), 24, 7)]
    options = {**settings().trainer, "per_device_train_batch_size": 24, "max_steps": 1, "seed": 7}
    paths = [str(tiny_model), json.dumps(rows), str(tmp_path / "bare"), json.dumps(options)]
    command = [sys.executable, "-c", BARE, *paths]
    bare = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "LOG" in bare.stdout, bare.stderr[-2000:]
    (theirs,) = json.loads(bare.stdout.split("LOG")[1].splitlines()[0])
    for name in ("log_odds_ratio", "log_odds_chosen", "logps/chosen", "logps/rejected"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-4), name
    assert ours["loss"] - ours["nll_loss"] == pytest.approx(
        theirs["loss"] - theirs["nll_loss"], abs=1e-4
    )
    assert abs(ours["nll_loss"] - theirs["nll_loss"]) > 1e-2


@pytest.mark.parametrize("lora", [None, Lora(r=4, alpha=8)])
def test_micro_batches_change_nothing(tiny_model: Path, tmp_path: Path, lora) -> None:
    """TRL's likelihood term is a pass's mean over tokens: of other lengths, it would differ."""
    what, data = settings(updates=4, batch=12, lora=lora), preferences(of=uneven)
    one, three = TrainProfile(threads=1), TrainProfile(threads=1, micro_batch=3)
    whole = run(tiny_model, tmp_path / "1", what, profile=one, data=data)
    parts = run(tiny_model, tmp_path / "4", what, profile=three, data=data)
    one, two = ([entry["loss"] for entry in stats.log] for stats in (whole, parts))
    assert two == pytest.approx(one, rel=1e-4)
    one, two = (weights(tmp_path / folder / "out") for folder in ("1", "4"))
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)


def test_it_learns_and_counts_both_sides(tiny_model: Path, tmp_path: Path) -> None:
    stats = run(tiny_model, tmp_path, settings(updates=20))
    assert stats.log[-1]["loss"] < stats.log[0]["loss"] - 0.1
    assert stats.tokens == 20 * 24 * (7 + 5)
