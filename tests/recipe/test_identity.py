"""A step is what it makes, whatever it and its inputs are called."""

from __future__ import annotations

from reason_w2s.recipe.identity import identities
from reason_w2s.recipe.load import plan_of
from reason_w2s.recipe.yaml_file import value
from tests.runs.small import RECIPE, TRAIN

TEXT = RECIPE + TRAIN


def found(text=TEXT, seed=0):
    return identities(plan_of({**value(text), "seed": seed}, place="x"))


def test_names_say_nothing():
    renamed = TEXT
    for name in ("drawn", "graded", "clean", "tuned"):
        renamed = renamed.replace(name, f"other_{name}")
    old, new = found(), found(renamed)
    assert new["other_tuned"] == old["tuned"]
    assert new["pairs"] == old["pairs"], "the sides of its rules are columns of other_graded"


def test_settings_seeds_and_what_it_rests_on_do():
    old = found()
    assert found(seed=1)["weak"] == old["weak"]
    assert found(seed=1)["drawn"] != old["drawn"]
    longer = found(TEXT.replace("max_tokens: 64", "max_tokens: 65"))
    assert longer["tuned"] != old["tuned"] and longer["train"] == old["train"]
    assert len(set(old.values())) == len(old)
