"""Pairs of several steps' traces in given shares, through the store."""

from __future__ import annotations

from collections import Counter

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan
from tests.runs.small import project, run

RECIPE = """\
# Two models' pairs, three of one to one of the other.
name: small
models:
  weak: {path: nobody/weak, prompt: qa}
  own: {path: nobody/own, prompt: qa}
problems:
  train: {source: jsonl, file: data.jsonl}
steps:
  theirs: {sample: {model: weak, of: train, sampling: {n: 6, max_tokens: 64}}}
  each:
    for: {round: [1, 2]}
    carry: {policy: own}
    next: {policy: asked}
    do:
      mine: {sample: {model: policy, of: train, sampling: {n: 6, max_tokens: 64}}}
      graded: {check: {of: [mine, theirs], kind: number}}
      pairs:
        pair:
          of: graded
          rules: [{chosen: {graded.correct: true}, rejected: {graded.correct: false}, max: 9}]
          mix: {mine: 0.75, theirs: 0.25}
      asked: {prompted: {model: policy, prompt: simple}}
"""


def test_each_pair_is_of_one_source_and_the_shares_hold(tmp_path):
    done = run(project(tmp_path, RECIPE))
    for number, mine in ((1, "own"), (2, "each.1.asked")):
        pairs, named = done.pairs(f"each.{number}.pairs")
        models = [(named[one.chosen].trace.model, named[one.rejected].trace.model) for one in pairs]
        found = Counter(models)
        assert set(found) == {(mine, mine), ("weak", "weak")}
        assert 3 * found["weak", "weak"] in range(found[mine, mine] - 2, found[mine, mine] + 3), (
            found
        )
        counts = done.items[f"each.{number}.pairs"].counts
        assert counts["in"] == counts["out"] + sum(counts["dropped"].values()) == 12


MISTAKES = {
    "unknown": ("mine: 0.75", "mien: 0.75", r"mix: no traces of a step 'mien' come here"),
    "a model": ("mine: 0.75", "weak: 0.75", r"mix: no traces of a step 'weak' come here"),
    "sum": ("mine: 0.75", "mine: 0.7", r"mix: .*must sum to 1, got 0.7 \+ 0.25"),
}


@pytest.mark.parametrize(("old", "new", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_say_where(tmp_path, old, new, says):
    with pytest.raises(ConfigError, match=says):
        load_plan(project(tmp_path, RECIPE.replace(old, new, 1)), seed=None)
