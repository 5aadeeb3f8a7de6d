"""Reward models and distilled scorers: losses by hand, any profile, and scored as trained."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, model_folder
from reason_w2s.engines.headed import gives_scores
from reason_w2s.engines.reward import RewardScorer, load_reward_model
from reason_w2s.errors import ConfigError
from reason_w2s.train import losses, regress, reward
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from reason_w2s.train.examples import dpo_rows, value_rows
from tests.conftest import make_tokenizer
from tests.train.runs import PROMPT, preferences, run, uneven, values, weights

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
pytest.importorskip("trl")

LORA = Lora(r=4, alpha=8)
DATA = {"reward": preferences, "regress": values}


def settings(objective: str, **changes: object) -> TrainSettings:
    trainer = {"learning_rate": 1e-3, "warmup_steps": 0, "weight_decay": 0.0}
    return TrainSettings(
        **{"objective": objective, "batch": 12, "updates": 4, "trainer": trainer, **changes}
    )


def texts(model: Path, objective: str) -> list[list[int]]:
    """What the model reads of its examples; of pairs the chosen ones first."""
    tokenizer = model_folder.load_tokenizer(model)
    if objective == "regress":
        return [
            regress.columns(row)["input_ids"] for row in value_rows(values(), PROMPT, tokenizer)
        ]
    rows = [reward.columns(row) for row in dpo_rows(preferences(), PROMPT, tokenizer)]
    return [row[side] for side in ("chosen_ids", "rejected_ids") for row in rows]


def scored(model: torch.nn.Module, rows: list[list[int]]) -> list[float]:
    with torch.inference_mode():
        return [float(model(input_ids=torch.tensor([row])).logits) for row in rows]


def test_a_squared_distance_by_hand() -> None:
    scores = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)
    assert losses.squared(scores, targets).tolist() == [0.25, 4.0, 0.0]
    assert torch.autograd.gradcheck(lambda one: losses.squared(one, targets), scores)


def test_the_first_losses_are_those_by_hand(tiny_model: Path, tmp_path: Path) -> None:
    start = load_reward_model(tiny_model, "float32", head=7)
    chosen = scored(start, texts(tiny_model, "reward"))
    sides = zip(chosen[:24], chosen[24:], strict=True)
    pairs = [math.log1p(math.exp(-(good - bad))) for good, bad in sides]
    stats = run(tiny_model, tmp_path / "rm", settings("reward", batch=24, updates=1))
    assert stats.log[0]["loss"] == pytest.approx(sum(pairs) / 24, rel=1e-4)
    found = scored(start, texts(tiny_model, "regress"))
    apart = [(one - row.value) ** 2 for one, row in zip(found, values(), strict=True)]
    stats = run(tiny_model, tmp_path / "small", settings("regress", batch=24, updates=1))
    assert stats.log[0]["loss"] == pytest.approx(sum(apart) / 24, rel=1e-4)


@pytest.mark.parametrize("objective", ["reward", "regress"])
@pytest.mark.parametrize("lora", [None, LORA])
def test_micro_batches_change_nothing(tiny_model, tmp_path, objective, lora) -> None:
    what, data = settings(objective, lora=lora), DATA[objective](of=uneven)
    one, three = TrainProfile(threads=1), TrainProfile(threads=1, micro_batch=3)
    whole = run(tiny_model, tmp_path / "1", what, profile=one, data=data)
    parts = run(tiny_model, tmp_path / "4", what, profile=three, data=data)
    first, second = ([entry["loss"] for entry in stats.log] for stats in (whole, parts))
    assert second == pytest.approx(first, rel=1e-4)
    first, second = (weights(tmp_path / folder / "out") for folder in ("1", "4"))
    assert first.keys() == second.keys()
    assert all(torch.allclose(first[name], second[name], atol=1e-5) for name in first)


@pytest.mark.parametrize("objective", ["reward", "regress"])
@pytest.mark.parametrize("lora", [None, LORA])
def test_what_is_learned_is_scored_from_the_folder(tiny_model, tmp_path, objective, lora) -> None:
    run(tiny_model, tmp_path, settings(objective, updates=40, batch=24, lora=lora))
    folder = tmp_path / "out"
    assert gives_scores(folder)
    assert "text-classification" in (folder / "README.md").read_text()
    rows = texts(tiny_model, objective)
    found = dict(RewardScorer(folder, EngineSettings(dtype="float32")).scores(rows))
    if objective == "reward":
        assert sum(found[at] > found[at + 24] for at in range(24)) == 24
    else:
        wanted = [row.value for row in values()]
        error = sum((found[at] - wanted[at]) ** 2 for at in range(24)) / 24
        mean = sum(wanted) / 24
        assert error < 0.5 * sum((one - mean) ** 2 for one in wanted) / 24


def test_seeds_differ_in_their_heads_alone(tiny_model: Path, tmp_path: Path) -> None:
    trainer = {"learning_rate": 0.0, "warmup_steps": 0}
    what = settings("reward", updates=1, trainer=trainer)
    run(tiny_model, tmp_path / "a", what)
    run(tiny_model, tmp_path / "b", what, seed=8)
    one, two = (weights(tmp_path / name / "out") for name in ("a", "b"))
    assert [name for name in one if not torch.equal(one[name], two[name])] == ["score.weight"]


def test_a_reward_model_goes_on_being_one(tiny_model: Path, tmp_path: Path) -> None:
    run(tiny_model, tmp_path / "a", settings("reward", lora=LORA))
    run(tmp_path / "a" / "out", tmp_path / "b", settings("regress", updates=1))
    found = json.loads((tmp_path / "b" / "out" / "config.json").read_text())
    assert found["architectures"] == ["LlamaForSequenceClassification"]


def test_a_setting_of_the_other_loss_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    trainer = {"learning_rate": 1e-3, "center_rewards_coefficient": 0.01}
    with pytest.raises(ConfigError, match="center_rewards_coefficient: is for objective: reward"):
        run(tiny_model, tmp_path, settings("regress", trainer=trainer))


def encoder(folder: Path) -> Path:
    """A random ModernBERT of width 32 over the tests' words, with its kind of special tokens."""
    from tokenizers import processors
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    tokenizer = make_tokenizer()
    tokenizer.add_special_tokens({"cls_token": "[CLS]", "sep_token": "[SEP]"})
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    tokenizer.eos_token = None
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        initializer_range=0.3,
        initializer_cutoff_factor=2.0,
        pad_token_id=0,
        cls_token_id=cls,
        sep_token_id=sep,
        bos_token_id=None,
        eos_token_id=None,
    )
    ModernBertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_an_encoder_reads_question_and_answer_as_a_pair(tmp_path: Path) -> None:
    model = encoder(tmp_path / "encoder")
    run(model, tmp_path / "small", settings("regress", updates=40, batch=24))
    folder = tmp_path / "small" / "out"
    tokenizer = model_folder.load_tokenizer(folder)
    rows = [regress.columns(row)["input_ids"] for row in value_rows(values(), PROMPT, tokenizer)]
    # [CLS] question [SEP] answer [SEP]; a cut answer has no end
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert [row[0] for row in rows] == [cls] * 24
    ended = [one.answer.ends for one in values()]
    assert [row.count(sep) for row in rows] == [1 + end for end in ended]
    found = dict(RewardScorer(folder, EngineSettings(dtype="float32")).scores(rows))
    alone = load_reward_model(folder, "float32")
    assert [found[at] for at in range(24)] == pytest.approx(scored(alone, rows), abs=1e-5)
    wanted = [row.value for row in values()]
    assert all((found[at] > 0.25) == (wanted[at] > 0.25) for at in range(24))
