"""On-policy distillation through TRL: its loss by hand, and whose vocabulary it asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reason_w2s.engines.hf import load_model
from reason_w2s.errors import ConfigError
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from tests.conftest import WORDS, make_model, make_tokenizer
from tests.train.runs import assert_dies, sample_while_training

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")


def settings(trainer: dict[str, Any] | None = None, **changes: Any) -> TrainSettings:
    options = {"learning_rate": 5e-3, "max_completion_length": 6, "warmup_steps": 0}
    given = {"objective": "distillation", "batch": 16, "updates": 1}
    return TrainSettings(**{**given, "trainer": {**options, **(trainer or {})}, **changes})


@pytest.fixture
def rollout(monkeypatch) -> list[tuple[list[list[int]], list[list[int]]]]:
    """(prompts, completions) of every generation, as TRL had them."""
    seen = []
    real = trl.DistillationTrainer._generate

    def watched(self: Any, prompts: Any) -> Any:
        found = real(self, prompts)
        seen.append((found[0], found[1]))
        return found

    monkeypatch.setattr(trl.DistillationTrainer, "_generate", watched)
    return seen


def divergence(student: Path, teacher: Path, prompts: Any, completions: Any) -> float:
    """Mean over completion tokens of KL(student || teacher), nats: arXiv 2306.08543, eq. 1."""
    models = [load_model(folder, "float32") for folder in (student, teacher)]
    total = tokens = 0.0
    for asked, said in zip(prompts, completions, strict=True):
        with torch.no_grad():
            own, other = (
                model(torch.tensor([asked + said])).logits[0, len(asked) - 1 : -1].log_softmax(-1)
                for model in models
            )
        total += float((own.exp() * (own - other)).sum())
        tokens += len(said)
    return total / tokens


def test_the_loss_is_the_reverse_kl_on_the_students_own_tokens(
    tiny_model, other_tiny_model, tmp_path, rollout
) -> None:
    stats = sample_while_training(tiny_model, tmp_path, settings(), teacher=other_tiny_model)
    ((prompts, completions),) = rollout
    expected = divergence(tiny_model, other_tiny_model, prompts, completions)
    assert expected > 0.5
    assert stats.log[0]["loss"] == pytest.approx(expected, rel=1e-4)
    assert stats.generated == sum(map(len, completions))
    assert len(completions) == 16, "one completion of each problem"


def test_the_student_comes_nearer(tiny_model, other_tiny_model, tmp_path) -> None:
    stats = sample_while_training(
        tiny_model, tmp_path, settings(updates=30), teacher=other_tiny_model
    )
    assert stats.log[-1]["loss"] < 0.5 * stats.log[0]["loss"]


def test_a_teacher_of_other_tokens_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    make_model(tmp_path / "other")
    path = tmp_path / "other" / "tokenizer.json"
    said = json.loads(path.read_text())
    vocabulary = said["model"]["vocab"]
    vocabulary["seven"] = vocabulary.pop("7")
    path.write_text(json.dumps(said))
    with pytest.raises(ConfigError, match=r"vocabulary of other is not the student's \(2 tokens"):
        sample_while_training(tiny_model, tmp_path, settings(), teacher=tmp_path / "other")


@pytest.mark.parametrize("more", [-2, 0, 5])
def test_padding_of_the_embedding_is_no_other_vocabulary(tiny_model, tmp_path, more) -> None:
    """Qwen2.5's sizes pad the same tokens to 151,936 or to 152,064 rows."""
    for name, size in (("student", 3), ("teacher", 3 + more)):
        model = load_model(tiny_model, "float32")
        model.resize_token_embeddings(len(WORDS) + size, mean_resizing=False)
        with torch.no_grad():
            model.get_input_embeddings().weight[len(WORDS) :] = 0
        model.save_pretrained(tmp_path / name)
        make_tokenizer().save_pretrained(tmp_path / name)
    stats = sample_while_training(
        tmp_path / "student", tmp_path, settings(), teacher=tmp_path / "teacher"
    )
    # the same model but for rows without a token, of which TRL would not take another number
    assert stats.log[0]["loss"] == pytest.approx(0, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("lora", [None, Lora(r=4, alpha=8, dropout=0.1)])
def test_killed_mid_way_the_curve_is_the_same(tiny_model, other_tiny_model, tmp_path, lora) -> None:
    what = settings({"disable_dropout": False}, updates=10, lora=lora)
    where = TrainProfile(threads=1, save_updates=3)
    teacher = {"teacher": other_tiny_model, "profile": where}
    whole = sample_while_training(tiny_model, tmp_path / "whole", what, **teacher)
    cut = tmp_path / "cut"
    assert_dies(7, sample_while_training, tiny_model, cut, what, **teacher)
    saved = {path.name for path in (cut / "work").glob("checkpoint-*")}
    assert saved == {"checkpoint-3", "checkpoint-6"}
    resumed = sample_while_training(tiny_model, cut, what, **teacher)
    assert [one["loss"] for one in resumed.log] == [one["loss"] for one in whole.log]
    assert resumed.generated == whole.generated
