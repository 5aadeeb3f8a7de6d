"""recipes/seeds.yaml: recipe seeds over a fixed pair of pretrained models, whatever the recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan, load_plans
from reason_w2s.recipe.yaml_file import read

ROOT = Path(__file__).parents[2]
OVERLAYS = [ROOT / "recipes" / "world.yaml", ROOT / "recipes" / "seeds.yaml"]
W2SR_P = ROOT / "recipes" / "w2sr" / "w2sr_p.yaml"
COMPARED = f"""
name: compared
models: {{student: nobody/student, weak: nobody/weak}}
steps:
  w2sr_p: {{use: {{recipe: {W2SR_P}, step: tuned}}}}
  w2sr_n: {{use: {{recipe: {W2SR_P.with_name("w2sr_n.yaml")}, step: tuned}}}}
evaluate: {{models: {{w2sr_p: w2sr_p, w2sr_n: w2sr_n}}, compare: [[w2sr_p, w2sr_n]]}}
"""


def seeds(plan, stage):
    return {step.seed for step in plan.steps.values() if step.stage == stage}


def test_one_command_is_six_cells_of_two_pairs_of_models():
    found = load_plans(W2SR_P, overlays=OVERLAYS, seed=None)
    told = [(seeds(one.plan, "pretrain"), seeds(one.plan, "train")) for one in found]
    assert told == [({pair}, {seed}) for pair in (0, 1) for seed in (0, 1, 2)]
    assert found[4].label == "pretrained1-seed1"
    assert found[4].roles == {"pretrained": "stratum", "seed": "seed"}
    assert all(seeds(one.plan, "problems") == {one.values["seed"]} for one in found)


def test_every_model_that_the_world_pretrains_has_its_seed_from_the_sweep():
    world, seeded = (read(path)["models"] for path in OVERLAYS)
    assert [name for name, model in world.items() if model and "world" in model] == list(seeded)


def test_a_used_recipe_follows_the_cell(tmp_path):
    path = tmp_path / "compared.yaml"
    path.write_text(COMPARED)
    for cell in load_plans(path, overlays=OVERLAYS, seed=None):
        assert {"w2sr_p/student", "w2sr_n/plain"} <= set(cell.plan.steps)
        assert seeds(cell.plan, "pretrain") == {cell.values["pretrained"]}
        assert seeds(cell.plan, "train") == seeds(cell.plan, "sample") == {cell.values["seed"]}


def test_a_pretraining_seed_is_no_part_of_a_models_settings():
    """So that a model pretrained under a recipe's seed is the one pretrained under its own."""
    chosen = ["models.student.world={size: strong, seed: 3}", "models.plain.world={size: weak}"]
    with_own, _ = load_plan(W2SR_P, overlays=OVERLAYS[:1], overrides=chosen, seed=0)
    by_recipe, _ = load_plan(W2SR_P, overlays=OVERLAYS[:1], seed=3)
    own, recipes = with_own.steps["student"], by_recipe.steps["student"]
    assert own.seed == recipes.seed == 3
    assert set(own.config) == set(recipes.config)
    assert with_own.steps["plain"].seed == 0


SWEPT = """
name: other
sweep: {cell: [{n: 2}, {n: 4}]}
models: {weak: nobody/weak}
problems: {train: {source: world, split: train, take: 4}}
steps: {drawn: {sample: {model: weak, of: train, sampling: {n: "${cell.n}"}}}}
"""
USES = """
name: mine
steps: {all: {use: {recipe: other.yaml, step: drawn%s}}, ok: {check: {of: all}}}
"""


def test_a_cell_of_a_swept_recipe_is_used_by_its_values(tmp_path):
    (tmp_path / "other.yaml").write_text(SWEPT)
    path = tmp_path / "mine.yaml"
    path.write_text(USES % ", values: {cell: {n: 4}}")
    assert load_plan(path, seed=None)[0].steps["all"].config["sampling"]["n"] == 4
    path.write_text(USES % "")
    with pytest.raises(ConfigError, match=r"its sweep has 'cell', which has no value here"):
        load_plan(path, seed=None)
