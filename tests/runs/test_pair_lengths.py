"""Every pair step's length bias is reported, wherever the step stands."""

from __future__ import annotations

from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.results import compute
from reason_w2s.runs.run import Selection
from tests.runs.small import RECIPE, project, run

PAIRS = "{of: graded, rules: [{chosen: {graded.correct: true}, rejected: {graded.correct: false}}]}"
BLOCK = f"""\
  rounds:
    for: {{round: [1, 2]}}
    do:
      own: {{sample: {{model: weak, of: train, seed: "${{round}}", sampling: {{n: 4}}}}}}
      graded: {{check: {{of: own, kind: number}}}}
      more: {{pair: {PAIRS}}}
"""
USED = """\
  others: {use: {recipe: other.yaml, step: pairs}}
  taught: {train: {objective: dpo, init: weak, of: others, batch: 2, updates: 1}}
"""


def test_pairs_in_blocks_and_of_used_recipes_are_told_too(tmp_path):
    path = project(tmp_path, RECIPE + BLOCK + USED)
    other = RECIPE.replace("n: 4", "n: 6").replace("name: small", "name: other")
    (tmp_path / "other.yaml").write_text(other)
    plan, _ = load_plan(path, seed=None)
    names = tuple(name for name, step in plan.steps.items() if step.kind == "pairs")
    done = run(path, selection=Selection(until=names))
    made = {name: item for name, item in done.items.items() if item.kind == "pairs"}
    found = {one["step"]: one for one in compute(done)["lengths"]}
    assert set(found) == set(made) == set(names)
    assert len(found) == 4
    for name, one in found.items():
        assert one["pairs"] == made[name].counts["pairs"] > 0
        assert 0 <= one["low"] <= one["auc"] <= one["high"] <= 1
