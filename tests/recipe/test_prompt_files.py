"""Prompts named by file: in a recipe, an overlay, an override, a suite, and `eval`."""

from __future__ import annotations

import json

import pytest
from ruamel.yaml import YAML

from reason_w2s.recipe.given import Given
from reason_w2s.recipe.load import eval_recipe, load_plan, plan_of
from tests.runs.small import RECIPE, SUITE, main, project, run

STEPS = "  asked: {prompted: {model: weak, prompt: p/mine.yml}}\n  drawn:"
OWN = RECIPE.replace("prompt: qa", "prompt: p/mine.yml").replace("  drawn:", STEPS)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a recipe into a folder `r`, with its prompts beside it; the caller is elsewhere."""
    monkeypatch.chdir(tmp_path)

    def write(recipe):
        path = project(tmp_path / "r", recipe)
        (tmp_path / "r" / "p").mkdir()
        prompt(tmp_path / "r" / "p" / "mine.yml", "Mine")
        return path

    return write


def prompt(path, word, **more):
    path.write_text(json.dumps({"template": f"{word} ${{x}}$: {{question}}", **more}))


def asked(plan, step):
    return plan.steps[step].config["prompt"]["template"].partition(" $")[0]


def test_a_recipes_prompt_files_are_beside_it(written):
    plan, data = load_plan(
        written(OWN + "  more: {sample: {model: asked, of: train}}\n"), seed=None
    )
    assert [asked(plan, name) for name in ("weak", "asked")] == ["Mine", "Mine"]
    assert data["models"]["weak"]["prompt"] == {"template": "Mine ${x}$: {question}"}


def test_a_run_keeps_the_prompt_not_its_file(written):
    path = written(OWN)
    run(path)
    folder = path.parent / "runs" / "one"
    kept = YAML(typ="safe").load((folder / "recipe.yaml").read_text())
    (path.parent / "p" / "mine.yml").unlink()
    assert kept["models"]["weak"]["prompt"] == {"template": "Mine ${x}$: {question}"}
    assert asked(plan_of(kept, place="kept"), "weak") == "Mine"
    assert "mine.yml" not in (folder / "recipe.yaml").read_text()


def test_an_overlays_and_an_overrides_replace_the_recipes(written, tmp_path):
    path = written(OWN)
    prompt(path.parent / "p" / "mine.yml", "Mine", chat=True, system="S")
    (tmp_path / "o").mkdir()
    prompt(tmp_path / "o" / "theirs.yaml", "Theirs")
    (tmp_path / "o" / "over.yaml").write_text("models: {weak: {prompt: theirs.yaml}}\n")
    plan, data = load_plan(path, overlays=[tmp_path / "o" / "over.yaml"], seed=None)
    assert asked(plan, "weak") == "Theirs"
    assert data["models"]["weak"]["prompt"].keys() == {"template"}, "nothing is left of the other"
    plan, data = load_plan(path, overrides=["models.weak.prompt=o/theirs.yaml"], seed=None)
    assert asked(plan, "weak") == "Theirs"
    assert data["models"]["weak"]["prompt"].keys() == {"template"}


def test_a_suites_prompt_file_is_beside_the_suite(written):
    evaluated = RECIPE + "evaluate: {suites: [p/own.yaml, suite.yaml], models: {weak: weak}}\n"
    path = written(evaluated + "suites: {suite: {prompt: p/mine.yml}}\n")
    suite = SUITE.replace("data.jsonl", "../data.jsonl") + "prompt: mine.yml\n"
    (path.parent / "p" / "own.yaml").write_text(suite)
    plan, _ = load_plan(path, seed=None)
    for name in ("own", "suite"):
        assert asked(plan, f"eval/weak/{name}/asked") == "Mine"


def test_eval_takes_them_as_runs_do(written, monkeypatch, capsys):
    folder = written(RECIPE).parent
    monkeypatch.chdir(folder)
    more = ["suites.suite.prompt=p/mine.yml"]
    data = eval_recipe(Given("x", "p/mine.yml"), ["suite.yaml"], seed=0, overrides=more)
    assert data["models"]["model"] == {
        "path": "x",
        "prompt": {"template": "Mine ${x}$: {question}"},
    }
    assert asked(plan_of(data, place="eval"), "eval/model/suite/asked") == "Mine"
    evaluated = ["eval", "nobody/weak", "--suite", "suite.yaml", "--profile", "fake.yaml"]
    code, out, _ = main([*evaluated, "--prompt", "qa", *more], monkeypatch, capsys)
    assert code == 0
    assert "'Mine ${x}$: {question}'" in out
    code, _, err = main([*evaluated, "--prompt", "suite.yaml"], monkeypatch, capsys)
    assert code == 2
    assert err.startswith(f"error: {folder / 'suite.yaml'}: unknown key 'problems'")
