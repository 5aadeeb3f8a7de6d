"""Mistakes on the command line, in models and profiles: one line, and nothing is lost."""

from __future__ import annotations

import sys

import pytest

from tests.engines import shells
from tests.runs.small import RECIPE, TRAIN, command, main, one_line, project, run, snapshot

TRAINED = RECIPE + TRAIN

# id: (arguments after `run small.yaml --profile fake.yaml`, what the line must say)
ARGUMENTS: dict[str, tuple[list[str], list[str]]] = {
    "step": (["steps.drwn.sample.sampling.n=2"], ["no 'drwn' in steps", "'drawn'?"]),
    "model": (["models.wek.path=x"], ["no 'wek' in models", "'weak'?"]),
    "key of a step": (["steps.drawn.sample.sampling.m=2"], ["steps.drawn.sample.sampling", "'m'"]),
    "top level": (["seeds=3"], ["unknown key 'seeds'", "'seed'?"]),
    "no sign": (["steps.drawn"], ["'steps.drawn'", "expected key=value"]),
    "not YAML": (["seed=[1"], ["[1", "YAML"]),
    "value": (["steps.drawn.sample.sampling.n=four"], ["sampling.n", "got 'four'"]),
    "until": (["--until", "grade"], ["no step 'grade'", "'graded'?"]),
    "from": (["--from", "grade"], ["no step 'grade'", "'graded'?"]),
    "only": (["--only", "grade"], ["no step 'grade'", "'graded'?"]),
    "redo": (["--redo", "grade"], ["no step 'grade'", "'graded'?"]),
    "from later than until": (["--from", "pairs", "--until", "drawn"], ["nothing to do"]),
    "only, unmade": (
        ["--only", "graded", "--name", "new", "seed=5"],
        ["'graded' needs 'drawn'", "--until"],
    ),
    "from, unmade": (
        ["--from", "graded", "--name", "new", "seed=5"],
        ["'graded' needs 'drawn'", "made yet"],
    ),
    "overlay": (["--with", "none.yaml"], ["none.yaml", "no such file"]),
    "profile": (["--profile", "none.yaml"], ["none.yaml", "no such file"]),
    "engine": (["--engine", "vlm"], ["sampler", "'vllm', 'hf', 'server' or 'fake'", "'vlm'"]),
    "batch in a profile": (
        ["--profile", "batch.yaml"],
        ["batch.yaml: train", "'batch'", "recipes/"],
    ),
    "typo in a profile": (["--profile", "typo.yaml"], ["typo.yaml", "'isolat'", "'isolate'?"]),
    "lora in a profile": (["--profile", "lora.yaml"], ["lora.yaml", "'lora'", "train step"]),
    "rule of an overlay": (["--with", "rule.yaml"], ["rule.yaml: every[0]", "'where' and 'set'"]),
    "operator of an overlay": (["--with", "operator.yaml"], ["every[0].where.stage", "'is'"]),
    "key of an overlay": (["--with", "key.yaml"], ["stepcheck", "'kep'"]),
}
FILES = {
    "batch.yaml": "train: {batch: 4}",
    "typo.yaml": "isolat: none",
    "lora.yaml": "lora: {}",
    "rule.yaml": "every: [{where: {stage: check}}]",
    "operator.yaml": "every: [{where: {stage: {is: check}}, set: {}}]",
    "key.yaml": "steps: {clean: {stepcheck: {kep: 1}}}",
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_mistake_on_the_command_line_is_one_line(name, tmp_path, monkeypatch, capsys):
    arguments, said = ARGUMENTS[name]
    path = project(tmp_path)
    run(path, name="small")
    for file, text in FILES.items():
        (tmp_path / file).write_text(text)
    before = snapshot(tmp_path)
    monkeypatch.chdir(tmp_path)
    fake = [] if "--profile" in arguments or "--engine" in arguments else ["--profile", "fake.yaml"]
    code, _, err = main(["run", path.name, *fake, *arguments], monkeypatch, capsys)
    line = one_line(err)
    assert code == 2, err
    for part in said:
        assert part in line, line
    after = snapshot(tmp_path)
    # a run of a new name leaves a lock behind, nothing else
    assert {name: state for name, state in after.items() if name in before} == before
    assert set(after) - set(before) <= {"runs/new/.lock"}


def test_a_missing_recipe(tmp_path, monkeypatch, capsys):
    code, _, err = main(["run", str(tmp_path / "no.yaml")], monkeypatch, capsys)
    assert code == 2
    assert "no.yaml: no such file" in one_line(err)


@pytest.mark.parametrize(
    ("engine", "module"),
    [
        pytest.param("vllm", "vllm", marks=pytest.mark.torch),
        ("vllm", "transformers"),
        ("hf", "torch"),
    ],
)
def test_an_engine_that_is_not_installed(engine, module, request, tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    whole = module == "vllm"
    model = (
        request.getfixturevalue("tiny_model")
        if whole
        else shells.model(tmp_path / "model", **{"tokenizer.json": "{}"})
    )
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "real.yaml").write_text(f"{{isolate: none, sampler: {engine}}}")
    arguments = ["run", path.name, "--profile", "real.yaml", f"models.weak.path={model}"]
    monkeypatch.chdir(tmp_path)
    code, _, err = main(arguments, monkeypatch, capsys)
    line = one_line(err)
    assert code == 2
    assert "steps.drawn.sample" in line
    assert f"{module} is not installed" in line
    assert "pip install" in line


def test_a_model_folder_that_is_not_there(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    arguments = ["run", path.name, "--engine", "vllm", "models.weak.path=./gone"]
    monkeypatch.chdir(tmp_path)
    code, _, err = main(arguments, monkeypatch, capsys)
    line = one_line(err)
    assert code == 2
    assert "models.weak.path" in line
    assert "gone" in line


def test_a_model_without_a_prompt(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, RECIPE.replace(", prompt: qa", ""))
    monkeypatch.chdir(tmp_path)
    code, _, err = main(["run", path.name, "--profile", "fake.yaml"], monkeypatch, capsys)
    assert code == 2
    assert "models.weak" in one_line(err)
    assert "models.weak.prompt" in one_line(err)
    evaluated = ["eval", "nobody/weak", "--suite", "suite.yaml", "--profile", "fake.yaml"]
    code, _, err = main(evaluated, monkeypatch, capsys)
    assert code == 2
    assert "--prompt NAME in eval" in one_line(err)


@pytest.mark.torch
def test_too_few_examples(tmp_path, tiny_model, monkeypatch, capsys):
    path = project(tmp_path, TRAINED)
    few = ["steps.chosen.select.take=0", f"models.weak.path={tiny_model}"]
    monkeypatch.chdir(tmp_path)
    code, _, err = main(["run", path.name, "--profile", "fake.yaml", *few], monkeypatch, capsys)
    line = one_line(err)
    assert code == 2
    assert "steps.tuned.train" in line
    assert "0 examples" in line
    assert "at least 1" in line


def test_the_same_lines_from_a_process(tmp_path):
    """What the tables see in process is what a shell sees."""
    path = project(tmp_path)
    run(path, name="small")
    before = snapshot(tmp_path)
    for arguments, said in (
        (["steps.drwn.x=1"], "'drawn'?"),
        (["--until", "grade"], "'graded'?"),
        (["problems.train.file=gone.jsonl"], "gone.jsonl: no such file"),
    ):
        code, _, err = command(["run", path.name, "--profile", "fake.yaml", *arguments], tmp_path)
        assert code == 2
        assert said in one_line(err)
        assert len(err.splitlines()) == 1
    assert snapshot(tmp_path) == before


def test_failing_after_some_steps_keeps_them(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    done = run(path)
    before = snapshot(tmp_path / "runs" / "store")
    monkeypatch.chdir(tmp_path)
    bad = "steps.chosen.select.where={finish_reason: {min: 3}}"
    arguments = ["run", path.name, "--profile", "fake.yaml", "--name", "one", bad]
    code, _, err = main(arguments, monkeypatch, capsys)
    assert code == 2
    assert "need numbers" in one_line(err)
    after = snapshot(tmp_path / "runs" / "store")
    assert {name: state for name, state in after.items() if name in before} == before
    again = run(path)
    assert again.items == done.items


def test_a_batch_the_profile_cannot_share_out_is_said_before_anything_runs(
    tmp_path, monkeypatch, capsys
):
    path = project(tmp_path, TRAINED)
    (tmp_path / "three.yaml").write_text("{isolate: none, sampler: fake, train: {processes: 3}}\n")
    monkeypatch.chdir(tmp_path)
    code, _, err = main(["run", path.name, "--profile", "three.yaml"], monkeypatch, capsys)
    assert code == 2
    assert "steps.tuned.train: batch 2 does not divide over 3 processes" in one_line(err)
    assert not (tmp_path / "runs" / "store").exists()
