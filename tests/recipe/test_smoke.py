"""Any recipe, made small: what stays the recipe's, what stands for what, and that it runs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reason_w2s.errors import ConfigError, DataError
from reason_w2s.problems.load import load
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.recipe.load import load_plan, load_plans
from reason_w2s.recipe.smoke import smoke
from reason_w2s.train.config import TrainProfile
from tests.conftest import make_model
from tests.test_recipes import RECIPES

ROOT = Path(__file__).parent.parent.parent
RECIPE = """
name: tiny
seed: 3
models:
  weak: {path: Org/Weak-Qwen2.5, prompt: qa, dtype: bfloat16}
  base: {world: weak, prompt: world}
problems:
  all: {source: jsonl, file: %(problems)s, salt: 1}
  low: {of: all, part: 1/2, where: {level: {max: 5}}, labels: none}
  high: {of: all, without: low, take: 12}
  drawn_up: {source: world, without: made, take: 8}
  made: {source: world, take: 4}
steps:
  drawn: {sample: {model: [weak, base], of: [low, high], sampling: {n: 8, max_tokens: 4096}}}
  graded: {check: {of: drawn, kind: number}}
  chosen: {select: {of: graded, where: {finish_reason: stop}, by: [n_tokens], take: 100}}
  pairs:
    pair:
      of: graded
      rules: [{chosen: {finish_reason: stop}, rejected: {finish_reason: length}}]
      length: {tokens_apart: 3}
  tuned:
    train:
      {objective: sft, init: weak, of: [high, drawn_up], target: solution, lora: all_linear,
       batch: 32, min_examples: 50,
       trainer: {num_train_epochs: 3, learning_rate: 1e-5, max_length: 64}}
  preferred:
    train: {objective: dpo, init: tuned, of: pairs, updates: 50, batch: 2, trainer: {beta: 0.3}}
suites:
  world: {sampling: {n: 64, temperature: 0.6}}
