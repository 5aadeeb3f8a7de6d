"""A small run with every section of its results, made with the fake engine."""

from __future__ import annotations

import io
from pathlib import Path

from reason_w2s.report import command
from reason_w2s.runs.run import Run
from tests.runs.small import RECIPE, project, run

MODELS = """\
  student: {path: nobody/student, prompt: qa}
  best: {path: nobody/best, prompt: qa}
problems:
"""
EVALUATE = """\
evaluate:
  suites: [suite.yaml]
  models: {teacher: weak, tuned: student, ceiling: best}
  compare: [[tuned, teacher]]
  gaps:
    pgr: {floor: teacher, reached: tuned, ceiling: ceiling}
    gain: {base: teacher, reached: tuned}
  controls: {headroom: tuned}
suites:
  suite: {sampling: {n: 4, temperature: 0.7, max_tokens: 64}}
"""


def measured(folder: Path, name: str = "one", *overrides: str) -> Run:
    """The run, reported, in `folder/runs/NAME`."""
    recipe = project(folder, RECIPE.replace("problems:\n", MODELS, 1) + EVALUATE)
    done = run(recipe, *overrides, name=name)
    command.report([done], None, io.StringIO())
    return done
