"""A small recipe with the fake engine, and ways to run it: in process, by `main`, as a process."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from reason_w2s import cli
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Run, Selection, execute

ROOT = Path(__file__).parents[2]
FAKE = Profile(isolate="none", sampler="fake")
KINDS = Profile(isolate="kind", sampler="fake")

RECIPE = """\
# Draw, grade, choose.
name: small
models:
  weak: {path: nobody/weak, prompt: qa}
problems:
  train: {source: jsonl, file: data.jsonl}
steps:
  drawn: {sample: {model: weak, of: train, sampling: {n: 4, max_tokens: 64}}}
  graded: {check: {of: drawn, kind: number}}
  clean: {stepcheck: {of: graded}}
  chosen: {select: {of: clean, where: {graded.correct: true}, per: problem, take: 1}}
  pairs:
    pair: {of: clean, rules: [{chosen: {graded.correct: true}, rejected: {graded.correct: false}}]}
"""
TRAIN = "  tuned: {train: {objective: sft, init: weak, of: chosen, batch: 2, updates: 1}}\n"
SUITE = "problems: {source: jsonl, file: data.jsonl, take: 5}\nsampling: {max_tokens: 64}\n"


def problem(number: int) -> dict[str, Any]:
    """One row of a problem file; the answer is two times the number plus three."""
    more = number + 3
    return {
        "id": f"p{number}",
        "question": f"Tom has {number} apples and finds {more} more. How many has he now?",
        "answer": str(number + more),
        "solution": f"{number} + {more} = {number + more}",
        "level": 1 + number % 3,
    }


def project(folder: Path, recipe: str = RECIPE, *, n: int = 12) -> Path:
    """A folder with problems, a suite, a profile and a recipe; the recipe's path."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps(problem(number)) for number in range(n)]
    (folder / "data.jsonl").write_text("\n".join(rows) + "\n")
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "fake.yaml").write_text("{isolate: none, sampler: fake}\n")
    path = folder / "small.yaml"
    path.write_text(recipe)
    return path


def run(
    recipe: Path,
    *overrides: str,
    name: str = "one",
    profile: Profile = FAKE,
    selection: Selection | None = None,
    said: io.StringIO | None = None,
) -> Run:
    """Run a recipe in this process, in `runs/NAME` beside it."""
    plan, data = load_plan(recipe, overrides=overrides, seed=None)
    folder = recipe.parent / "runs" / name
    console = Console(file=said or io.StringIO(), width=200)
    chosen = selection or Selection()
    return execute(plan, data, folder, profile, selection=chosen, console=console)


def main(arguments: list[str], monkeypatch: Any, capsys: Any) -> tuple[int, str, str]:
    """The command line in this process: exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["reason-w2s", *arguments])
    code: Any = 0
    capsys.readouterr()
    try:
        cli.main()
    except SystemExit as stop:
        code = stop.code or 0
    out, err = capsys.readouterr()
    return code, out, err


def start(arguments: list[str], folder: Path, **environment: str) -> subprocess.Popen[str]:
    """The command line as a process of its own, in `folder`."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "reason_w2s.cli", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(arguments: list[str], folder: Path, **environment: str) -> tuple[int, str, str]:
    """The same, to its end: exit code, stdout, stderr."""
    process = start(arguments, folder, **environment)
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder with its modification time and bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def texts(done: Run, step: str) -> dict[str, str]:
    """Trace key -> text of a step."""
    return {row.trace.key: row.trace.text for row in done.rows(step)}


def one_line(err: str) -> str:
    """The one line of an error; a traceback, or a second one, fails."""
    lines = [line for line in err.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("error: ")]
    assert len(said) == 1, err
    assert lines[-1] == said[0], err
    assert "Traceback" not in err
    return said[0]


def made(said: io.StringIO) -> list[str]:
    """The steps that a run reported as made."""
    return [line.split("]")[1].split()[0] for line in said.getvalue().splitlines()]


def again(recipe: Path, *overrides: str, **keywords: Any) -> tuple[Run, list[str]]:
    """Run it once more; also the steps that were made."""
    said = io.StringIO()
    return run(recipe, *overrides, said=said, **keywords), made(said)
