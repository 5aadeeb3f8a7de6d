"""An optimiser's state goes on: the plan marks who leaves it, and nothing else changes."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan
from tests.runs.small import RECIPE, project

ROUNDS = """\
  rounds:
    for: {round: [1, 2, 3]}
    carry: {policy: weak}
    next: {policy: step}
    do:
      step: {train: {objective: sft, init: policy, of: chosen, updates: 1, keep_optimizer: true}}
"""
TWO = """\
  first: {train: {objective: sft, init: weak, of: chosen, updates: 1}}
  asked: {prompted: {model: first, prompt: simple}}
  then: {train: {objective: sft, init: asked, of: chosen, updates: 1, keep_optimizer: true}}
  apart: {train: {objective: sft, init: first, of: chosen, updates: 1}}
"""


def flags(folder, steps):
    """Of each train step: whether it takes a state up, and whether it leaves its own."""
    plan, _ = load_plan(project(folder, RECIPE + steps), seed=None)
    return {
        step.name: (step.config["keep_optimizer"], step.config["save_optimizer"])
        for step in plan.steps.values()
        if step.stage == "train"
    }


def test_a_chain_starts_with_none_and_its_last_leaves_none(tmp_path):
    assert flags(tmp_path, ROUNDS) == {
        "rounds.1.step": (False, True),
        "rounds.2.step": (True, True),
        "rounds.3.step": (True, False),
    }


def test_it_is_the_training_that_counts_however_the_model_is_asked(tmp_path):
    found = flags(tmp_path, TWO)
    assert found == {"first": (False, True), "then": (True, False), "apart": (False, False)}


MISTAKES = {
    "nothing to go on with": (
        TWO.replace("init: weak", "keep_optimizer: true, init: weak", 1).replace(
            "init: asked", "init: weak"
        ),
        r"steps\.(first|then)\.train\.keep_optimizer: 'init' is 'weak', which no train step made",
    ),
    "an adapter after all weights": (
        TWO.replace("keep_optimizer: true", "keep_optimizer: true, lora: all_linear"),
        r"steps\.then\.train\.keep_optimizer: 'first' has another 'lora'",
    ),
    "another optimiser": (
        TWO.replace("keep_optimizer: true", "keep_optimizer: true, trainer: {optim: adafactor}"),
        r"'first' has another 'trainer\.optim'",
    ),
}


@pytest.mark.parametrize(("steps", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_say_where(tmp_path, steps, says):
    with pytest.raises(ConfigError, match=says):
        flags(tmp_path, steps)
