"""A sweep is one recipe per combination of its values."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.sweep import cells
from reason_w2s.recipe.yaml_file import value

SWEPT = """
name: qq
sweep:
  seed: [0, 1]
  cell: [{weak: 64, gold: 16}, {weak: 0, gold: 32}]
problems:
  paid: {source: world, take: "${cell.gold}", salt: "${seed}"}
steps:
  drawn: {sample: {of: paid, seed: 7, sampling: {n: "${cell.weak}"}}}
  loop: {for: {round: [1]}, do: {again: {sample: {of: paid, seed: "${round}"}}}}
"""


def test_every_combination_is_a_recipe_of_its_own_in_order():
    found = cells(value(SWEPT), "qq.yaml")
    assert [cell.label for cell in found] == [
        "seed0-weak64-gold16",
        "seed0-weak0-gold32",
        "seed1-weak64-gold16",
        "seed1-weak0-gold32",
    ]
    third = found[2].recipe
    assert third["seed"] == 1
    assert "sweep" not in third
    assert third["problems"]["paid"] == {"source": "world", "take": 16, "salt": 1}
    assert third["steps"]["drawn"]["sample"]["sampling"]["n"] == 64


def test_variables_of_blocks_are_left_to_them():
    again = cells(value(SWEPT), "qq.yaml")[0].recipe["steps"]["loop"]["do"]["again"]
    assert again["sample"]["seed"] == "${round}"


def test_a_recipe_without_a_sweep_is_its_only_cell():
    assert cells({"name": "x", "seed": 3}, "x.yaml") == [("", {"name": "x", "seed": 3}, {}, {})]


def test_a_variable_that_stands_only_for_seeds_is_a_stratum():
    text = """
sweep: {seed: [0, 1], pretrained: [0, 1], n: [2, 4], both: [1], unused: [1]}
models: {student: {world: {size: weak, seed: "${pretrained}"}}}
steps: {drawn: {sample: {seed: "${both}", sampling: {n: "${n}", top_k: "${both}"}}}}
"""
    roles = cells(value(text), "x.yaml")[0].roles
    assert roles == {
        "seed": "seed",
        "pretrained": "stratum",
        "n": "setting",
        "both": "setting",
        "unused": "setting",
    }


MISTAKES = {
    "no mapping": ("{sweep: [1]}", "sweep: expected variables"),
    "no list": ("{sweep: {seed: 3}}", "sweep.seed: expected a list"),
    "empty": ("{sweep: {n: []}}", "sweep.n: expected a list"),
    "seed in words": ("{sweep: {seed: [a]}}", "sweep.seed: expected whole numbers"),
    "twice": ("{sweep: {n: [1, 1]}}", "two combinations are named 'n1'"),
}


@pytest.mark.parametrize(("text", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_say_where(text, says):
    with pytest.raises(ConfigError, match=says):
        cells(value(text), "x.yaml")
