"""Choosing pairs: every problem gives pairs or a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reason_w2s.records import Dropped, Pair
from reason_w2s.stages.pair import PairConfig, pair
from tests.stages.traces import group, groups, reordered

RIGHT, WRONG = {"g.correct": True}, {"g.correct": False}
RULE = {"chosen": RIGHT, "rejected": WRONG}


def paired(rows, *rules, seed=0, **settings):
    cfg = PairConfig(rules=rules or (RULE,), **settings)
    found = list(pair(rows, cfg, step="s", seed=seed))
    pairs = [one for one in found if isinstance(one, Pair)]
    return pairs, {one.key: one.reason for one in found if isinstance(one, Dropped)}


RULES = st.lists(
    st.builds(
        dict,
        when=st.sampled_from([{}, RIGHT, {"n_tokens": {"min": 5}}]),
        chosen=st.sampled_from([{}, RIGHT, {"n_tokens": {"max": 4}}]),
        rejected=st.sampled_from([{}, WRONG, {"n_tokens": {"min": 3}}]),
        max=st.integers(1, 40),
    ),
    min_size=1,
    max_size=3,
)


@given(groups(), RULES, st.sampled_from([None, 0, 2]))
def test_every_problem_gives_pairs_or_a_reason(rows, rules, apart):
    pairs, dropped = paired(rows, *rules, length={"tokens_apart": apart})
    named = {row.trace.key: row for row in rows}
    problems = {row.problem.id for row in rows}
    assert {one.problem_id for one in pairs} | dropped.keys() == problems
    assert not {one.problem_id for one in pairs} & dropped.keys()
    assert len({(one.chosen, one.rejected) for one in pairs}) == len(pairs)
    for one in pairs:
        chosen, rejected = named[one.chosen], named[one.rejected]
        assert chosen.problem.id == rejected.problem.id == one.problem_id
        assert chosen.trace.text != rejected.trace.text
        assert apart is None or abs(chosen.trace.n_tokens - rejected.trace.n_tokens) <= apart
    for problem in problems:
        mine = [one for one in pairs if one.problem_id == problem]
        assert len(mine) <= max(rules[one.rule]["max"] for one in mine) if mine else True


@given(groups(), st.sampled_from([None, 0, 2]))
def test_a_problem_is_dropped_only_if_it_has_no_pair(rows, apart):
    pairs, _ = paired(
        rows, {"chosen": {}, "rejected": {}, "max": 99}, length={"tokens_apart": apart}
    )
    found = {one.problem_id for one in pairs}
    for problem in {row.problem.id for row in rows}:
        # one trace stands for each text: of those with equal texts, the first by lot
        mine = [row for row in rows if row.problem.id == problem]
        if apart is None:
            assert (len({row.trace.text for row in mine}) > 1) is (problem in found)


@given(groups(), st.randoms(use_true_random=False))
def test_the_order_changes_nothing(rows, dice):
    again = reordered(rows, dice)
    assert set(paired(rows)[0]) == set(paired(again)[0])
    assert paired(rows)[1] == paired(again)[1]


def test_no_trace_is_used_twice_before_it_must_be():
    rows = group("p", 6, correct=[True, True, False, False, False, False])
    pairs, _ = paired(rows, {**RULE, "max": 4})
    assert sorted(one.rejected for one in pairs) == ["p-2", "p-3", "p-4", "p-5"]
    assert sorted(one.chosen for one in pairs) == ["p-0", "p-0", "p-1", "p-1"]
    every, _ = paired(rows, {**RULE, "max": 99})
    assert len({(one.chosen, one.rejected) for one in every}) == 8
    assert every[:4] == pairs


def test_sides_that_overlap_still_find_their_pair():
    rows = group("p", 2, texts=["a", "b"])
    pairs, _ = paired(rows, {"chosen": {}, "rejected": {}})
    assert len(pairs) == 1


def test_a_length_limit_looks_at_every_pair():
    rows = group("p", 4, tokens=[1, 9, 1, 9], correct=[True, True, False, False])
    for seed in range(6):
        pairs, _ = paired(rows, {**RULE, "max": 9}, length={"tokens_apart": 0}, seed=seed)
        assert {(one.chosen, one.rejected) for one in pairs} == {("p-0", "p-2"), ("p-1", "p-3")}


def test_the_first_rule_that_holds_decides():
    rows = group("p", 2, correct=[True, False]) + group("q", 2, correct=[None, False])
    rules = (
        {"when": RIGHT, "chosen": RIGHT, "rejected": WRONG},
        {"chosen": {"g.correct": None}, "rejected": WRONG},
    )
    pairs, dropped = paired(rows, *rules)
    assert {(one.problem_id, one.rule) for one in pairs} == {("p", 0), ("q", 1)}
    assert dropped == {}


@pytest.mark.parametrize(
    ("rows", "rules", "reason"),
    [
        (group("p", 2, correct=[True, True]), (RULE,), "no trace for rejected"),
        (group("p", 2, correct=[False, None]), (RULE,), "no trace for chosen"),
        (group("p", 1), ({**RULE, "when": WRONG},), "no rule holds"),
        (
            group("p", 2, correct=[True, False], texts=["a", "a"]),
            (RULE,),
            "no pair of different texts within the length limit",
        ),
    ],
)
def test_reasons(rows, rules, reason):
    assert paired(rows, *rules) == ([], {"p": reason})


@pytest.mark.parametrize("settings", [{"rules": ()}, {"rules": ({"chosen": {}},)}])
def test_settings_that_are_none(settings):
    with pytest.raises(ValidationError):
        PairConfig(**settings)
