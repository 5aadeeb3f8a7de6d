"""A small run with real training: imported answers, some wrong, one cut, one missing."""

from __future__ import annotations

import json
from pathlib import Path

from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Run
from reason_w2s.train.config import TrainProfile
from tests.runs.small import run

PROFILE = Profile(isolate="none", sampler="fake", train=TrainProfile(threads=1))
RECIPE = """\
# Answers of two teachers, one of them sloppy.
name: made
prompts:
  ask: {template: "Question: {question} Answer:", separator: " "}
models:
  student: {path: MODEL, prompt: ask}
problems:
  train: {source: jsonl, file: data.jsonl}
  secret: {source: jsonl, file: data.jsonl, labels: audit}
steps:
  told: {import: {of: train, file: [one.jsonl, two.jsonl], columns: {model: by, finish: done}}}
  graded: {check: {of: told, kind: number}}
  clean: {stepcheck: {of: graded}}
  chosen: {select: {of: clean, where: {graded.correct: true}}}
  pairs:
    pair: {of: clean, rules: [{chosen: {graded.correct: true}, rejected: {graded.correct: false}}]}
  tuned: {train: {objective: sft, init: student, of: chosen, batch: 2, updates: 1}}
  preferred: {train: {objective: dpo, init: student, of: pairs, batch: 2, updates: 1}}
  learned:
    train: {objective: sft, target: solution, init: student, of: train, batch: 2, updates: 1}
  whispered: {import: {of: secret, file: one.jsonl, columns: {model: by, finish: done}}}
  audited: {check: {of: whispered, kind: number}}
"""


def make(folder: Path, model: Path) -> Run:
    """The run, in `folder`/runs/one."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "data.jsonl", [_problem(number) for number in range(4)])
    right = [_answer(number, number + 1, by="careful", done=number != 3) for number in range(4)]
    wrong = [_answer(number, number + 2, by="sloppy", done=True) for number in range(3)]
    _write(folder / "one.jsonl", right)
    _write(folder / "two.jsonl", [*wrong, {"id": "3", "response": None}])
    path = folder / "made.yaml"
    path.write_text(RECIPE.replace("MODEL", str(model)))
    return run(path, profile=PROFILE)


def _problem(number: int) -> dict[str, str]:
    solution = f"then {number} + 1 = {number + 1} ."
    answer = str(number + 1)
    return {"id": str(number), "question": f"{number} + 1", "answer": answer, "solution": solution}


def _answer(number: int, said: int, *, by: str, done: bool) -> dict[str, object]:
    text = f"so {number} + 1 = {said} .\nThe answer is {said} ."
    return {"id": str(number), "response": text, "by": by, "done": done}


def _write(path: Path, rows: list[dict[str, object]] | list[dict[str, str]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
