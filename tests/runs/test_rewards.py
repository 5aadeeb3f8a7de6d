"""Reward models and distilled scorers as steps: trained, scored by, refused as writers."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Selection
from tests.runs.small import RECIPE, again, project, run

HEADED = RECIPE.replace("{path: nobody/weak, prompt: qa}", "{path: WEAK, prompt: qa}") + (
    """\
  rm:
    for: {member: [1, 2]}
    do:
      one:
        train:
          {objective: reward, init: weak, of: pairs, seed: "${member}", batch: 2, updates: 2,
           trainer: {learning_rate: 0.01}}
      by: {score: {of: clean, kind: reward, model: one}}
  both: {combine: {of: rm.by, columns: [rm.1.by.value, rm.2.by.value], model: wco}}
  small:
    train:
      {objective: regress, init: weak, of: both, target: both.value, batch: 4, updates: 3,
       trainer: {learning_rate: 0.01}}
  by_small: {score: {of: both, kind: reward, model: small}}
"""
)


@pytest.fixture
def recipe(tmp_path, tiny_model):
    return project(tmp_path, HEADED.replace("WEAK", str(tiny_model)), n=5)


@pytest.mark.torch
def test_reward_models_score_and_are_distilled(recipe) -> None:
    pytest.importorskip("trl")
    done = run(recipe)
    one, two = (done.items[f"rm.{member}.one"] for member in (1, 2))
    assert one.digest != two.digest
    rows = list(done.rows("by_small"))
    unscored = [row for row in rows if row.columns["both.value"] is None]
    assert len(rows) > len(unscored)
    for row in rows:
        first, second = (row.columns[f"rm.{member}.by.value"] for member in (1, 2))
        if row.columns["both.value"] is None:
            assert first is second is None
        else:
            assert row.columns["both.value"] == min(first, second)
            assert row.columns["rm.1.by.steps"] is None
        assert (row.columns["by_small.value"] is None) == (first is None)
    assert done.items["small"].counts["examples"] == len(rows) - len(unscored)
    assert done.items["small"].counts.get("left_out", 0) == len(unscored)
    _, made = again(recipe)
    assert made == []
    found = results(done)
    assert {row["objective"] for row in found["trained"]} == {"reward", "regress"}


@pytest.mark.torch
def test_what_is_learned_is_part_of_the_key_and_of_the_budget(recipe) -> None:
    pytest.importorskip("trl")
    plan, _ = load_plan(recipe, seed=None)
    assert gold_use(plan, "rm.1.one") == {GoldUse("train", "answers")}
    until = Selection(until=("small",))
    key = run(recipe, selection=until).items["small"].key
    mean = run(recipe, "steps.both.combine.model=mean", name="mean", selection=until)
    assert mean.items["small"].key != key
    graded = "steps.small.train.target=graded.correct"
    plan, _ = load_plan(recipe, overrides=[graded, "steps.small.train.of=clean"], seed=None)
    assert gold_use(plan, "small") == {GoldUse("train", "answers")}


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ("steps.drawn.sample.model=rm.1.one", "gives scores and writes no text"),
        ("steps.small.train.target=null", "the column of numbers to give"),
        ("steps.small.train.target=solution", "'of' to be a problem set"),
        ("steps.small.train.target=value", "expected solution, answer or a column"),
        ("steps.small.train.target=both.worth", "no column 'both.worth' reaches here"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, override, why) -> None:
    text = HEADED.replace("WEAK", "nobody/weak")
    if "sample.model" in override:
        text = text.replace(
            "  drawn:", "  again: {sample: {model: rm.1.one, of: train}}\n  drawn:", 1
        )
        override = "seed=0"
    with pytest.raises(ConfigError, match=why):
        load_plan(project(tmp_path, text), overrides=[override], seed=None)
