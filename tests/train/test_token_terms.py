"""Training on weighed tokens and on the cross-entropy of rewards: against our own scorer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reason_w2s.engines import EngineSettings, model_folder, vocabulary
from reason_w2s.errors import DataError
from reason_w2s.train.config import Lora, PairExample, TokenScores, TrainProfile, TrainSettings
from reason_w2s.train.examples import dpo_rows, kto_rows
from tests.train.runs import PROMPT, preferences, run, scored_preferences, uneven, verdicts, weights

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
pytest.importorskip("trl")

CRITICAL = {"name": "critical_tokens", "scores": "ce.tokens"}
ENTROPY = {"name": "cross_entropy"}
OBJECTIVES = {"critical_tokens": "dpo", "cross_entropy": "kto"}
PARTS = TrainProfile(micro_batch=3, threads=1)


def settings(loss: dict[str, Any], **changes: Any) -> TrainSettings:
    rate = {"learning_rate": 1e-3, "beta": 0.5, "warmup_steps": 0, "weight_decay": 0.0}
    objective = OBJECTIVES[loss["name"]]
    what = {"objective": objective, "batch": 24, "updates": 6, "trainer": rate, "loss": loss}
    return TrainSettings.model_validate({**what, **changes})


def data_of(loss: dict[str, Any], tokenizer: Path) -> Sequence[Any]:
    if loss is ENTROPY:
        return verdicts(of=uneven)
    return scored_preferences(tokenizer, of=uneven)


def per_token(folder: Path, asked: list[tuple[list[int], list[int]]]) -> list[list[float]]:
    from reason_w2s.engines.scorer import HfScorer

    return HfScorer(folder, EngineSettings(dtype="float32")).logprobs(asked)


def padded(lines: list[list[float]]):
    width = max(len(line) for line in lines)
    return torch.tensor([line + [0.0] * (width - len(line)) for line in lines])


def test_trl_trains_on_the_weighed_loss(
    tiny_model: Path, other_tiny_model: Path, tmp_path: Path
) -> None:
    """Before the first update, with another model as the reference, scored by our own scorer."""
    from reason_w2s.train.losses import critical_tokens_dpo

    data = scored_preferences(tiny_model)
    stats = run(
        tiny_model, tmp_path, settings(CRITICAL, updates=1), ref=other_tiny_model, data=data
    )
    rows = dpo_rows(data, PROMPT, model_folder.load_tokenizer(tiny_model))
    four = [
        padded(per_token(model, [(row["prompt_ids"], row[f"{side}_ids"]) for row in rows]))
        for model in (tiny_model, other_tiny_model)
        for side in ("chosen", "rejected")
    ]
    told = padded([row["rejected_weights"] for row in rows])
    expected = critical_tokens_dpo(*four, told, beta=0.5)
    plain = critical_tokens_dpo(*four, torch.ones_like(told), beta=0.5)
    assert stats.log[0]["loss"] == pytest.approx(float(expected.mean()), rel=1e-4)
    assert abs(expected.mean() - plain.mean()) > 0.05


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_trl_trains_on_the_cross_entropy(
    tiny_model: Path, other_tiny_model: Path, tmp_path: Path, weight: float
) -> None:
    """The same, of unpaired answers; those that are not wanted may weigh more."""
    from reason_w2s.train.losses import reward_cross_entropy

    what = settings(ENTROPY, updates=1)
    what = what.model_copy(update={"trainer": {**what.trainer, "undesirable_weight": weight}})
    stats = run(tiny_model, tmp_path, what, ref=other_tiny_model, data=verdicts())
    rows = kto_rows(verdicts(), PROMPT, model_folder.load_tokenizer(tiny_model))
    asked = [(row["prompt_ids"], row["completion_ids"]) for row in rows]
    policy, reference = (
        torch.tensor([sum(line) for line in per_token(model, asked)])
        for model in (tiny_model, other_tiny_model)
    )
    wanted = torch.tensor([row["label"] == [1] for row in rows])
    each = reward_cross_entropy(policy, reference, wanted, beta=0.5)
    expected = (each * torch.where(wanted, 1.0, weight)).mean()
    assert each.std() > 0.1
    assert stats.log[0]["loss"] == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("lora", [None, Lora(r=4, alpha=8)])
@pytest.mark.parametrize("loss", [CRITICAL, ENTROPY])
def test_micro_batches_change_nothing(
    tiny_model: Path, tmp_path: Path, loss: dict[str, Any], lora: Lora | None
) -> None:
    """Answers are of other lengths, and of other weights, in each micro batch. With LoRA the
    reference is the model with its adapter off."""
    # plain descent: Adam would blow a rounding error in a gradient near zero up to a whole step
    descent = {"optim": "sgd", "learning_rate": 0.1, "beta": 0.5, "warmup_steps": 0}
    what, data = settings(loss, trainer=descent, lora=lora), data_of(loss, tiny_model)
    whole = run(tiny_model, tmp_path / "1", what, profile=TrainProfile(threads=1), data=data)
    parts = run(tiny_model, tmp_path / "8", what, profile=PARTS, data=data)
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-5)
    assert losses(whole)[0] == pytest.approx(0.6931, abs=1e-3)
    assert losses(whole)[-1] < 0.65
    one, eight = (weights(tmp_path / name / "out") for name in ("1", "8"))
    assert all(torch.allclose(one[name], eight[name], atol=1e-5) for name in one)


def losses(stats) -> list[float]:
    return [entry["loss"] for entry in stats.log]


def test_tokens_of_no_weight_are_not_unlearned(tiny_model: Path, tmp_path: Path) -> None:
    """A score of 1 throughout leaves the rejected answer out of the loss: it is not pushed down."""
    data = scored_preferences(tiny_model)
    silent = [replace(one, scores=replace(one.scores, values=(1.0,) * 5)) for one in data]
    stats = run(tiny_model, tmp_path, settings(CRITICAL), data=silent)
    assert [entry["rewards/rejected"] for entry in stats.log] == [0.0] * 6
    assert stats.log[-1]["rewards/chosen"] > 0.1


def test_scores_are_of_the_tokens_that_are_trained_on(tiny_model: Path) -> None:
    tokenizer = model_folder.load_tokenizer(tiny_model)
    (pair,) = scored_preferences(tiny_model, 1)
    (row,) = dpo_rows([pair], PROMPT, tokenizer)
    assert row["rejected_weights"] == pytest.approx([1 - value for value in pair.scores.values])
    mark = vocabulary.fingerprint(tokenizer)
    for scores in (TokenScores((0.5,) * 4, mark), TokenScores((0.5,) * 5, "another")):
        with pytest.raises(
            DataError, match=r"problem 0: the . token scores of the rejected answer"
        ):
            dpo_rows([replace(pair, scores=scores)], PROMPT, tokenizer)


def test_plain_pairs_have_no_weights(tiny_model: Path) -> None:
    rows = dpo_rows(preferences(1), PROMPT, model_folder.load_tokenizer(tiny_model))
    assert set(rows[0]) == {"prompt_ids", "chosen_ids", "rejected_ids"}
    assert isinstance(preferences(1)[0], PairExample)


@pytest.mark.parametrize(
    ("loss", "changes", "said"),
    [
        (CRITICAL, {"objective": "sft"}, "loss: critical_tokens is for objective: dpo"),
        (CRITICAL, {"trainer": {"loss_type": "ipo"}}, "leaves no say to trainer.loss_type"),
        (ENTROPY, {"objective": "dpo"}, "loss: cross_entropy is for objective: kto"),
        (ENTROPY, {"trainer": {"precompute_ref_log_probs": True}}, "trainer.precompute_ref_log"),
    ],
)
def test_what_does_not_go_together(loss: dict[str, Any], changes: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(loss, **changes)