evaluate: {suites: [world], models: {weak: weak, preferred: preferred}}
"""


def written(folder: Path, text: str = RECIPE, **changes) -> Path:
    rows = [
        {"id": str(n), "question": f"{n} + {n}?", "answer": str(2 * n), "solution": "x", "level": n}
        for n in range(20)
    ]
    (folder / "problems.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = folder / "recipe.yaml"
    path.write_text(text % {"problems": "problems.jsonl", **changes})
    return path


def made(path: Path, profile: TrainProfile | None = None, overrides=()):
    # of a sweep the first recipe is tried, as `run --smoke` does
    first, *_ = load_plans(path, overrides=overrides, seed=None)
    return smoke(first.plan, first.recipe, profile or TrainProfile())


@pytest.fixture
def small(tmp_path):
    return made(written(tmp_path))


def loaded(plan, name: str) -> list:
    step = plan.steps[name]
    assert not step.inputs
    return load(ProblemSpec.model_validate(step.config), labels=step.labels, seed=step.seed)


def test_every_set_is_five_of_its_own_problems(small):
    ids = {name: [one.id for one in loaded(small.plan, name)] for name in ("low", "high")}
    assert {name: len(found) for name, found in ids.items()} == {"low": 3, "high": 5}
    assert all(int(one) <= 5 for one in ids["low"]) and not {*ids["low"]} & {*ids["high"]}
    assert loaded(small.plan, "low")[0].gold is None
    assert [small.plan.steps[name].labels for name in ("low", "high")] == ["none", "gold"]


def test_a_world_set_without_another_keeps_its_own_problems(small):
    drawn, others = (
        loaded(small.plan, "drawn_up"),
        {"source": "world", "split": "train", "take": 12},
    )
    every = load(ProblemSpec(**others), labels="gold", seed=3)
    assert [one.id for one in drawn] == [one.id for one in every[4:9]]


def test_sampling_is_short_and_the_rest_of_it_stays(small):
    steps = small.plan.steps
    assert {steps[name].config["sampling"]["n"] for name in ("drawn/weak", "drawn/base")} == {2}
    assert steps["drawn/weak"].config["sampling"]["max_tokens"] == 48
    suite = steps["eval/preferred/world"].config["sampling"]
    assert (suite["n"], suite["max_tokens"], suite["temperature"]) == (2, 48, 0.6)
    assert len(loaded(small.plan, "suites/world")) == 5


def test_any_trace_and_any_pair_will_do_but_order_and_number_stay(small):
    chosen, pairs = (small.plan.steps[name].config for name in ("chosen", "pairs"))
    assert (chosen["where"], chosen["by"], chosen["take"]) == ({}, ["n_tokens"], 100)
    assert [(one["when"], one["chosen"], one["rejected"]) for one in pairs["rules"]] == [
        ({}, {}, {})
    ]
    assert pairs["length"]["tokens_apart"] is None


def test_training_is_two_updates_of_what_the_recipe_says(small):
    tuned, preferred = (small.plan.steps[name].config for name in ("tuned", "preferred"))
    assert (tuned["updates"], tuned["batch"], tuned["min_examples"]) == (2, 4, 1)
    assert tuned["lora"]["targets"] == "all_linear" and tuned["objective"] == "sft"
    # the weak model is not here: its stand-in's tokens are not those that max_length counts
    assert tuned["trainer"] == {"learning_rate": 1e-5}
    assert (preferred["updates"], preferred["batch"]) == (2, 2)
    assert preferred["trainer"] == {"beta": 0.3}


def test_models_become_random_ones_that_are_asked_the_same(small, tmp_path):
    real, _ = load_plan(written(tmp_path), seed=None)
    weak, base = (small.plan.steps[name] for name in ("weak", "base"))
    assert (weak.stage, weak.config["like"], weak.config["dtype"]) == (
        "scratch",
        "Org/Weak-Qwen2.5",
        "bfloat16",
    )
    assert weak.config["prompt"] == real.steps["weak"].config["prompt"]
    assert "overlap" not in small.data["evaluate"]
    assert base.config["size"] == "weak" and base.config["tokens"] < 100_000
    assert any("Org/Weak-Qwen2.5 is not on disk" in line for line in small.replaced)


def test_the_plan_has_the_same_steps_and_says_what_it_is(small, tmp_path):
    real, _ = load_plan(written(tmp_path), seed=None)
    # sets that others are cut out of, and no step takes, are no longer needed
    assert {*real.steps} - {*small.plan.steps} == {"all", "made"}
    assert small.plan.name == "tiny-smoke" and "accuracies mean nothing" in small.plan.title
    stream = io.StringIO()
    YAML().dump(small.data, stream)
    assert YAML(typ="safe", pure=True).load(stream.getvalue()) == small.data


def test_a_set_that_is_not_here_becomes_five_problems_of_the_world(tmp_path):
    text = RECIPE.replace("%(problems)s", "gone.jsonl")
    small = made(written(tmp_path, text))
    ids = {name: {one.id for one in loaded(small.plan, name)} for name in ("low", "high")}
    assert [len(found) for found in ids.values()] == [5, 5] and not ids["low"] & ids["high"]
    assert all(one.gold for one in loaded(small.plan, "high"))
    assert small.data["evaluate"]["overlap"] == "allow"
    said = [line for line in small.replaced if "procedural world" in line]
    assert len(said) == 2 and "gone.jsonl: no such file" in said[0] + said[1]


def test_a_hub_set_without_network_or_cache_becomes_the_world(tmp_path):
    pytest.importorskip("datasets")
    text = RECIPE.replace("source: jsonl, file: %(problems)s", "source: hub, path: no/such-set")
    small = made(written(tmp_path, text))
    assert small.plan.steps["high"].config["source"] == "world"


def test_a_shipped_suite_that_is_not_here_becomes_the_world(tmp_path):
    pytest.importorskip("datasets")
    text = RECIPE.replace("suites: [world]", "suites: [world, gsm8k]")
    small = made(written(tmp_path, text))
    assert small.plan.steps["suites/gsm8k"].config["source"] == "world"
    assert small.plan.steps["eval/weak/gsm8k/graded"].config["kind"] == "number"
    assert len(loaded(small.plan, "suites/gsm8k")) == 5


IMPORT = "{import: {of: high, file: %s, model: somebody}}"


def imports(tmp_path: Path, **steps: str) -> Path:
    """The recipe with import steps (name to file) in place of its sampling."""
    lines = [f"  {name}: {IMPORT % file}" for name, file in steps.items()]
    start, end = RECIPE.index("  drawn: "), RECIPE.index("  graded: ")
    text = RECIPE[:start] + "\n".join(lines) + "\n" + RECIPE[end:]
    text = text.replace("without: low, take: 12}", "part: 1/1}")
    return written(tmp_path, text.replace("of: drawn,", f"of: [{', '.join(steps)}],"))


def responses(path: Path, texts: dict[int, list[str]]) -> None:
    rows = [{"id": str(n), "response": response} for n, response in texts.items()]
    path.write_text("\n".join(map(json.dumps, rows)))


def test_imported_problems_are_those_with_several_short_responses(tmp_path):
    high = {n: ["a" * n, "b"] for n in range(10, 20)} | {n: ["a"] for n in range(8)}
    responses(tmp_path / "one.jsonl", high)
    small = made(imports(tmp_path, one="one.jsonl"))
    real, _ = load_plan(tmp_path / "recipe.yaml", seed=None)
    ids = {one.id for one in loaded(small.plan, "high")}
    assert ids == {"10", "11", "12", "13", "14"}
    assert small.plan.steps["one"].config == real.steps["one"].config
    # imported traces may be long
    assert small.plan.steps["tuned"].config["batch"] == 1


def test_every_import_keeps_a_problem_that_it_answers(tmp_path):
    responses(tmp_path / "one.jsonl", {n: ["a", "b"] for n in range(10, 19)})
    responses(tmp_path / "two.jsonl", {19: ["a long response"]})
    small = made(imports(tmp_path, one="one.jsonl", two="two.jsonl"))
    assert "19" in {one.id for one in loaded(small.plan, "high")}


def test_responses_that_are_not_here_are_sampled(tmp_path):
    small = made(imports(tmp_path, drawn="gone.jsonl"))
    step = small.plan.steps["drawn"]
    assert (step.stage, step.roles["model"], step.of) == ("sample", "weak", ("high",))


def test_what_is_wrong_with_the_real_recipe_shows(tmp_path):
    with pytest.raises(ConfigError, match=r"steps\.tuned\.train: batch 32 .* 5 processes"):
        made(written(tmp_path), TrainProfile(processes=5))
    with pytest.raises(ConfigError, match=r"models\.weak: .* carries no prompt"):
        made(written(tmp_path), overrides=["models.weak.prompt=null"])
    (tmp_path / "bad.jsonl").write_text('{"id": "1", "ask": "?"}')
    text = RECIPE.replace("%(problems)s", "bad.jsonl")
    with pytest.raises(DataError, match=r"problems\.all: .*no text in 'question'"):
        made(written(tmp_path, text))


def test_the_small_batch_divides_over_the_profiles_processes(tmp_path):
    profile = TrainProfile(processes=2, micro_batch=1)
    assert made(written(tmp_path), profile).plan.steps["tuned"].config["batch"] == 4
    text = RECIPE.replace("updates: 50, batch: 2,", "updates: 50, batch: 24,")
    wide = TrainProfile(processes=8)
    assert made(written(tmp_path, text), wide).plan.steps["tuned"].config["batch"] == 8


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_made_small(recipe):
    pytest.importorskip("datasets")
    steps = made(recipe).plan.steps.values()
    assert not [step.name for step in steps if step.stage == "model"]
    assert {step.config["updates"] for step in steps if step.stage == "train"} == {2}
    samplings = [step.config["sampling"] for step in steps if step.stage == "sample"]
    assert all(one["n"] <= 2 and one["max_tokens"] <= 48 for one in samplings)


REAL = """
# A chat model's LoRA, taught and then preferred.
name: real
models: {student: {path: %(model)s, prompt: {template: "{question}", chat: true}, dtype: bfloat16}}
problems: {train: {source: gsm8k, file: %(train)s}}
steps:
  drawn: {sample: {model: student, of: train, sampling: {n: 8, max_tokens: 1024}}}
  graded: {check: {of: drawn, kind: number}}
  chosen: {select: {of: graded, where: {graded.correct: true}, per: problem, take: 1}}
  pairs: {pair: {of: graded, rules: [{chosen: {graded.correct: true}, rejected: {}}]}}
  tuned:
    train:
      {objective: sft, init: student, of: chosen, batch: 64, dtype: bfloat16, lora: all_linear,
       trainer: {num_train_epochs: 3, max_length: 512}}
  preferred:
    train: {objective: dpo, init: tuned, of: pairs, batch: 64, lora: all_linear, updates: 90}
