"""What samples while it trains: does it fit, can it be judged, what does it take?"""

from __future__ import annotations

import pytest

from reason_w2s.doctor.memory import memory
from reason_w2s.runs.profile import Profile
from reason_w2s.train.config import TrainProfile, TrainSettings
from tests.doctor.cases import RECIPE, diagnose, facts, findings, model, only, project
from tests.doctor.test_memory import BILLION, SHAPE, Shape
from tests.doctor.test_outlook import looked

pytestmark = pytest.mark.torch
pytest.importorskip("trl")

RL = (
    RECIPE[: RECIPE.index("  drawn")]
    + """\
  tuned:
    train:
      objective: grpo
      init: student
      of: train
      reward: check
      batch: 16
      updates: 15
      trainer: {num_generations: 4, max_completion_length: 512}
"""
    + RECIPE[RECIPE.index("evaluate") :]
)
OPD = RL.replace("grpo", "distillation").replace("reward: check", "teacher: weak")
OPD = OPD.replace("num_generations: 4, ", "")


def test_a_sound_one_and_what_it_asks(tmp_path):
    found = diagnose(project(tmp_path, RL), profile=Profile(train=TrainProfile(micro_batch=8)))
    assert not findings(found)
    (fact,) = facts(found, "rollouts")
    assert "completions of at most 512 (looked at: its problems)" in fact.text
    assert fact.data["prompt"] > 20
    (batch,) = facts(found, "batch")
    assert batch.text == "tuned: 1 process x 8 completions x 2 passes = 16 per update"
    (examples,) = facts(found, "examples")
    assert examples.text == (
        "tuned: 60 examples, 15 updates of 16 (4 completions each): 1.0 epochs"
    )


def test_a_completion_that_does_not_fit(tmp_path):
    path = project(tmp_path, RL)
    found = only(diagnose(path, "steps.tuned.train.trainer.max_completion_length=4090"))
    assert found.where == f"{path}: steps.tuned.train"
    assert "more than the 4096 that the model takes" in found.what
    assert found.todo.startswith("set it to ")


def test_a_teacher_of_other_tokens(tmp_path):
    assert not findings(diagnose(project(tmp_path, OPD)))
    model(tmp_path / "weak", end="<|other|>")
    found = only(diagnose(tmp_path / "recipe.yaml"))
    assert "is not the student's" in found.what
    assert "take a teacher of the student's family" in found.todo


def test_the_outlook_counts_what_is_sampled(tmp_path):
    one = looked(project(tmp_path, RL))[1]["tuned"]
    assert one.tokens_at_most == 15 * 16 * 512
    assert one.told.startswith("15 updates of 16 completions, at most 122,880 tokens sampled")


def test_memory_of_a_teacher_a_reference_and_the_completions():
    given = {"batch": 8, "updates": 1, "dtype": "bfloat16"}
    rl = TrainSettings(objective="grpo", reward={}, **given, trainer={"beta": 0.1})
    assert memory(BILLION, rl, TrainProfile(), 1).reference == 2 * 10**9
    free = rl.model_copy(update={"trainer": {}})
    assert memory(BILLION, free, TrainProfile(), 1).reference == 0
    opd = TrainSettings(objective="distillation", **given)
    assert memory(SHAPE, opd, TrainProfile(), 1, BILLION).reference == 2 * 10**9
    keys = Shape(**{**{name: getattr(SHAPE, name) for name in Shape.__slots__},
                    "layers": 3, "key": 5})  # fmt: skip
    # two bytes each for keys and values of 8 completions of 100 tokens
    assert memory(keys, opd, TrainProfile(), 100).rollouts == 2 * 2 * 5 * 3 * 100 * 8
    vllm = TrainProfile(device="cuda", rollouts="vllm")
    assert memory(keys, opd, vllm, 100).rollouts == 0
