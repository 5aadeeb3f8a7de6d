"""Preference training through TRL, and the loss by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, model_folder
from reason_w2s.train.config import Lora, TrainSettings
from reason_w2s.train.examples import dpo_rows
from tests.train.hand_losses import dpo_loss
from tests.train.runs import PROMPT, preferences, run

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
pytest.importorskip("trl")


def settings(**changes: object) -> TrainSettings:
    trainer = {"learning_rate": 1e-3, "beta": 0.5, "warmup_steps": 0}
    return TrainSettings(
        **{"objective": "dpo", "batch": 24, "updates": 1, "trainer": trainer, **changes}
    )


@pytest.mark.parametrize(
    ("logps", "beta", "loss"),
    [
        ((-1.0, -4.0, -2.0, -2.0), 0.5, 0.2014),  # margin 3
        ((-5.0, -7.0, -5.0, -7.0), 0.5, math.log(2)),  # margin 0
        ((-4.0, -1.0, -2.0, -2.0), 0.5, 1.7014),  # margin -3
    ],
)
def test_the_loss_by_hand(logps, beta, loss) -> None:
    chosen, rejected, ref_chosen, ref_rejected = (torch.tensor([x]) for x in logps)
    got = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta)
    assert got.tolist() == pytest.approx([loss], abs=1e-4)


def test_trls_loss_is_that_loss(tiny_model, other_tiny_model, tmp_path: Path) -> None:
    """Before the first update, with another model as the reference, scored by our own scorer."""
    from reason_w2s.engines.scorer import HfScorer

    stats = run(tiny_model, tmp_path, settings(), ref=other_tiny_model)
    rows = dpo_rows(preferences(), PROMPT, model_folder.load_tokenizer(tiny_model))
    sums = []
    for model in (tiny_model, other_tiny_model):
        scorer = HfScorer(model, EngineSettings(dtype="float32"))
        for side in ("chosen_ids", "rejected_ids"):
            lines = scorer.logprobs([(row["prompt_ids"], row[side]) for row in rows])
            sums.append(torch.tensor([sum(line) for line in lines]))
    chosen, rejected, ref_chosen, ref_rejected = sums
    expected = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta=0.5)
    assert expected.std() > 0.1
    assert stats.log[0]["loss"] == pytest.approx(float(expected.mean()), rel=1e-4)
    assert stats.log[0]["logps/chosen"] == pytest.approx(float(chosen.mean()), rel=1e-4)
    assert stats.log[0]["logps/rejected"] == pytest.approx(float(rejected.mean()), rel=1e-4)


def test_sigmoid_norm_is_delta_learnings_dpo_norm(tiny_model, other_tiny_model, tmp_path) -> None:
    """-log sigmoid(beta (mean chosen - mean rejected)), log-ratios per token (arXiv 2507.06187)."""
    from reason_w2s.engines.scorer import HfScorer

    trainer = {"learning_rate": 1e-3, "loss_type": "sigmoid_norm", "beta": 5.0}
    stats = run(tiny_model, tmp_path, settings(trainer=trainer), ref=other_tiny_model)
    rows = dpo_rows(preferences(), PROMPT, model_folder.load_tokenizer(tiny_model))
    means = []
    for model in (tiny_model, other_tiny_model):
        scorer = HfScorer(model, EngineSettings(dtype="float32"))
        for side in ("chosen_ids", "rejected_ids"):
            lines = scorer.logprobs([(row["prompt_ids"], row[side]) for row in rows])
            means.append([sum(line) / len(line) for line in lines])
    # the chosen responses have 7 tokens and the rejected ones 5: sums would say something else
    assert {len(row["chosen_ids"]) - len(row["rejected_ids"]) for row in rows} == {2}
    losses = [
        math.log1p(math.exp(-5.0 * ((chosen - ref_chosen) - (rejected - ref_rejected))))
        for chosen, rejected, ref_chosen, ref_rejected in zip(*means, strict=True)
    ]
    assert stats.log[0]["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_dpo_norm_by_hand() -> None:
    """Chosen 2 tokens at -1 and -2 (reference -2, -2), rejected 1 at -3 (reference -2.5), beta 5:
    means -1.5, -2, -3, -2.5, so 5 (.5 + .5) = 5 and -log sigmoid(5) = .0067."""
    numbers = (torch.tensor([x]) for x in (-1.5, -3.0, -2.0, -2.5))
    assert dpo_loss(*numbers, 5.0).tolist() == pytest.approx([0.00672], abs=1e-5)


def test_the_reference_is_the_start_unless_named(tiny_model: Path, tmp_path: Path) -> None:
    stats = run(tiny_model, tmp_path, settings())
    assert stats.log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)


def test_it_learns_to_prefer(tiny_model: Path, tmp_path: Path) -> None:
    stats = run(tiny_model, tmp_path, settings(updates=20))
    assert stats.log[-1]["loss"] < 0.1
    assert stats.log[-1]["rewards/accuracies"] == 1
    # both sides with their prompt-less tokens: 6 and the end token, 5 and none
    assert stats.tokens == 20 * 24 * (7 + 5)


def test_with_an_adapter_the_reference_is_the_start(tiny_model: Path, tmp_path: Path) -> None:
    stats = run(tiny_model, tmp_path, settings(lora=Lora(r=4, alpha=8), updates=10))
    assert stats.log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert stats.log[-1]["loss"] < stats.log[0]["loss"]
    assert model_folder.is_adapter(tmp_path / "out")


def test_an_adapter_as_start_and_reference(tiny_model: Path, tmp_path: Path) -> None:
    run(tiny_model, tmp_path / "1", settings(lora=Lora(r=4, alpha=8), updates=10))
    first = tmp_path / "1" / "out"
    stats = run(first, tmp_path / "2", settings())
    assert stats.log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    stats = run(tiny_model, tmp_path / "3", settings(), ref=first)
    assert abs(stats.log[0]["loss"] - math.log(2)) > 1e-3
