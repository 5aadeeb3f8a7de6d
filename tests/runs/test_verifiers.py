"""Verifiers combined as a step: its gold, its store, its place in the report and the warnings."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use, problem_sets
from reason_w2s.report.html import render
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Selection
from tests.runs.small import again, project, run

RECIPE = """\
# Verifiers of traces.
name: small
models:
  weak: {path: nobody/weak, prompt: qa}
problems:
  train: {source: jsonl, file: data.jsonl, labels: audit}
  judged: {of: train, take: 4, salt: 1, labels: gold}
steps:
  drawn: {sample: {model: weak, of: [train, judged], sampling: {n: 6, max_tokens: 64}}}
  graded: {check: {of: drawn, kind: number}}
  clean: {stepcheck: {of: graded}}
  votes: {vote: {of: clean, answer: [graded.answer]}}
  joint: {combine: {of: votes, columns: [votes.share, clean.n_equations, votes.agrees], JOINT}}
  best: {select: {of: joint, by: [-joint.value], per: problem, take: 1}}
"""
BLIND = RECIPE.replace("JOINT", "model: moments")
AUDITED = RECIPE.replace("JOINT", "model: dawid_skene, dev: judged, truth: graded.correct")


def plan_of(tmp_path, text):
    return load_plan(project(tmp_path, text, n=30), seed=None)[0]


def test_a_label_model_uses_no_gold_but_that_of_its_audited_problems(tmp_path):
    assert gold_use(plan_of(tmp_path / "a", BLIND), "best") == set()
    assert gold_use(plan_of(tmp_path / "b", AUDITED), "best") == {GoldUse("judged", "answers")}
    asked = BLIND.replace("votes.agrees]", "graded.correct]")
    with pytest.raises(ConfigError, match="gold answers of 'train', which has labels: audit"):
        plan_of(tmp_path / "c", asked)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("model: moments, dev: judged", "go together"),
        ("model: moments, truth: graded.correct", "go together"),
        ("model: moments, binarise: dev", "needs audited problems"),
        ("model: moments, fit_on: graded", "'graded' is traces; expected problems"),
        ("model: moments, dev: train, truth: graded.correct", "'train', which has labels: audit"),
        ("model: moments, dev: judged, truth: graded.answer", "is no yes-or-no column"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(tmp_path, settings, why):
    with pytest.raises(ConfigError, match=why):
        plan_of(tmp_path, RECIPE.replace("JOINT", settings))


def test_what_was_learned_is_kept_and_shown(tmp_path):
    path = project(tmp_path, AUDITED, n=30)
    done = run(path)
    learned = done.items["joint"].counts["learned"]
    assert [one["column"] for one in learned["verifiers"]] == [
        "votes.share",
        "clean.n_equations",
        "votes.agrees",
    ]
    assert learned["audited"] == 24
    found = results(done)
    assert found["verifiers"][0]["step"] == "joint"
    page = render({"small": found})
    assert "right, by estimate" in page
    later, made = again(path)
    assert made == []
    assert later.items["joint"].counts == done.items["joint"].counts


def test_another_audit_is_another_result(tmp_path):
    path = project(tmp_path, AUDITED, n=30)
    one = run(path)
    other = run(path, "problems.judged.take=6", name="other")
    assert one.items["joint"].key != other.items["joint"].key


def test_a_model_that_could_not_be_fitted_is_a_warning(tmp_path):
    two = BLIND.replace(", clean.n_equations", "")
    found = results(run(project(tmp_path, two, n=30)))
    assert any("joint: no label model: 2 verifiers are left" in one for one in found["warnings"])


def test_what_is_chosen_of_one_set_rests_on_that_set_alone(tmp_path):
    fit = "  fit: {of: train, without: judged, take: 7, salt: 2}\nsteps:\n"
    text = AUDITED.replace("steps:\n", fit).replace(
        "per: problem, take: 1}}\n",
        "per: problem, take: 1}}\n"
        "  own: {select: {of: joint, problems: fit, per: problem, take: 2}}\n"
        "  right: {select: {of: joint, problems: judged, where: {graded.correct: true}}}\n"
        "  tuned: {train: {objective: sft, init: weak, of: own, batch: 2, updates: 1}}\n",
    )
    path = project(tmp_path, text, n=30)
    plan = load_plan(path, seed=None)[0]
    assert problem_sets(plan, "tuned") == {"fit"}
    assert gold_use(plan, "right") == {GoldUse("judged", "answers")}
    done = run(path, selection=Selection(until=("own",)))
    ids = {one.id for one in done.problems("fit")}
    counts = done.items["own"].counts
    assert {row.problem.id for row in done.rows("own")} == ids
    assert counts["out"] == 14
    # each of 30 problems has 6 traces
    assert counts["dropped"] == {
        "answers a problem of another set": 6 * 23,
        "beyond take 2 per problem": 4 * 7,
    }
    other = run(path, "problems.fit.take=6", name="other", selection=Selection(until=("own",)))
    assert other.items["own"].counts["out"] == 12
