"""GRPO through TRL: the checker decides what is learned, and a killed run follows its own curve."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from reason_w2s.engines import model_folder
from reason_w2s.errors import ConfigError, DataError
from reason_w2s.prompts import Prompt
from reason_w2s.records import Problem
from reason_w2s.train import rollouts
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from reason_w2s.train.examples import prompt_ids, stream
from tests.train.runs import PROMPT, assert_dies, digits, sample_while_training

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")

GROUP, MOST = 8, 6


def settings(trainer: dict[str, Any] | None = None, **changes: Any) -> TrainSettings:
    options = {
        "learning_rate": 5e-3,
        "num_generations": GROUP,
        "max_completion_length": MOST,
        "warmup_steps": 0,
        **(trainer or {}),
    }
    given = {"objective": "grpo", "batch": 32, "updates": 50, "reward": {"kind": "number"}}
    return TrainSettings(**{**given, "trainer": options, **changes})


@pytest.fixture
def rollout(monkeypatch) -> list[tuple[list[list[int]], list[list[int]]]]:
    """(prompts, completions) of every generation, as TRL had them."""
    seen = []
    real = trl.GRPOTrainer._generate

    def watched(self: Any, prompts: Any) -> Any:
        found = real(self, prompts)
        seen.append((found[0], found[1]))
        return found

    monkeypatch.setattr(trl.GRPOTrainer, "_generate", watched)
    return seen


def rewards(stats: Any) -> list[float]:
    return [entry["reward"] for entry in stats.log if "reward" in entry]


def test_what_is_rewarded_is_learned(tiny_model: Path, tmp_path: Path) -> None:
    stats = sample_while_training(tiny_model, tmp_path, settings())
    assert sum(rewards(stats)[:5]) / 5 < 0.2
    assert sum(rewards(stats)[-5:]) / 5 > 0.8


def test_rewards_dealt_at_random_teach_nothing(tiny_model, tmp_path, monkeypatch) -> None:
    """The same, with each batch's rewards shuffled among its completions."""
    from reason_w2s.answers.reward import Reward

    real, dice = Reward.__call__, random.Random(0)

    def shuffled(self: Reward, *given: Any, **named: Any) -> list[float | None]:
        found = real(self, *given, **named)
        dice.shuffle(found)
        return found

    monkeypatch.setattr(Reward, "__call__", shuffled)
    stats = sample_while_training(tiny_model, tmp_path, settings())
    assert sum(rewards(stats)[-5:]) / 5 < 0.3


def test_it_asks_with_the_prompts_of_sampling_and_counts_its_tokens(tiny_model, tmp_path, rollout):
    """Each problem once before any comes again, `batch` completions an update, in groups."""
    stats = sample_while_training(tiny_model, tmp_path, settings(updates=5))
    tokenizer = model_folder.load_tokenizer(tiny_model)
    order = stream(16, 5 * 4, 7)
    asked = [prompt_ids(digits()[at], PROMPT, tokenizer) for at in order]
    expected = [ids for ids in asked for _ in range(GROUP)]
    assert [ids for prompts, _ in rollout for ids in prompts] == expected
    completions = [ids for _, found in rollout for ids in found]
    assert all(ids[-1] == 1 or len(ids) == MOST for ids in completions), "an end, or the limit"
    assert not any(1 in ids[:-1] for ids in completions)
    assert stats.generated == stats.tokens == sum(map(len, completions))
    assert (stats.updates, stats.examples) == (5, 16)


def test_an_epoch_asks_each_problem_once(tiny_model, tmp_path, rollout) -> None:
    given = settings({"num_train_epochs": 1}, updates=None)
    assert sample_while_training(tiny_model, tmp_path, given).updates == 4
    assert sum(len(found) for _, found in rollout) == 16 * GROUP


