"""A recipe becomes flat steps, in an order that can be run."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.given import Given
from reason_w2s.recipe.load import eval_recipe, load_plan, plan_of
from tests.runs.small import RECIPE, main, project


def plan(recipe, *overrides, folder, overlays=(), seed=None):
    path = project(folder, recipe)
    return load_plan(path, overrides=overrides, overlays=overlays, seed=seed)[0]


def test_steps_stand_after_their_inputs_whatever_the_order_written(tmp_path):
    head, _, steps = RECIPE.partition("steps:\n")
    lines = steps.splitlines(keepends=True)
    last = "".join(lines[4:])
    turned = f"{head}steps:\n{last}{''.join(reversed(lines[:4]))}"
    found = plan(turned, folder=tmp_path)
    assert set(found.steps) == set(plan(RECIPE, folder=tmp_path / "other").steps)
    seen = set()
    for step in found.steps.values():
        assert set(step.inputs) <= seen
        seen.add(step.name)


def test_the_order_is_the_order_written(tmp_path):
    found = plan(RECIPE, folder=tmp_path)
    assert list(found.steps) == ["train", "weak", "drawn", "graded", "clean", "chosen", "pairs"]
    assert found.title == "Draw, grade, choose."


def test_what_nothing_needs_is_left_out(tmp_path):
    more = RECIPE.replace("problems:\n", "  spare: {path: nobody/else}\nproblems:\n", 1)
    more = more.replace("steps:\n", "  rest: {of: train, take: 2}\nsteps:\n", 1)
    found = plan(more, folder=tmp_path)
    assert "spare" not in found.steps
    assert "rest" not in found.steps


def test_several_models_fan_out_and_join(tmp_path):
    two = RECIPE.replace("problems:\n", "  other: {path: nobody/other, prompt: qa}\nproblems:\n", 1)
    found = plan(two.replace("model: weak,", "model: [weak, other],"), folder=tmp_path)
    assert found.steps["drawn/weak"].roles == {"model": "weak"}
    assert found.steps["drawn/other"].roles == {"model": "other"}
    assert found.steps["drawn"].stage == "union"
    assert found.steps["drawn"].of == ("drawn/weak", "drawn/other")
    assert found.steps["graded"].of == ("drawn",)


def test_a_list_of_one_model_is_that_model(tmp_path):
    found = plan(RECIPE.replace("model: weak,", "model: [weak],"), folder=tmp_path)
    assert found.steps["drawn"].roles == {"model": "weak"}


def test_prompted_is_the_same_model_with_another_prompt(tmp_path):
    asked = "  asked: {prompted: {model: weak, prompt: qwen_boxed}}\n  drawn:"
    found = plan(
        RECIPE.replace("  drawn:", asked).replace("model: weak, of", "model: asked, of"),
        folder=tmp_path,
    )
    step = found.steps["asked"]
    assert (step.stage, step.kind, step.roles) == ("prompted", "model", {"model": "weak"})
    assert step.config["prompt"]["chat"] is True


def test_prompts_of_the_recipe_go_before_shipped_ones(tmp_path):
    own = RECIPE.replace("models:", "prompts: {qa: {template: 'Say {question}'}}\nmodels:", 1)
    found = plan(own, folder=tmp_path)
    assert found.steps["weak"].config["prompt"]["template"] == "Say {question}"


def test_suites_by_models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project(tmp_path)
    (tmp_path / "hard.yaml").write_text(
        "problems: {source: jsonl, file: data.jsonl}\nprompt: qwen_boxed\n"
    )
    asked = "  asked: {prompted: {model: weak, prompt: qwen_boxed}}\n  drawn:"
    recipe = RECIPE.replace("  drawn:", asked) + (
        "evaluate: {suites: [suite.yaml, hard.yaml], models: {plain: weak, boxed: asked}}\n"
    )
    found = plan(recipe, folder=tmp_path)
    assert [(one.model, one.suite) for one in found.measured] == [
        ("plain", "suite"),
        ("plain", "hard"),
        ("boxed", "suite"),
        ("boxed", "hard"),
    ]
    assert found.steps["eval/plain/suite"].roles == {"model": "weak"}
    assert found.steps["eval/plain/suite"].config["sampling"]["max_tokens"] == 64
    assert found.steps["eval/plain/suite"].config["sampling"]["temperature"] == 0.0
    # a suite's own prompt asks every model with it
    assert found.steps["eval/boxed/hard"].roles == {"model": "eval/boxed/hard/asked"}
    assert found.steps["suites/suite"].labels == "audit"


def test_a_recipe_changes_a_suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = RECIPE + (
        "suites: {suite: {sampling: {n: 3}, problems: {take: 2}}}\n"
        "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"
    )
    found = plan(recipe, folder=tmp_path)
    sampling = found.steps["eval/weak/suite"].config["sampling"]
    assert (sampling["n"], sampling["max_tokens"]) == (3, 64)
    assert found.steps["suites/suite"].config["take"] == 2


@pytest.mark.parametrize(("given", "salt"), [("'${seed}'", 7), ("'s${seed}'", "s7"), ("3", 3)])
def test_seed_is_substituted_with_its_type(given, salt, tmp_path):
    recipe = RECIPE.replace("source: jsonl,", f"source: jsonl, salt: {given},")
    found = plan(recipe, folder=tmp_path, seed=7)
    assert found.steps["train"].config["salt"] == salt


def test_the_seed_option_goes_before_the_recipe_and_a_pinned_step_keeps_its_own(tmp_path):
    recipe = RECIPE.replace("name: small", "name: small\nseed: 3")
    recipe = recipe.replace("take: 1}", "take: 1, seed: 11}")
    found = plan(recipe, folder=tmp_path)
    assert (found.seed, found.steps["drawn"].seed, found.steps["chosen"].seed) == (3, 3, 11)
    found = plan(recipe, folder=tmp_path, seed=0)
    assert (found.seed, found.steps["drawn"].seed, found.steps["chosen"].seed) == (0, 0, 11)


def test_labels_are_inherited_by_a_cut(tmp_path):
    recipe = RECIPE.replace("data.jsonl}", "data.jsonl, labels: audit}")
    recipe = recipe.replace(
        "steps:", "  half: {of: train, part: 1/2}\n  bit: {of: half}\nsteps:", 1
    )
    recipe = recipe[: recipe.index("  graded")].replace("of: train, sampling", "of: bit, sampling")
    found = plan(recipe, folder=tmp_path)
    assert found.steps["bit"].labels == "audit"
    assert found.steps["half"].labels == "audit"


def test_a_sample_of_an_audited_set_may_be_paid_for(tmp_path):
    recipe = RECIPE.replace("data.jsonl}", "data.jsonl, labels: audit}")
    recipe = recipe.replace("steps:", "  few: {of: train, take: 2, labels: gold}\nsteps:", 1)
    recipe = recipe.replace("of: train, sampling", "of: few, sampling")
    found = plan(recipe, folder=tmp_path)
    assert (found.steps["train"].labels, found.steps["few"].labels) == ("audit", "gold")


def test_a_cut_may_be_stricter(tmp_path):
    recipe = RECIPE.replace("steps:", "  half: {of: train, labels: none}\nsteps:", 1)
    recipe = recipe[: recipe.index("  graded")].replace("of: train, sampling", "of: half, sampling")
    found = plan(recipe, folder=tmp_path)
    assert (found.steps["train"].labels, found.steps["half"].labels) == ("gold", "none")


def test_files_are_meant_beside_the_file_that_names_them(tmp_path, monkeypatch):
    path = project(tmp_path / "a")
    elsewhere = tmp_path / "b"
    elsewhere.mkdir()
    (elsewhere / "over.yaml").write_text("problems: {train: {file: ../c.jsonl}}")
    monkeypatch.chdir(elsewhere)

    def file(*overrides, overlays=()):
        found, _ = load_plan(path, overrides=overrides, overlays=overlays, seed=None)
        return found.steps["train"].config["file"]

    assert file() == str(tmp_path / "a" / "data.jsonl")
    assert file(overlays=[elsewhere / "over.yaml"]) == str(tmp_path / "c.jsonl")
    assert file("problems.train.file=x/d.jsonl") == str(elsewhere / "x" / "d.jsonl")


@pytest.mark.parametrize(
    ("assignment", "meant"),
    [("temperature=0", 0.0), ("temperature=2e-1", 0.2), ("stop=['a b']", ["a b"]), ("n=08", 8)],
)
def test_overrides_are_yaml(assignment, meant, tmp_path):
    found = plan(RECIPE, f"steps.drawn.sample.sampling.{assignment}", folder=tmp_path)
    assert found.steps["drawn"].config["sampling"][assignment.partition("=")[0]] == meant


def test_an_evaluation_alone_is_a_recipe_of_one_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project(tmp_path)
    data = eval_recipe(Given("some/Model-1", "qa"), ["suite.yaml"], seed=4)
    found = plan_of(data, place="eval")
    assert found.name == "eval-some-Model-1-suite"
    assert found.seed == 4
    assert list(found.steps) == [
        "suites/suite",
        "model",
        "eval/model/suite",
        "eval/model/suite/graded",
    ]


def test_a_number_as_a_step_name_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="steps"):
        plan(RECIPE.replace("  drawn:", "  7:"), folder=tmp_path)


def test_plan_prints_what_runs(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    code, out, _ = main(["plan", str(path)], monkeypatch, capsys)
    lines = [line.split() for line in out.partition("\n\n")[0].splitlines()]
    assert code == 0
    assert [line[0] for line in lines] == list(load_plan(path, seed=None)[0].steps)
    assert lines[2] == ["drawn", "sample", "traces", "train,", "model=weak"]
    assert not (tmp_path / "runs").exists()
