"""What a gap is called follows from how its ceiling is trained, and from what."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.ceilings import measure_of
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from tests.runs.small import RECIPE, TRAIN, project

RL = """\
  best:
    train:
      objective: grpo
      init: student
      of: train
      reward: check
      batch: 8
      updates: 1
      trainer: {num_generations: 4}
"""
TWO = RECIPE.replace("problems:", "  student: {path: nobody/strong, prompt: qa}\nproblems:", 1)
EVALUATED = """\
evaluate:
  suites: [suite.yaml]
  models: {weak: weak, student: student, tuned: tuned, best: best}
  gaps: {share: {base: student, reached: tuned, ceiling: best}}
"""
SOUND = TWO + TRAIN + RL + EVALUATED


def plan(folder, text=SOUND):
    return load_plan(project(folder, text), seed=None)[0]


def test_rl_from_the_base_is_rgr(tmp_path):
    found = plan(tmp_path)
    assert measure_of(found, found.gaps["share"]) == "RGR"
    assert gold_use(found, "best") == {GoldUse("train", "answers")}


def test_from_below_it_is_pgr(tmp_path):
    found = plan(tmp_path, SOUND.replace("base: student", "floor: weak"))
    assert measure_of(found, found.gaps["share"]) == "PGR"


def test_a_base_that_is_asked_otherwise_is_the_same_base(tmp_path):
    asked = "  asked: {prompted: {model: student, prompt: zero_shot_cot}}\nevaluate:"
    text = SOUND.replace("evaluate:", asked).replace("student: student,", "student: asked,")
    found = plan(tmp_path, text)
    assert measure_of(found, found.gaps["share"]) == "RGR"


def test_rl_used_from_another_recipe_is_that_of_the_same_model(tmp_path):
    text = SOUND.replace(RL, "  best: {use: {recipe: other.yaml, step: best}}\n")
    project(tmp_path)
    (tmp_path / "other.yaml").write_text(TWO.replace("name: small", "name: other") + RL)
    found = plan(tmp_path, text)
    assert found.steps["best"].roles == {"init": "best/student"}
    assert measure_of(found, found.gaps["share"]) == "RGR"
    other = (TWO + RL).replace("nobody/strong", "nobody/stronger")
    (tmp_path / "other.yaml").write_text(other)
    with pytest.raises(ConfigError, match="is trained from 'best/student', which is not the base"):
        plan(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("init: student\n", "init: tuned\n", "trained from 'tuned', which is not the base"),
        ("ceiling: best}", "ceiling: best, ceiling_by: gold_sft}", "trained here by RL"),
        ("      reward: check\n", "", "grpo needs a reward; say reward: check"),
        ("reward: check", "reward: chek", "expected check, or its settings"),
        ("reward: check", "reward: {knd: number}", "unknown key 'knd'; did you mean 'kind'?"),
        ("of: train\n", "of: chosen\n", "grpo samples by itself and needs problems, got traces"),
        ("reward: check", "reward: check\n      target: solution", "target: solution needs"),
        ("reward: check", "reward: check\n      teacher: weak", "grpo follows no teacher"),
        ("batch: 8", "batch: 6", "batch 6 completions are no multiple of trainer.num_generations"),
        ("objective: grpo", "objective: distillation", "num_generations"),
        ("init: weak, of: chosen", "init: weak, reward: check, of: chosen", "sft takes no reward"),
        ("data.jsonl}", "data.jsonl, labels: audit}", "labels: audit; only labels: gold"),
        ("data.jsonl}", "data.jsonl, labels: none}", "labels: none; only labels: gold"),
    ],
)
def test_what_is_no_ceiling_or_no_rl(tmp_path, old, new, said):
    chosen = "where: {graded.correct: true}, per: problem, take: 1"
    text = SOUND.replace(chosen, "where: {finish_reason: stop}")
    text = text[: text.index("  pairs:")] + text[text.index(TRAIN) :]
    assert old in text
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        plan(tmp_path, text.replace(old, new))


def test_distillation_needs_a_teacher_and_no_labels(tmp_path):
    opd = "  best: {train: {objective: distillation, init: student, of: train, teacher: weak, batch: 4, updates: 1}}\n"  # noqa: E501
    text = SOUND.replace(RL, opd).replace("data.jsonl}", "data.jsonl, labels: none}")
    text = text.replace("where: {graded.correct: true}, ", "")
    text = text[: text.index("  pairs:")] + text[text.index(TRAIN) :]
    text = text[: text.index("  gaps:")]
    found = plan(tmp_path, text)
    assert gold_use(found, "best") == set()
    assert found.steps["best"].roles["teacher"] == "weak"
    with pytest.raises(ConfigError, match="distillation needs a teacher; name a model"):
        plan(tmp_path, text.replace("teacher: weak, ", ""))
