"""KTO through TRL: the loss by hand, its mismatched pairs, and that no profile changes it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, model_folder
from reason_w2s.errors import ConfigError
from reason_w2s.train.arguments import accumulation
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from reason_w2s.train.examples import kto_rows
from reason_w2s.train.kto import mismatched
from tests.train.runs import PROMPT, run, verdicts, weights

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
pytest.importorskip("trl")

BETA, WANTED, UNWANTED = 0.5, 1.5, 0.75


def settings(**changes: object) -> TrainSettings:
    trainer = {
        "learning_rate": 1e-3,
        "beta": BETA,
        "desirable_weight": WANTED,
        "undesirable_weight": UNWANTED,
        "warmup_steps": 0,
        "weight_decay": 0.0,
    }
    return TrainSettings(
        **{"objective": "kto", "batch": 24, "updates": 1, "trainer": trainer, **changes}
    )


def rows_of(model: Path) -> list[dict[str, list[int]]]:
    return kto_rows(verdicts(), PROMPT, model_folder.load_tokenizer(model))


def test_rows_learn_what_was_sampled_and_a_cut_answer_learns_no_end(tiny_model: Path) -> None:
    end = model_folder.load_tokenizer(tiny_model).eos_token_id
    rows = rows_of(tiny_model)
    assert [row["label"] for row in rows[:3]] == [[1], [1], [0]]
    assert [row["completion_ids"][-1] == end for row in rows[:3]] == [True, True, False]


def test_each_question_is_mismatched_within_its_batch() -> None:
    rows = [{"prompt_ids": [at], "completion_ids": [10 + at], "label": [at % 2]} for at in range(5)]
    found = list(mismatched(rows, 3))
    assert [row["KL_completion_ids"] for row in found] == [[12], [10], [11], [14], [13]]
    assert [row["label"] for row in found] == [False, True, False, True, False]


def test_the_first_loss_is_the_one_by_hand(tiny_model, other_tiny_model, tmp_path: Path) -> None:
    """Equations 7 and 8 of arXiv 2402.01306, with log-probabilities of our own scorer."""
    stats = run(tiny_model, tmp_path, settings(), ref=other_tiny_model)
    rows = streamed(rows_of(tiny_model))
    asked = [(row["prompt_ids"], row["completion_ids"]) for row in rows]
    other = [(row["prompt_ids"], row["KL_completion_ids"]) for row in mismatched(rows, 24)]
    ratio, drift = (log_ratios(tiny_model, other_tiny_model, which) for which in (asked, other))
    zero = drift.mean().clamp(min=0)
    wanted = torch.tensor([row["label"] == [1] for row in rows])
    losses = torch.where(
        wanted,
        WANTED * (1 - torch.sigmoid(BETA * (ratio - zero))),
        UNWANTED * (1 - torch.sigmoid(BETA * (zero - ratio))),
    )
    assert losses.std() > 0.01
    assert stats.log[0]["loss"] == pytest.approx(float(losses.mean()), rel=1e-4)
    assert stats.log[0]["kl"] == pytest.approx(float(zero), rel=1e-4, abs=1e-5)


def streamed(rows):
    from reason_w2s.train.examples import stream

    return [rows[at] for at in stream(len(rows), 24, 7)]


def log_ratios(model: Path, reference: Path, asked):
    """log p(answer) under the model less that under the reference, nats."""
    from reason_w2s.engines.scorer import HfScorer

    sums = []
    for folder in (model, reference):
        lines = HfScorer(folder, EngineSettings(dtype="float32")).logprobs(asked)
        sums.append(torch.tensor([sum(line) for line in lines]))
    return sums[0] - sums[1]


BARE = """
import json, sys
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import KTOConfig, KTOTrainer

class Tokenised(KTOTrainer):
    # the very ids; TRL's own pairing of them stays
    def _prepare_dataset(self, dataset, processing_class, args, name):
        def pair(some):
            ids = some["completion_ids"]
            return {"KL_completion_ids": [ids[-1]] + ids[:-1]}
        return dataset.map(pair, batched=True, batch_size=args.per_device_train_batch_size)

