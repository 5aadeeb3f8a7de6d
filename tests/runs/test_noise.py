"""A rate measured on an audited sample, on its way into a loss, its label budget and its card."""

from __future__ import annotations

import pytest

from reason_w2s.errors import DataError
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from reason_w2s.runs.items import Item
from reason_w2s.runs.makers.trained import _key, _settings
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Selection
from reason_w2s.runs.work import Work
from tests.runs.small import FAKE, project, run

AUDIT = """\
# Pairs by vote; how many are flipped, on an audited sample.
name: small
models:
  weak: {path: nobody/weak, prompt: qa}
problems:
  train: {source: jsonl, file: data.jsonl, labels: audit}
  audited: {of: train, take: 40, salt: 1, labels: gold}
steps:
  made:
    for: {set: [train, audited]}
    do:
      drawn: {sample: {model: weak, of: "${set}", sampling: {n: 4, max_tokens: 64}}}
      graded: {check: {of: drawn, kind: number}}
      votes: {vote: {of: graded}}
      pairs:
        pair: {of: votes, rules: [{chosen: {votes.agrees: true}, rejected: {votes.agrees: false}}]}
  noise: {noise: {of: made.audited.pairs, truth: made.audited.graded.correct, least: 5}}
"""
ROBUST = """\
  tuned:
    train:
      {objective: dpo, init: weak, of: made.train.pairs, noise: noise, batch: 2, updates: 1,
       trainer: {loss_type: robust}}
"""


def test_only_the_audited_answers_are_used(tmp_path) -> None:
    plan, _ = load_plan(project(tmp_path, AUDIT + ROBUST), seed=None)
    assert gold_use(plan, "made.train.pairs") == set()
    assert gold_use(plan, "noise") == {GoldUse("audited", "answers")}
    assert gold_use(plan, "tuned") == {GoldUse("audited", "answers")}


def test_the_rate_is_that_of_the_rows(tmp_path) -> None:
    done = run(project(tmp_path, AUDIT, n=60), selection=Selection(until=("noise",)))
    pairs, named = done.pairs("made.audited.pairs")
    right = {key: row.columns["made.audited.graded.correct"] for key, row in named.items()}
    known = [
        (right[one.chosen], right[one.rejected])
        for one in pairs
        if None not in (right[one.chosen], right[one.rejected])
    ]
    flipped = known.count((False, True))
    counts = done.items["noise"].counts
    assert flipped > 0
    assert (counts["out"], counts["flipped"]) == (len(known), flipped)
    assert counts["taken"] == counts["rate"] == pytest.approx(flipped / len(known))
    assert len(list(done.records("noise"))) == len(pairs)


def test_the_audited_traces_and_pairs_are_those_trained_on(tmp_path) -> None:
    done = run(project(tmp_path, AUDIT, n=60))
    ids = {problem.id for problem in done.problems("audited")}
    everything = {
        (one.chosen, one.rejected)
        for one in done.pairs("made.train.pairs")[0]
        if one.problem_id in ids
    }
    audited = {(one.chosen, one.rejected) for one in done.pairs("made.audited.pairs")[0]}
    assert audited == everything != set()


def test_too_little_stops_the_run_unless_another_rate_is_named(tmp_path) -> None:
    strict = AUDIT.replace("least: 5", "least: 500")
    with pytest.raises(DataError, match=r"steps.noise.noise: .*at least 500.*audit more problems"):
        run(project(tmp_path / "a", strict, n=60))
    done = run(project(tmp_path / "b", strict.replace("500", "500, otherwise: 0.1"), n=60))
    counts = done.items["noise"].counts
    assert counts["taken"] == 0.1 != counts["rate"]
    assert "0.1 is taken" in counts["said"]


def test_a_measured_rate_is_the_typed_one(tmp_path) -> None:
    """The same training, whoever says the number; another number is another training."""
    measured, typed, other = (
        work(tmp_path / name, recipe, taken)
        for name, recipe, taken in (
            ("a", AUDIT + ROBUST, 0.125),
            (
                "b",
                AUDIT
                + ROBUST.replace("noise: noise, ", "").replace(
                    "loss_type: robust", "loss_type: robust, label_smoothing: 0.125"
                ),
                None,
            ),
            ("c", AUDIT + ROBUST, 0.25),
        )
    )
    assert _settings(measured)["trainer"]["label_smoothing"] == 0.125
    assert _key(measured) == _key(typed) != _key(other)


def work(folder, recipe: str, taken: float | None) -> Work:
    """The train step over made-up inputs."""
    plan, _ = load_plan(project(folder, recipe), seed=None)
    done = run(project(folder, recipe, n=60), selection=Selection(until=("made.train.pairs",)))
    step = plan.steps["tuned"]
    inputs = {name: done.items[name] for name in ("made.train.pairs", "weak")}
    if taken is not None:
        inputs["noise"] = Item("noise", "noise", "fitted", "", "", counts={"taken": taken})
    return Work(done.store, step, inputs, FAKE, "one")


@pytest.mark.torch
def test_the_loss_takes_it_and_the_card_says_it(tmp_path) -> None:
    pytest.importorskip("trl")
    recipe = AUDIT + ROBUST + "evaluate: {suites: [suite.yaml], models: {tuned: tuned}}\n"
    path = project(tmp_path, recipe.replace("path: nobody/weak", "scratch: {of: train}"), n=60)
    done = run(path, "evaluate.overlap=allow")
    found = results(done)
    (noise,) = found["noise"]
    (trained,) = found["trained"]
    assert trained["labels"]["answers"] == 40
    assert trained["labels"]["solutions"] == 0
    card = (done.items["tuned"].folder() / "README.md").read_text()
    assert f"flipped pairs: {noise['said']}" in card
    assert f"label_smoothing: {noise['rate']}" in card
    assert "answers of audited (40)" in card
