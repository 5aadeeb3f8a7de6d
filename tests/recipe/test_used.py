"""A step of another recipe is part of this plan, with all it needs."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan, plan_of
from reason_w2s.runs.run import Selection
from tests.runs.small import RECIPE, TRAIN, project, run

OTHER = RECIPE.replace("name: small", "name: other") + TRAIN
USES = RECIPE.replace(
    "models:\n",
    "models:\n  ceiling: {use: {recipe: other.yaml, step: tuned}}\n",
    1,
)
EVALUATED = "evaluate: {suites: [suite.yaml], models: {weak: weak, ceiling: ceiling}}\n"


def given(folder, recipe=USES + EVALUATED, other=OTHER):
    path = project(folder, recipe)
    (folder / "other.yaml").write_text(other)
    return path


def test_the_step_and_what_it_needs_are_steps_of_this_plan(tmp_path):
    plan, _ = load_plan(given(tmp_path), seed=None)
    own, _ = load_plan(tmp_path / "other.yaml", seed=None)
    ceiling = plan.steps["ceiling"]
    assert ceiling.of == ("ceiling/chosen",)
    assert ceiling.roles == {"init": "ceiling/weak"}
    assert ceiling.config == own.steps["tuned"].config
    assert plan.steps["ceiling/chosen"].config["where"] == {"ceiling/graded.correct": True}
    assert "ceiling/pairs" not in plan.steps
    assert [one.step for one in plan.measured] == ["weak", "ceiling"]


CHAIN = """
name: other
models: {weak: {path: nobody/weak, prompt: qa}}
problems: {train: {source: jsonl, file: data.jsonl}}
steps:
  rounds:
    for: {round: [1, 2]}
    carry: {policy: weak}
    next: {policy: step}
    do:
      drawn: {sample: {model: policy, of: train, sampling: {max_tokens: 64}}}
      step: {train: {objective: sft, init: policy, of: drawn, batch: 2, updates: 1}}
evaluate: {suites: [suite.yaml], models: {tuned: rounds.step}}
"""


@pytest.mark.parametrize("step", ["rounds.step", "tuned", "rounds.2.step"])
def test_the_last_round_of_a_block_goes_by_three_names(tmp_path, step):
    recipe = (USES + EVALUATED).replace("step: tuned", f"step: {step}")
    plan, data = load_plan(given(tmp_path, recipe, CHAIN), seed=None)
    assert plan.steps["ceiling"].roles == {"init": "ceiling/rounds.1.step"}
    assert plan_of(data, place="kept").steps.keys() == plan.steps.keys()


def test_what_is_not_measured_is_not_made(tmp_path):
    plan, _ = load_plan(given(tmp_path, USES), seed=None)
    assert not [name for name in plan.steps if name.startswith("ceiling")]


def test_seed_and_overlays_reach_it_and_a_seed_of_its_own_stays(tmp_path):
    path = given(tmp_path)
    small = tmp_path / "overlay.yaml"
    small.write_text("every: [{where: {stage: sample}, set: {sampling: {n: 2}}}]\n")
    plan, _ = load_plan(path, overlays=[small], seed=7)
    assert plan.steps["ceiling/drawn"].config["sampling"]["n"] == 2
    assert plan.steps["ceiling/drawn"].seed == 7
    pinned = given(
        tmp_path / "b", (USES + EVALUATED).replace("step: tuned", "step: tuned, seed: 3")
    )
    assert load_plan(pinned, seed=7)[0].steps["ceiling/drawn"].seed == 3


def test_a_run_holds_what_it_used_whatever_becomes_of_the_file(tmp_path):
    path = given(tmp_path)
    _, data = load_plan(path, seed=None)
    (tmp_path / "other.yaml").unlink()
    assert "ceiling/drawn" in plan_of(data, place="kept").steps


def test_what_the_other_recipe_made_is_not_made_again(tmp_path):
    again = "  again: {use: {recipe: other.yaml, step: chosen}}\n  best: {select: {of: again}}\n"
    path = given(tmp_path, RECIPE + again)
    other = run(tmp_path / "other.yaml", name="other", selection=Selection(until=("chosen",)))
    mine = run(path, name="mine")
    assert mine.items["again/drawn"].key == other.items["drawn"].key


MISTAKES = {
    "no such step": ("step: tuned", "step: tunde", "other has no 'tunde'; did you mean 'tuned'"),
    "no such file": ("other.yaml", "othr.yaml", "othr.yaml"),
    "more keys": ("{use:", "{prompt: qa, use:", "'use' stands alone"),
    "unknown key": ("step: tuned", "step: tuned, sed: 1", "unknown key 'sed'"),
    "itself": ("other.yaml", "small.yaml", "which uses it"),
}


@pytest.mark.parametrize(("old", "new", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_say_where(tmp_path, old, new, says):
    path = given(tmp_path, (USES + EVALUATED).replace(old, new, 1))
    with pytest.raises(ConfigError, match=says):
        load_plan(path, seed=None)


def test_two_used_recipes_share_what_they_have_in_common_under_other_names(tmp_path):
    """Problems, traces and a choice of theirs are the same things, whatever they are called."""
    uses = "".join(
        f"  {name}: {{use: {{recipe: {name}.yaml, step: chosen}}}}\n" for name in ("one", "two")
    )
    path = project(tmp_path, f"name: both\nsteps:\n{uses}  all: {{select: {{of: [one, two]}}}}\n")
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(RECIPE.replace("name: small", f"name: {name}"))
    done = run(path)
    for name in ("weak", "train", "drawn", "graded"):
        assert done.items[f"one/{name}"].key == done.items[f"two/{name}"].key
    one, two = done.items["one"], done.items["two"]
    assert (
        one.digest == two.digest == run(tmp_path / "one.yaml", name="alone").items["chosen"].digest
    )
    assert done.items["all"].counts["out"] == one.counts["out"]
