"""Verifiers' scores combined, as the stage `combine` with `columns`."""

import numpy as np
import pytest
from pydantic import ValidationError

from reason_w2s.errors import DataError
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.combine import CombineConfig, combine, of_verifiers
from reason_w2s.stages.verifiers.account import said
from reason_w2s.stages.verifiers.patterns import Rates
from tests.stages.verifiers.exact import drawn

RATES = Rates(np.array([0.9, 0.8, 0.85, 0.7]), np.array([0.2, 0.3, 0.1, 0.35]), 0.4)
COLUMNS = ("a.value", "b.value", "c.value", "d.agrees")


def row(at, problem, columns):
    trace = Trace(
        key=f"k{at}",
        problem_id=problem,
        model="m",
        index=at,
        text="",
        finish_reason="stop",
        n_prompt=1,
        n_tokens=1,
    )
    return Row(trace, Problem(id=problem, question="?"), columns)


def world(n=800, seed=1, problems=200, audit=1.0):
    """Traces whose first three verifiers give numbers, the last a yes or no; `graded.correct` is
    known of the first problems alone."""
    truth, votes = drawn(RATES, n, seed)
    noise = np.random.default_rng(seed).random(votes.shape)
    rows = []
    for at, (right, vote) in enumerate(zip(truth, votes, strict=True)):
        numbers = (10 * (vote + noise[at])).tolist()
        columns = dict(zip(COLUMNS, [*numbers[:3], bool(vote[3])], strict=True))
        problem = at % problems
        columns["graded.correct"] = bool(right) if problem < audit * problems else None
        rows.append(row(at, f"p{problem}", columns))
    return truth, rows


TRUTH, ROWS = world()
IDS = {f"p{at}" for at in range(200)}


def config(**settings):
    given = {"columns": COLUMNS, "model": "moments", **settings}
    return CombineConfig.model_validate(given)


def judged(rows=ROWS, parts=None, **settings):
    columns, told = of_verifiers(rows, config(**settings), parts or {})
    return {name: [one[name] for one in columns] for name in columns[0]}, told


@pytest.mark.parametrize("model", ["moments", "dawid_skene"])
def test_the_posterior_is_right_more_often_than_any_verifier(model):
    found, told = judged(model=model, binarise=0.5)
    right = np.mean(np.array(found["agrees"]) == TRUTH)
    each = [one["accuracy"] for one in told["verifiers"]]
    assert right > max(each)
    assert found["value"] == found["posterior"]
    assert [one > 0.5 for one in found["posterior"]] == found["agrees"]
    votes = np.array([[row.columns[name] for name in COLUMNS] for row in ROWS], float)
    votes[:, :3] = votes[:, :3] >= 10
    for one, real in zip(told["verifiers"], (votes == TRUTH[:, None]).mean(0), strict=True):
        assert one["accuracy"] == pytest.approx(real, abs=0.06)
        assert one["low"] < one["accuracy"] < one["high"]
    assert told["balance_from"] == "votes"
    assert told["audited"] == 0
    assert said(told).startswith("right, by estimate: a.value ")


def test_the_stage_gives_the_same_rows_in_order():
    found = list(combine(ROWS, config()))
    assert [one["key"] for one in found] == [row.trace.key for row in ROWS]
    assert {one["answer"] for one in found} == {None}


def test_truth_of_audited_problems_sets_balance_and_thresholds_and_nothing_else_is_seen():
    dev = {f"p{at}" for at in range(40)}
    found, told = judged(parts={"dev": dev}, truth="graded.correct", binarise="dev")
    assert told["balance_from"] == "dev"
    assert told["audited"] == 160
    seen = [row.columns["graded.correct"] for row in ROWS if row.problem.id in dev]
    assert told["balance"] == pytest.approx(np.mean(seen))
    # gold of the other problems changes nothing, turned round or not there
    blind = [
        row
        if row.problem.id in dev
        else Row(row.trace, row.problem, {**row.columns, "graded.correct": None})
        for row in ROWS
    ]
    assert judged(blind, {"dev": dev}, truth="graded.correct", binarise="dev") == (found, told)
    # numbers are 10 and more exactly where the vote is yes, and spread from about .7 to 19
    for one in told["verifiers"][:3]:
        assert 0.4 < one["threshold"] < 0.6
    assert told["verifiers"][3]["threshold"] == 0.5
    assert told["verifiers"][0]["audited"] > 0.7


