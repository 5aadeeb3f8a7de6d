"""Overlays merge as RFC 7386 says, and `every` reaches steps by what they are."""

from __future__ import annotations

import pytest

from reason_w2s.recipe.overlay import merge, overlay, override


# the cases of RFC 7386's appendix that have mappings on the outside
@pytest.mark.parametrize(
    ("base", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge(base, patch, merged):
    before = repr(base)
    assert merge(base, patch) == merged
    assert repr(base) == before


RECIPE = {
    "steps": {
        "a": {"sample": {"of": "x", "sampling": {"n": 4, "top_p": 0.9}}},
        "b": {"train": {"objective": "sft", "batch": 128, "dtype": "bfloat16"}},
        "c": {"train": {"objective": "dpo", "batch": 64}},
    }
}


def test_every_reaches_the_steps_that_meet_it_and_no_others():
    rules = [
        {"where": {"stage": "train"}, "set": {"dtype": None}},
        {"where": {"stage": "train", "objective": {"in": ["sft"]}}, "set": {"batch": 2}},
        {"where": {"batch": {"min": 64}}, "set": {"updates": 3}},
        {"where": {"stage": "sample"}, "set": {"sampling": {"n": 1}}},
    ]
    found = overlay(RECIPE, {"every": rules}, "o.yaml")
    assert found["steps"] == {
        "a": {"sample": {"of": "x", "sampling": {"n": 1, "top_p": 0.9}}},
        "b": {"train": {"objective": "sft", "batch": 2}},
        "c": {"train": {"objective": "dpo", "batch": 64, "updates": 3}},
    }
    assert RECIPE["steps"]["b"]["train"]["batch"] == 128


def test_where_reads_keys_inside_of_settings():
    def every(where):
        found = overlay(RECIPE, {"every": [{"where": where, "set": {"hit": True}}]}, "o.yaml")
        return [name for name, step in found["steps"].items() if "hit" in str(step)]

    assert every({"sampling.top_p": {"min": 0.5}}) == ["a"]
    assert every({"stage": "sample", "sampling.temperature": {"not": 0}}) == ["a"], "not said"
    assert every({"sampling.top_p": {"max": 0.5}}) == []
    assert every({"batch.deeper": None, "stage": "train"}) == ["b", "c"]


def test_what_an_overlay_says_of_a_step_goes_before_its_rules():
    patch = {
        "every": [{"where": {"stage": "train"}, "set": {"batch": 2}}],
        "steps": {"b": {"train": {"batch": 7}}},
    }
    found = overlay(RECIPE, patch, "o.yaml")
    assert found["steps"]["b"]["train"]["batch"] == 7
    assert found["steps"]["c"]["train"]["batch"] == 2


def test_override_of_a_deep_key_leaves_its_neighbours():
    found = override(RECIPE, "steps.a.sample.sampling.n=8")
    assert found["steps"]["a"]["sample"]["sampling"] == {"n": 8, "top_p": 0.9}


def test_override_with_null_removes():
    assert "dtype" not in override(RECIPE, "steps.b.train.dtype=null")["steps"]["b"]["train"]


def test_override_keeps_equal_signs_of_the_value():
    assert override({}, "name=a=b")["name"] == "a=b"


def test_a_step_takes_a_models_place_only_where_the_recipe_has_it():
    patch = {
        "models": {"weak": None, "weak_2": None, "student": {"path": "tiny"}},
        "steps": {"weak": {"train": {}}, "weak_2": {"train": {}}, "more": {"check": {}}},
    }
    recipe = {"models": {"weak": {"path": "large"}, "student": {"path": "large"}}}
    found = overlay(recipe, patch, "o.yaml")
    assert found["models"] == {"student": {"path": "tiny"}}
    assert found["steps"] == {"weak": {"train": {}}, "more": {"check": {}}}
    # where the recipe itself trains it, the two are merged
    found = overlay({"steps": {"weak_2": {"train": {"batch": 2}}}}, patch, "o.yaml")
    assert found["steps"] == {"weak_2": {"train": {"batch": 2}}, "more": {"check": {}}}