def test_one_sampling_for_several_updates(tiny_model, tmp_path, rollout) -> None:
    given = settings({"generation_batch_size": 64, "num_iterations": 2}, updates=8, batch=16)
    stats = sample_while_training(tiny_model, tmp_path, given)
    assert [len(found) for _, found in rollout] == [64]
    assert stats.updates == 8
    assert stats.tokens == 2 * stats.generated


def test_a_stop_string_of_the_prompt_ends_a_completion(tiny_model, tmp_path, rollout) -> None:
    prompt = Prompt(template="Question: {question} Answer:", stop=("7",))
    sample_while_training(tiny_model, tmp_path, settings(updates=6), prompt=prompt)
    seven = model_folder.load_tokenizer(tiny_model).convert_tokens_to_ids("7")
    completions = [ids for _, found in rollout for ids in found]
    assert any(ids[-1] == seven for ids in completions)
    assert not any(seven in ids[:-1] for ids in completions)
    assert rollouts.said("so 3 7 4", ("7", "3 ")) == "so "
    given = settings({"mask_truncated_completions": True})
    with pytest.raises(ConfigError, match="stop strings"):
        sample_while_training(tiny_model, tmp_path / "b", given, prompt=prompt)


def test_a_reference_holds_it_back_and_an_adapter_learns(tiny_model, tmp_path) -> None:
    given = settings({"beta": 0.1}, lora=Lora(r=4, alpha=8), updates=8)
    stats = sample_while_training(tiny_model, tmp_path, given)
    assert stats.log[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert stats.log[-1]["kl"] > 1e-3
    assert model_folder.is_adapter(tmp_path / "out")


@pytest.mark.slow
def test_killed_mid_way_the_curve_is_the_same(tiny_model: Path, tmp_path: Path) -> None:
    what = settings({"generation_batch_size": 64}, updates=10)
    where = TrainProfile(threads=1, save_updates=3)
    whole = sample_while_training(tiny_model, tmp_path / "whole", what, profile=where)
    cut = tmp_path / "cut"
    assert_dies(7, sample_while_training, tiny_model, cut, what, profile=where)
    work = cut / "work"
    # every third update is none of those after which completions are drawn anew
    assert {path.name for path in work.glob("checkpoint-*")} == {"checkpoint-4"}
    resumed = sample_while_training(tiny_model, cut, what, profile=where)
    assert rewards(resumed) == rewards(whole)
    assert losses(resumed) == pytest.approx(losses(whole), abs=1e-6)
    assert resumed.generated == whole.generated


def losses(stats: Any) -> list[float]:
    return [entry["loss"] for entry in stats.log]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (settings(batch=20), "batch 20 completions are no multiple of trainer.num_generations 8"),
        (settings({"num_generations": 1}), "2 or more"),
        (settings({"generation_batch_size": 48}), "48 is no multiple of batch 32"),
        (settings({"max_completion_length": 126}), "set it to 123"),
        (settings({"steps_per_generation": 2}), "belongs to"),
        (settings({"use_vllm": True}), "`rollouts` in launch/profiles"),
        (settings({"num_generation": 4}), "did you mean 'num_generations'"),
    ],
)
def test_what_cannot_be_shared_out_or_fitted_is_said_first(tiny_model, tmp_path, given, said):
    with pytest.raises(ConfigError, match=said):
        sample_while_training(tiny_model, tmp_path, given)


def test_problems_without_gold_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    problems = [*digits(), Problem(id="x", question="1 + 1")]
    with pytest.raises(DataError, match="1 of 17 problems have no gold answer"):
        sample_while_training(tiny_model, tmp_path, settings(), problems=problems)


def test_vllm_needs_a_gpu() -> None:
    with pytest.raises(ValueError, match="rollouts: vllm needs device: cuda"):
        TrainProfile(rollouts="vllm")
    found = rollouts.arguments(TrainProfile(device="cuda", rollouts="vllm", rollout_memory=0.2))
    assert found["vllm_gpu_memory_utilization"] == 0.2
    assert (found["use_vllm"], found["vllm_mode"]) == (True, "colocate")