def test_without_audited_problems_half_say_yes_and_with_them_as_many_as_are_right():
    _, blind = judged()
    assert [one["yes"] for one in blind["verifiers"][:3]] == pytest.approx([0.5] * 3, abs=0.01)
    _, told = judged(parts={"dev": IDS}, truth="graded.correct")
    share = TRUTH.mean()
    assert [one["yes"] for one in told["verifiers"][:3]] == pytest.approx([share] * 3, abs=0.01)
    assert told["verifiers"][3]["yes"] == blind["verifiers"][3]["yes"]


def test_what_is_fitted_to_some_problems_judges_all():
    some = {f"p{at}" for at in range(100)}
    found, told = judged(parts={"fit_on": some}, binarise=0.5)
    inside = [row for row in ROWS if row.problem.id in some]
    _, alone = judged(inside, binarise=0.5)
    assert [one["accuracy"] for one in told["verifiers"]] == [
        one["accuracy"] for one in alone["verifiers"]
    ]
    assert None not in found["posterior"]
    with pytest.raises(DataError, match="fit_on: none of the traces"):
        judged(parts={"fit_on": {"other"}})


def test_a_missing_score_is_no_vote():
    rows = [
        Row(one.trace, one.problem, {**one.columns, "a.value": None} if at % 2 else one.columns)
        for at, one in enumerate(ROWS)
    ]
    rows.append(row(9999, "p0", {}))
    found, told = judged(rows, binarise=0.5)
    assert told["verifiers"][0]["votes"] == 400
    assert found["voters"][:2] == [4, 3]
    last = {name: values[-1] for name, values in found.items()}
    assert last["voters"] == 0
    assert (last["posterior"], last["value"], last["agrees"]) == (None, None, None)


def test_too_few_verifiers_fall_back_to_their_share_of_yes():
    found, told = judged(columns=COLUMNS[2:], binarise=0.5)
    assert "2 verifiers are left" in told["fallback"]
    assert "the share of yes is taken" in said(told)
    assert set(found["posterior"]) == {None}
    assert set(found["value"]) == {0.0, 0.5, 1.0}
    assert [one["accuracy"] for one in told["verifiers"]] == [None, None]
    assert told["balance"] is None


def test_ensembles_take_the_scores_as_they_are_unless_told():
    rows = [row(0, "p", {"a": 1.0, "b": 5.0}), row(1, "p", {"a": 3.0, "b": None})]
    rows += [row(2, "p", {"a": None, "b": None})]
    columns, told = of_verifiers(rows, config(columns=["a", "b"], model="uwo", penalty=0.25), {})
    # 3 - .25 * 4, and 3 alone
    assert [one["value"] for one in columns] == [2.0, 3.0, None]
    assert {one["posterior"] for one in columns} == {one["agrees"] for one in columns} == {None}
    assert told == {"model": "uwo"}
    spread = of_verifiers(rows[:2], config(columns=["a", "b"], model="mean", normalise="all"), {})
    assert [one["value"] for one in spread[0]] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"model": "moments"}, "name their columns"),
        ({"columns": ["a"], "difficulty": 1.0}, "'difficulty' is for answers"),
        ({"normalise": "all"}, "'normalise' is for verifiers"),
        ({"columns": ["a"], "model": "mean", "binarise": 0.5}, "'binarise' is for the models"),
        ({"columns": ["a"], "model": "moments", "penalty": 0.5}, "'penalty' is for the model uwo"),
        ({"columns": ["a"], "drop": {"keep": 2}}, "greater than or equal to 3"),
    ],
)
def test_what_has_no_effect_is_refused(settings, why):
    with pytest.raises(ValidationError, match=why):
        CombineConfig.model_validate(settings)
