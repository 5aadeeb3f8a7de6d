"""Training on verdicts: which traces it is of, what is left out, and whose gold labels it uses."""

from __future__ import annotations

import pytest

from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from reason_w2s.runs.makers.trained import examples
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Selection
from reason_w2s.stages.train import TrainConfig
from tests.runs.small import RECIPE, project, run

VERDICTS = RECIPE.replace("{path: nobody/weak, prompt: qa}", "{scratch: {of: train}, prompt: qa}")
VERDICTS += """\
  votes: {vote: {of: graded}}
  tuned: {train: {objective: kto, init: weak, of: votes, label: LABEL, batch: 4, updates: 1}}
"""


def labelled(column: str) -> str:
    return VERDICTS.replace("LABEL", column)


def test_gold_use_is_that_of_the_label(tmp_path) -> None:
    found = {}
    for column in ("graded.correct", "votes.agrees"):
        plan, _ = load_plan(project(tmp_path, labelled(column)), seed=None)
        found[column] = gold_use(plan, "tuned")
    assert found == {"graded.correct": {GoldUse("train", "answers")}, "votes.agrees": set()}


def test_examples_are_the_traces_with_a_verdict(tmp_path) -> None:
    """Those of the fake engine that give no answer neither agree nor differ."""
    path = project(tmp_path, labelled("votes.agrees"), n=40)
    done = run(path, selection=Selection(until=("votes",)))
    rows = list(done.rows("votes"))
    config = TrainConfig.model_validate(load_plan(path, seed=None)[0].steps["tuned"].config)
    made = list(examples(done.store, [done.items["votes"]], config))
    verdicts = [row.columns["votes.agrees"] for row in rows]
    assert 0 < verdicts.count(None) < len(rows)
    assert len(made) == len(rows) - verdicts.count(None)
    assert [one.wanted for one in made] == [one for one in verdicts if one is not None]
    cut = [one for one in made if not one.answer.ends]
    assert all(row.trace.finish_reason == "stop" for row in rows) or cut


@pytest.mark.torch
def test_what_is_left_out_is_counted_and_said(tmp_path) -> None:
    pytest.importorskip("trl")
    done = run(project(tmp_path, labelled("votes.agrees"), n=12))
    without = [row for row in done.rows("votes") if row.columns["votes.agrees"] is None]
    item = done.items["tuned"]
    assert item.counts["left_out"] == len(without) > 0
    assert item.counts["examples"] + len(without) == len(list(done.rows("votes")))
    said = f"{len(without)} traces without votes.agrees were left out"
    assert item.counts["said"] == said
    assert said in (item.folder() / "README.md").read_text()
    (trained,) = results(done)["trained"][-1:]
    assert trained["left_out"] == len(without)
    wanted = sum(row.columns["votes.agrees"] is True for row in done.rows("votes"))
    weights = {"desirable_weight": 1.0, "undesirable_weight": 1.0}
    others = item.counts["examples"] - wanted
    assert trained["verdicts"] == {"wanted": wanted, "unwanted": others, **weights}
