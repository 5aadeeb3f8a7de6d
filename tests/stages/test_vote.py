"""Votes worked out by hand."""

from __future__ import annotations

from math import log

import pytest

from reason_w2s.errors import DataError
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.vote import VoteConfig, vote
from tests.runs.small import RECIPE, project, run


def rows(answers, problem="p", **columns):
    """One trace per answer; `columns`: a list of values each."""
    return [
        Row(
            Trace(
                key=f"{problem}{at}",
                problem_id=problem,
                model="m" if at else "weak",
                index=at,
                text=str(answer),
                finish_reason="stop",
                n_prompt=1,
                n_tokens=1,
            ),
            Problem(id=problem, question="?"),
            {"graded.answer": answer, **{name: some[at] for name, some in columns.items()}},
        )
        for at, answer in enumerate(answers)
    ]


def polled(some, **settings):
    return list(vote(some, VoteConfig.model_validate(settings)))


def column(found, name):
    return [one[name] for one in found]


def test_a_poll_by_hand():
    found = polled(rows(["18", "$18.00", "7", None, "18 dollars", "7", "9", "40"]))
    assert set(column(found, "answer")) == {"18"}
    assert column(found, "agrees") == [True, True, False, None, True, False, False, False]
    assert set(column(found, "confidence")) == {3 / 8}
    assert column(found, "share") == [3 / 8, 3 / 8, 2 / 8, None, 3 / 8, 2 / 8, 1 / 8, 1 / 8]
    assert column(found, "rank") == [1, 1, 2, None, 1, 2, 3, 4]
    assert column(found, "cumulative")[6:] == [6 / 8, 7 / 8]
    assert set(column(found, "voters")) == {8}


def test_votes_weigh_what_a_column_says():
    """18 has .5 + .25 + .25 of 2.5, 7 has 1.5 of it; a trace without a weight does not vote."""
    answers, weights = ["18", "18", "7", None, "18", "9"], [0.5, 0.25, 1.5, 0.0, 0.25, None]
    found = polled(rows(answers, **{"r.value": weights}), weight="r.value")
    assert set(column(found, "answer")) == {"7"}
    assert column(found, "share") == [0.4, 0.4, 0.6, None, 0.4, None]
    assert column(found, "rank") == [2, 2, 1, None, 2, None]
    assert column(found, "cumulative") == [1, 1, 0.6, None, 1, None]
    assert column(found, "agrees") == [False, False, True, None, False, False]
    assert set(column(found, "voters")) == {5}


def test_log_odds_weigh_as_their_chances():
    """1/2 and 1/2 against 9/10, log-odds of log 9; and 0 at the far end."""
    found = polled(
        rows(["1", "1", "2", "3"], **{"r.value": [0.0, 0.0, log(9), -1e9]}),
        weight="r.value",
        as_odds=True,
    )
    assert column(found, "share") == pytest.approx([1 / 1.9, 1 / 1.9, 0.9 / 1.9, None])
    assert set(column(found, "answer")) == {"1"}


def test_weights_of_lists_are_reduced_and_none_is_below_zero():
    some = rows(["1", "2", "2"], **{"r.steps": [[3.0, 4.0], [1.0, 9.0], [1.5]]})
    assert set(column(polled(some, weight="r.steps.min"), "answer")) == {"1"}
    with pytest.raises(
        DataError, match=r"a vote weighs -1 by r.value, and none may weigh less than"
    ):
        polled(rows(["1"], **{"r.value": [-1.0]}), weight="r.value")


def test_of_equally_common_answers_the_first_wins():
    assert set(column(polled(rows(["5", "6", "6", "5"])), "answer")) == {"5"}


def test_only_some_vote_and_all_are_told():
    found = polled(rows(["7", "8", "8", "9"]), among={"model": "m"})
    assert set(column(found, "confidence")) == {2 / 3}
    assert column(found, "agrees") == [False, True, True, False]
    assert column(found, "rank") == [None, 1, 1, 2]


def test_right_and_wrong_answers_vote_apart():
    right = [True, False, False, True, False]
    found = polled(rows(["4", "5", "6", "4", "6"], right=right), within=["right"])
    assert column(found, "answer") == ["4", "6", "6", "4", "6"]
    assert column(found, "confidence") == [1.0, 2 / 3, 2 / 3, 1.0, 2 / 3]
    assert column(found, "rank") == [1, 2, 1, 1, 1]
    assert column(found, "cumulative") == [1.0, 1.0, 2 / 3, 1.0, 2 / 3]


def test_problems_vote_apart_and_nobody_may_have_an_answer():
    found = polled([*rows(["1", "1"], "a"), *rows([None, " "], "b")])
    assert column(found, "confidence") == [1.0, 1.0, None, None]
    assert column(found, "voters") == [2, 2, 2, 2]
    assert column(found, "agrees")[2:] == [None, None]


def test_two_graders_that_differ_need_a_word():
    two = rows(["1", "2"], **{"again.answer": ["1", "3"]})
    with pytest.raises(DataError, match=r"2 answers \(graded.answer, again.answer\)"):
        polled(two)
    assert column(polled(two, answer=["again.answer"]), "answer") == ["1", "1"]


VOTED = """\
  votes: {vote: {of: graded}}
  agreed: {select: {of: votes, where: {votes.agrees: true, votes.confidence: {min: 0.5}}}}
"""


def test_a_vote_is_a_step_that_uses_no_gold(tmp_path):
    done = run(project(tmp_path, RECIPE + VOTED))
    for row in done.rows("agreed"):
        assert row.columns["votes.answer"] is not None
        assert row.columns["votes.confidence"] >= 0.5
    assert done.items["votes"].counts["out"] == done.items["graded"].counts["out"]
    assert gold_use(load_plan(tmp_path / "small.yaml", seed=None)[0], "agreed") == set()


def test_more_samples_are_a_new_vote(tmp_path):
    path = project(tmp_path, RECIPE + VOTED)
    few = run(path)
    more = run(path, "steps.drawn.sample.sampling.n=8", name="more")
    assert few.items["votes"].key != more.items["votes"].key
    assert {row.columns["votes.voters"] for row in more.rows("votes")} == {8}
    assert {row.columns["votes.voters"] for row in few.rows("votes")} == {4}


def test_who_votes_by_gold_uses_gold(tmp_path):
    for setting in ("within: [graded.correct]", "among: {graded.correct: true}"):
        recipe = RECIPE + VOTED.replace("{of: graded}", f"{{of: graded, {setting}}}")
        plan, _ = load_plan(project(tmp_path, recipe), seed=None)
        assert gold_use(plan, "agreed") == {GoldUse("train", "answers")}
