"""Answers combined by a label model, as a stage and as a step."""

from __future__ import annotations

import pytest

from reason_w2s.answers.dawid_skene import fit, posteriors
from reason_w2s.errors import DataError
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.combine import CombineConfig, combine
from tests.runs.small import RECIPE, project, run


def rows(answers, problem="p", **columns):
    """One trace per (model, index, answer); `columns`: a list of values each."""
    return [
        Row(
            Trace(
                key=f"{problem}-{model}-{index}",
                problem_id=problem,
                model=model,
                index=index,
                text=str(answer),
                finish_reason="stop",
                n_prompt=1,
                n_tokens=1,
            ),
            Problem(id=problem, question="?"),
            {"graded.answer": answer, **{name: some[at] for name, some in columns.items()}},
        )
        for at, (model, index, answer) in enumerate(answers)
    ]


def three(problem, *answers):
    """One answer each of models a, b and c."""
    return rows([("abc"[at], 0, one) for at, one in enumerate(answers)], problem)


def combined(some, **settings):
    return list(combine(some, CombineConfig.model_validate(settings)))


def column(found, name):
    return [one[name] for one in found]


MANY = [
    row
    for n in range(30)
    for row in three(f"p{n}", "7", "7.0" if n % 3 else "8", "7" if n % 2 else f"{n + 10}")
]


def test_a_row_for_each_trace_with_what_the_fit_says():
    found = combined([*MANY, *three("last", "5", None, "6")])
    assert column(found, "key") == [
        *(row.trace.key for row in MANY),
        "last-a-0",
        "last-b-0",
        "last-c-0",
    ]
    votes = []
    for n in range(30):
        classes = {}
        for worker, answer in enumerate(("7", "7" if n % 3 else "8", "7" if n % 2 else "10")):
            classes.setdefault(answer, [0.0] * 3)[worker] = 1.0
        votes.append(tuple(map(tuple, classes.values())))
    last = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    by_hand = fit([*votes, last], 3, spread=2.0)
    assert column(found[-3:], "ability") == [by_hand.right[0], None, by_hand.right[2]]
    assert column(found[-3:], "ability_low") == [by_hand.low[0], None, by_hand.low[2]]
    assert column(found[-3:], "ability_high") == [by_hand.high[0], None, by_hand.high[2]]
    chances = posteriors(last, by_hand)
    assert column(found[-3:], "posterior") == [chances[0], None, chances[1]]
    assert set(column(found[-3:], "answer")) == {"5"}  # of the abler model
    assert set(column(found[-3:], "confidence")) == {chances[0]}
    assert column(found[-3:], "agrees") == [True, None, False]
    assert column(found[-3:], "voters") == [2, 2, 2]
    assert {one["answer"] for one in found[3:6]} == {"7"}


def test_each_sample_is_a_vote_of_its_model():
    answers = [
        *(("a", 0, "1"), ("a", 1, "1"), ("a", 2, "2"), ("a", 3, None)),
        *(("b", 0, "2"), ("c", 0, "2")),
    ]
    found = combined(rows(answers), difficulty=1.0)
    votes = ((1.0, 1.0, 1.0), (2.0, 0.0, 0.0))
    by_hand = fit([votes], 3, spread=1.0)
    assert column(found, "posterior")[2:] == [
        *(posteriors(votes, by_hand)[0], None),
        *[posteriors(votes, by_hand)[0]] * 2,
    ]
    assert set(column(found, "voters")) == {5}


def test_only_some_vote_and_all_are_told():
    found = combined(
        [*MANY, *rows([("a", 0, "7"), ("b", 0, "9"), ("d", 0, "9"), ("d", 1, "4")], "last")],
        among={"model": {"in": ["a", "b", "c"]}},
    )
    told = found[-4:]
    assert column(told, "voters") == [2] * 4
    assert told[2]["posterior"] == told[1]["posterior"]
    assert told[3]["posterior"] is None and told[3]["agrees"] is False
    assert told[2]["ability"] is None


def test_nobody_may_have_an_answer():
    found = combined([*MANY, *three("last", None, " ", None)])[-3:]
    for name in ("answer", "confidence", "agrees", "posterior", "ability"):
        assert set(column(found, name)) == {None}
    assert set(column(found, "voters")) == {0}
    assert combined([]) == []


def test_abilities_are_not_told_by_two_votes_a_problem():
    found = combined([row for row in MANY if row.trace.model != "c"])
    assert set(column(found, "ability")) == {None}
    assert None not in column(found, "posterior")


def test_two_graders_that_differ_need_a_word():
    two = rows([("a", 0, "1"), ("b", 0, "2")], **{"again.answer": ["1", "3"]})
    with pytest.raises(DataError, match="2 answers"):
        combined(two)
    assert column(combined(two, answer=["again.answer"]), "agrees") == [True, False]


def test_the_order_of_problems_changes_nothing():
    groups = [MANY[at : at + 3] for at in range(0, len(MANY), 3)]
    turned = combined([row for group in reversed(groups) for row in group])
    assert {one["key"]: one for one in turned} == {one["key"]: one for one in combined(MANY)}


COMBINED = """\
  joint: {combine: {of: graded}}
  sure: {select: {of: joint, where: {joint.agrees: true, joint.confidence: {min: 0.3}}}}
"""


def test_combining_is_a_step_that_uses_no_gold(tmp_path):
    done = run(project(tmp_path, RECIPE + COMBINED))
    kept = list(done.rows("sure"))
    every = list(done.rows("joint"))
    assert len(every) == done.items["graded"].counts["out"]
    sure = [
        row.trace.key
        for row in every
        if row.columns["joint.agrees"] and row.columns["joint.confidence"] >= 0.3
    ]
    assert 0 < len(kept) < len(every)
    assert [row.trace.key for row in kept] == sure
    assert gold_use(load_plan(tmp_path / "small.yaml", seed=None)[0], "sure") == set()


def test_more_samples_are_a_new_fit(tmp_path):
    path = project(tmp_path, RECIPE + COMBINED)
    few = run(path)
    more = run(path, "steps.drawn.sample.sampling.n=8", name="more")
    assert few.items["joint"].key != more.items["joint"].key
    assert max(row.columns["joint.voters"] for row in few.rows("joint")) <= 4
    assert max(row.columns["joint.voters"] for row in more.rows("joint")) > 4


def test_who_votes_by_gold_uses_gold(tmp_path):
    recipe = RECIPE + COMBINED.replace(
        "{of: graded}", "{of: graded, among: {graded.correct: true}}"
    )
    plan, _ = load_plan(project(tmp_path, recipe), seed=None)
    assert gold_use(plan, "sure") == {GoldUse("train", "answers")}
