"""recipes/one_footing.yaml holds every method that can stand beside the others."""

from __future__ import annotations

from pathlib import Path

from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.yaml_file import read

RECIPES = Path(__file__).parents[2] / "recipes"
ONE_FOOTING = RECIPES / "one_footing.yaml"
APART = {
    "one_footing": "it is this one",
    "quickstart": "a smaller world of its own",
    "world": "an overlay",
    "seeds": "an overlay",
    "gsm8k_traces": "shows a path, teaches nothing",
    "w2sr_p_gsm8k": "w2sr_p on other problems",
    "teachers": "compares teachers, not methods",
    "w2sr_rgr": "its steps are those of the recipes it uses",
    "quantity_quality": "a sweep of its own",
    "critical_tokens_dpo": "learns from the student's own answers, beside controls of its own",
    "implicit_prm": "chooses among answers at test time",
    "weaver": "chooses among answers at test time; its student learns from its own",
    "reward_ensembles": "chooses among answers at test time; its student learns from its own",
    "flaws": "asks what sampling until a verifier accepts is worth",
    "difficulty": "choices of problems at one budget of tokens, beside controls of its own",
    "noisy_labels": "one loss on one set, beside controls of its own",
    "guiding_complexity": "a sweep of its own",
    "trace_fit": "choices among one teacher's right traces, beside a control of its own",
}


def test_every_recipe_is_in_it_or_says_why_not() -> None:
    written = read(ONE_FOOTING)["steps"].values()
    used = {Path(step["use"]["recipe"]).stem for step in written if "use" in step}
    shipped = {path.stem for path in RECIPES.rglob("*.yaml")}
    assert used | set(APART) == shipped
    assert not used & set(APART)


def test_all_its_models_learn_from_one_world() -> None:
    plan, _ = load_plan(ONE_FOOTING, overlays=[RECIPES / "world.yaml"], seed=0)
    measured = {one.step for one in plan.measured}
    students = {
        str(step.config)
        for step in plan.steps.values()
        if step.name.rpartition("/")[2] == "student" and step.stage == "pretrain"
    }
    assert len(students) == 1
    trained = [name for name in measured if plan.steps[name].stage == "train"]
    assert len(trained) > len(measured) / 2
    for name in trained:
        sets = [one for one in plan.lineage(name) if one.stage == "problems"]
        assert {one.config.get("source") for one in sets} <= {"world", None}, name