suites: {gsm8k: {problems: {file: %(test)s}}}
evaluate: {suites: [gsm8k], models: {student: student, preferred: preferred}}
"""


def smoked(recipe: Path, runs: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reason_w2s.cli", "run", str(recipe), "--smoke"]
    where = ["--profile", str(ROOT / "launch" / "profiles" / "cpu.yaml"), "--runs", str(runs)]
    return subprocess.run(
        [*command, *where], capture_output=True, text=True, check=False, timeout=280
    )


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.vllm
def test_a_recipe_is_tried_on_real_engines_once_its_template_is_there(tmp_path):
    pytest.importorskip("vllm")
    model = make_model(tmp_path / "model", positions=512)
    for file in model.glob("*.safetensors"):
        file.unlink()
    fixtures = ROOT / "tests" / "fixtures" / "gsm8k"
    files = {name: fixtures / f"{name}.jsonl" for name in ("train", "test")}
    recipe = written(tmp_path, REAL, model=model, **files)
    failed = smoked(recipe, tmp_path)
    assert failed.returncode == 2 and "smoke passed" not in failed.stdout
    assert "drawn" in failed.stderr and "has no template" in failed.stderr
    (model / "chat_template.jinja").write_text("{{ messages[0].content }}\n")
    passed = smoked(recipe, tmp_path)
    assert passed.returncode == 0, passed.stderr[-2000:]
    assert "%" not in passed.stdout, "a table of accuracies that mean nothing"
    run = tmp_path / "real-smoke" / "run"
    steps = json.loads((run / "manifest.json").read_text())["steps"]
    assert f"smoke passed: {len(steps)} steps in " in passed.stdout
    assert steps["drawn"]["counts"]["out"] == 10
    assert steps["preferred"]["counts"]["updates"] == 2
    assert not (tmp_path / "store").exists() and "SMOKE RUN" in (run / "report.html").read_text()