model, ref, rows, out, options = sys.argv[1:]
load = lambda path: AutoModelForCausalLM.from_pretrained(path, dtype="float32")
args = KTOConfig(out, use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none",
                 save_strategy="no", logging_steps=1, max_length=None, disable_tqdm=True,
                 dataloader_pin_memory=False, **json.loads(options))
trainer = Tokenised(load(model), load(ref), args, train_dataset=Dataset.from_list(json.loads(rows)),
                    processing_class=AutoTokenizer.from_pretrained(model))
trainer.train()
print("LOSSES" + json.dumps([one["loss"] for one in trainer.state.log_history if "loss" in one]))
sys.stdout.flush()
import os; os._exit(0)  # arrow's threads may outlive a short process
"""


@pytest.mark.slow
def test_a_bare_trl_script_has_the_same_losses(tiny_model, other_tiny_model, tmp_path) -> None:
    """Where one process takes a batch in one pass, TRL's pairs and drift are ours."""
    ours = run(tiny_model, tmp_path / "ours", settings(updates=3), ref=other_tiny_model)
    from reason_w2s.train.examples import stream

    rows = rows_of(tiny_model)
    rows = [{**rows[at], "label": rows[at]["label"] == [1]} for at in stream(len(rows), 3 * 24, 7)]
    options = {**settings().trainer, "per_device_train_batch_size": 24, "max_steps": 3, "seed": 7}
    paths = [str(tiny_model), str(other_tiny_model), json.dumps(rows), str(tmp_path / "bare")]
    command = [sys.executable, "-c", BARE, *paths, json.dumps(options)]
    bare = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "LOSSES" in bare.stdout, bare.stderr[-2000:]
    losses = json.loads(bare.stdout.split("LOSSES")[1].splitlines()[0])
    assert [one["loss"] for one in ours.log] == pytest.approx(losses, abs=1e-4)


@pytest.mark.parametrize("lora", [None, Lora(r=4, alpha=8)])
def test_micro_batches_change_nothing(tiny_model: Path, tmp_path: Path, lora) -> None:
    """TRL alone takes the drift of each pass, of other pairs: there the losses differ."""
    what = settings(updates=4, batch=12, lora=lora)
    whole = run(tiny_model, tmp_path / "1", what, profile=TrainProfile(threads=1))
    parts = run(tiny_model, tmp_path / "4", what, profile=TrainProfile(threads=1, micro_batch=3))
    assert max(one["kl"] for one in whole.log) > 1e-3, "else the drift decides nothing"
    for name in ("loss", "kl"):
        one, two = ([entry[name] for entry in stats.log] for stats in (whole, parts))
        assert two == pytest.approx(one, rel=1e-4, abs=1e-5)
    one, two = (weights(tmp_path / folder / "out") for folder in ("1", "4"))
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)


def test_it_learns_to_tell_them_apart(tiny_model: Path, tmp_path: Path) -> None:
    stats = run(tiny_model, tmp_path, settings(updates=20))
    assert stats.log[-1]["rewards/margins"] > 1
    # 16 wanted of 6 tokens and the end token, 8 unwanted of 5 and none
    assert stats.tokens == 20 * (16 * 7 + 8 * 5)


def test_the_reference_may_be_scored_before(tiny_model, other_tiny_model, tmp_path: Path) -> None:
    plain = run(tiny_model, tmp_path / "1", settings(updates=2), ref=other_tiny_model)
    trainer = {**settings().trainer, "precompute_ref_log_probs": True}
    before = run(
        tiny_model, tmp_path / "2", settings(updates=2, trainer=trainer), ref=other_tiny_model
    )
    assert [e["loss"] for e in before.log] == pytest.approx(
        [e["loss"] for e in plain.log], abs=1e-5
    )


def test_without_a_drift_no_pairs_are_needed(tiny_model: Path, tmp_path: Path) -> None:
    trainer = {**settings().trainer, "loss_type": "apo_zero_unpaired"}
    stats = run(tiny_model, tmp_path, settings(updates=2, trainer=trainer))
    assert stats.log[0]["kl"] == 0


def test_one_example_in_a_pass_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="is 1 in one forward pass, and TRL wants 2"):
        accumulation(8, TrainProfile(micro_batch=1), settings().by.least)
