"""Every shipped recipe runs to its report: fake engine, five problems, a tiny model, real TRL."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from ruamel.yaml import YAML

from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.plan import Plan
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Run, Selection, execute
from reason_w2s.stages.table import STAGES
from tests.conftest import make_model

ROOT = Path(__file__).parent.parent
OVERLAYS = ("world",)
RECIPES = [path for path in sorted((ROOT / "recipes").rglob("*.yaml")) if path.stem not in OVERLAYS]
GSM8K = ROOT / "tests" / "fixtures" / "gsm8k"
PROFILE = Profile(isolate="none", sampler="fake")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    pytest.importorskip("trl")
    return make_model(tmp_path_factory.mktemp("models") / "roomy", positions=1024)


def sized_down(recipe: Path, model: Path, folder: Path) -> Path:
    """An overlay that gives every model the tiny one, and five problems to every set."""
    written = YAML(typ="safe", pure=True).load(recipe)
    suites = written.get("evaluate", {}).get("suites", [])
    trainer = {"learning_rate": 0.01, "num_train_epochs": None, "max_length": None}
    train = {"batch": 2, "updates": 3, "dtype": None, "trainer": trainer}
    patch = {
        "models": {
            name: {
                "path": str(model),
                "world": None,
                "scratch": None,
                "prompt": "qa",
                "dtype": None,
            }
            for name in written["models"]
        },
        "problems": {name: {"take": 5} for name in written["problems"]},
        "suites": {name: {"problems": {"take": 5}} for name in suites},
        "every": [{"where": {"stage": "train"}, "set": train}],
    }
    for name, problems in written["problems"].items():
        if problems.get("source") == "gsm8k":
            # the salt picks five on which the two fixture teachers disagree at least once
            patch["problems"][name] |= {"file": str(GSM8K / "train.jsonl"), "salt": 0}
    if "gsm8k" in suites:
        patch["suites"]["gsm8k"]["problems"]["file"] = str(GSM8K / "test.jsonl")
    path = folder / "tiny.yaml"
    with path.open("w") as stream:
        YAML().dump(patch, stream)
    return path


def run(plan: Plan, data: dict, folder: Path, until: tuple[str, ...] = ()) -> Run:
    console = Console(file=io.StringIO())
    return execute(plan, data, folder, PROFILE, selection=Selection(until=until), console=console)


@pytest.mark.torch
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipe_runs_and_accounts_for_everything(recipe, model, tmp_path):
    plan, data = load_plan(recipe, overlays=[sized_down(recipe, model, tmp_path)], seed=0)
    done = run(plan, data, tmp_path / "runs" / "one")
    for name, item in done.items.items():
        counts = item.counts
        if "dropped" in counts:
            assert counts["in"] == counts["out"] + sum(counts["dropped"].values()), name
        if item.stage in STAGES and STAGES[item.stage].shape == "annotate":
            assert counts["in"] == counts["out"] == len(list(done.rows(name))), name
        if item.stage == "train":
            assert counts["examples"] > 0, name
            init = done.items[plan.steps[name].roles["init"]]
            assert item.digest != init.digest, f"{name}: training left the weights as they were"
    found = results(done)
    assert found["scores"]
    assert all(0 <= score["low"] <= score["high"] <= 1 for score in found["scores"])
    ledger = found["ledger"]
    rows = sum(
        row.trace.n_tokens
        for name, item in done.items.items()
        if item.stage == "sample"
        for row in done.rows(name)
    )
    shared = sum(row["tokens_shared"] for row in ledger["rows"])
    assert ledger["total"]["tokens_generated"] + shared == rows


@pytest.mark.torch
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_flipping_correct_changes_the_set(recipe, model, tmp_path):
    overlay = sized_down(recipe, model, tmp_path)
    plan, _ = load_plan(recipe, overlays=[overlay], seed=0)
    graded = "graded.correct"
    chosen = [
        name
        for name, step in plan.steps.items()
        if step.stage == "select" and step.config["where"].get(graded) is True
    ]
    assert chosen, "a recipe that never selects by correctness needs its own test"
    for name in chosen:
        kept = {}
        for value in ("true", "false"):
            plan, data = load_plan(
                recipe,
                overlays=[overlay],
                overrides=[f'steps.{name}.select.where={{"{graded}": {value}}}'],
                seed=0,
            )
            done = run(plan, data, tmp_path / "runs" / value, until=(name,))
            kept[value] = {row.trace.key for row in done.rows(name)}
        assert kept["true"] and kept["false"], name
        assert not kept["true"] & kept["false"], name


def test_there_are_recipes():
    assert len(RECIPES) >= 3
