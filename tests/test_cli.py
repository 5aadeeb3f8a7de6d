"""The commands, their exit codes and what they leave behind."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from reason_w2s.runs.run import Run
from tests.runs.small import RECIPE, ROOT, command, main, one_line, project, start

EVALUATED = RECIPE + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"


def test_help_names_the_commands(monkeypatch, capsys):
    code, out, _ = main(["--help"], monkeypatch, capsys)
    assert code == 0
    for name in ("run", "plan", "status", "eval", "check", "show", "report"):
        assert f" {name} " in out


@pytest.mark.parametrize("option", ["--on", "--profile"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "small.yaml"],
        ["plan", "small.yaml"],
        ["doctor", "small.yaml"],
        ["status", "small.yaml"],
        ["eval", "nobody/weak", "--suite", "suite.yaml", "--prompt", "qa"],
    ],
)
def test_a_profile_is_named_by_either_word(arguments, option, tmp_path, monkeypatch, capsys):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, err = main([*arguments, option, "nowhere.yaml"], monkeypatch, capsys)
    assert code == 2
    assert "nowhere.yaml: no such file" in one_line(err)


@pytest.mark.parametrize("arguments", [["rnu"], ["run"], ["run", "x.yaml", "--sed", "1"]])
def test_usage_mistakes_exit_with_2(arguments, monkeypatch, capsys):
    code, _, err = main(arguments, monkeypatch, capsys)
    assert code == 2
    assert "Traceback" not in err
    assert err.strip()


def test_run_as_a_process_ends_in_the_table(tmp_path):
    path = project(tmp_path, EVALUATED)
    code, out, err = command(["run", path.name, "--profile", "fake.yaml"], tmp_path)
    assert code == 0, err
    assert "report: runs/small/report.html" in out
    assert "Traceback" not in err
    assert Run.open(tmp_path / "runs" / "small").items.keys() >= {"drawn", "pairs"}


def test_the_seed_is_in_the_runs_name(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    monkeypatch.chdir(tmp_path)
    for more, folder in (
        (["--seed", "3"], "small-seed3"),
        (["--name", "mine"], "mine"),
        ([], "small"),
    ):
        code, _, _ = main(["run", path.name, "--profile", "fake.yaml", *more], monkeypatch, capsys)
        assert code == 0
        assert (tmp_path / "runs" / folder / "manifest.json").is_file()
    assert json.loads((tmp_path / "runs/small-seed3/manifest.json").read_text())["seed"] == 3


def test_runs_go_where_asked(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REASON_W2S_RUNS", str(tmp_path / "there"))
    assert main(["run", path.name, "--profile", "fake.yaml"], monkeypatch, capsys)[0] == 0
    assert (tmp_path / "there" / "small" / "manifest.json").is_file()
    assert not (tmp_path / "runs").exists()


def test_eval_measures_a_checkpoint(tmp_path, monkeypatch, capsys):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    arguments = ["eval", "nobody/weak", "--suite", "suite.yaml", "--prompt", "qa"]
    fake = ["--profile", "fake.yaml"]
    code, out, _ = main([*arguments, *fake], monkeypatch, capsys)
    assert code == 0
    assert "suite" in out
    found = json.loads((tmp_path / "runs/eval-nobody-weak-suite/results.json").read_text())
    (score,) = found["scores"]
    assert score["n"] == 5
    assert score["labels"] is None, "what a model made elsewhere was trained on is not known"
    # with a change to the suite
    more = "suites.suite.problems.take=7"
    code, _, _ = main([*arguments, *fake, more], monkeypatch, capsys)
    assert code == 0
    found = json.loads((tmp_path / "runs/eval-nobody-weak-suite/results.json").read_text())
    assert found["scores"][0]["n"] == 7
    (tmp_path / "mine.yaml").write_text('template: "Mine: {question}"\n')
    mine = [*arguments[:-1], "mine.yaml", *fake, "--name", "mine"]
    assert main(mine, monkeypatch, capsys)[0] == 0
    recipe = (tmp_path / "runs/mine/recipe.yaml").read_text()
    assert "Mine: {question}" in recipe, "the run keeps the prompt itself, not a file's name"
    code, _, err = main([*arguments[:3], "gsm9k", *fake], monkeypatch, capsys)
    assert code == 2
    assert "'gsm8k'?" in one_line(err)


def test_report_writes_it_again(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, EVALUATED)
    monkeypatch.chdir(tmp_path)
    _, first, _ = main(["run", path.name, "--profile", "fake.yaml"], monkeypatch, capsys)
    page = tmp_path / "runs" / "small" / "report.html"
    text = page.read_text()
    page.unlink()
    code, out, _ = main(["report", "runs/small"], monkeypatch, capsys)
    assert code == 0
    assert out == first
    assert page.read_text() == text


def test_check_grades_a_file(tmp_path, monkeypatch, capsys):
    rows = [
        {"response": "The answer is \\boxed{7}.", "gold": "7"},
        {"response": "The answer is \\boxed{8}.", "gold": "7"},
        {"response": "", "gold": "7"},
    ]
    file, out_file = tmp_path / "r.jsonl", tmp_path / "v.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    code, out, err = main(["check", str(file), "--out", str(out_file)], monkeypatch, capsys)
    assert code == 0
    counts = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    assert counts["correct"] == ["1", "33.3%"]
    assert counts["boxed"] == ["2", "66.7%", "1", "1", "0"]
    assert err.startswith("checked  3 rows in ")
    verdicts = [
        json.loads(line)["verdict"]["correct"] for line in out_file.read_text().splitlines()
    ]
    assert verdicts == [True, False, False]
    code, _, err = main(["check", str(file), "--gold", "answer"], monkeypatch, capsys)
    assert code == 2
    assert "r.jsonl:1: no column 'answer' (the row has: response, gold)" in one_line(err)


def test_ctrl_c_keeps_what_is_done_and_says_so(tmp_path):
    slow = "  slow: {import: {of: train, file: answers.jsonl, model: m}}\n"
    path = project(tmp_path, RECIPE + slow, n=3)
    (tmp_path / "answers.jsonl").write_text("")
    # the command line with an import that never ends
    (tmp_path / "hold.py").write_text(
        "import time\nfrom reason_w2s import cli\nfrom reason_w2s.runs.makers import imported\n"
        "imported.matched = lambda *_, **__: time.sleep(60)\ncli.main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "hold.py", "run", path.name, "--profile", "fake.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background jobs ignore Ctrl-C, and so would their children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    manifest = tmp_path / "runs" / "small" / "manifest.json"
    deadline = time.monotonic() + 60
    while not (manifest.is_file() and "pairs" in manifest.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert err.splitlines()[-1].startswith("stopped; what is finished is kept")
    assert "Traceback" not in err
    assert "pairs" in json.loads(manifest.read_text())["steps"]


def test_two_commands_on_one_run(tmp_path):
    path = project(tmp_path)
    lock = tmp_path / "runs" / "small"
    lock.mkdir(parents=True)
    with (lock / ".lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        process = start(["run", path.name, "--profile", "fake.yaml"], tmp_path)
        _, err = process.communicate(timeout=200)
    assert process.returncode == 3
    assert "another process is working on this run" in one_line(err)


def test_a_suite_of_ones_own(tmp_path, monkeypatch, capsys):
    inline = "suites: {mine: {problems: {source: jsonl, file: data.jsonl, take: 3}}}\n"
    recipe = RECIPE + inline + "evaluate: {suites: [mine, suite.yaml], models: {weak: weak}}\n"
    path = project(tmp_path, recipe)
    # a file is looked for beside the recipe, not where the command was given
    monkeypatch.chdir(tmp_path.parent)
    fake = ["--profile", str(tmp_path / "fake.yaml"), "--runs", str(tmp_path / "runs")]
    code, _, _ = main(["run", str(path), *fake], monkeypatch, capsys)
    assert code == 0
    found = json.loads((tmp_path / "runs/small/results.json").read_text())
    assert [(score["suite"], score["n"]) for score in found["scores"]] == [
        ("mine", 3),
        ("suite", 5),
    ]
    (tmp_path / "gsm8k.yaml").write_text("problems: {source: gsm8k}\n")
    (tmp_path / "twice.yaml").write_text(recipe.replace("suite.yaml", "gsm8k.yaml"))
    code, _, err = main(["plan", str(tmp_path / "twice.yaml")], monkeypatch, capsys)
    assert code == 2
    assert "'gsm8k' is a shipped suite's name" in one_line(err)
