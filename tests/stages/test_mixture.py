"""Sets mixed to shares: exact counts, the same problems whatever the shares, and what was short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reason_w2s.stages.mixture import BEYOND, OTHER, Part, said, sizes
from reason_w2s.stages.select import SelectConfig
from tests.stages.test_select import chosen
from tests.stages.traces import group, groups, reordered

BOTH = (True, False, False)


def mix(right, wrong=None):
    wrong = round(1 - right, 6) if wrong is None else wrong
    return {
        "right": {"share": right, "where": {"g.correct": True}},
        "wrong": {"share": wrong, "where": {"g.correct": False}},
    }


def problems(size, correct=BOTH):
    return [row for at in range(size) for row in group(f"p{at}", len(correct), correct=correct)]


def verdicts(kept):
    return {row.problem.id: row.columns["g.correct"] for row in kept}


def test_counts_are_exact_and_each_problem_gives_one():
    for wrong in (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1):
        kept, dropped = chosen(problems(20), mix=mix(round(1 - wrong, 1), wrong))
        found = verdicts(kept)
        assert len(kept) == len(found) == 20
        assert list(found.values()).count(False) == round(20 * wrong)
        assert set(dropped.values()) == {OTHER}


def test_other_shares_ask_the_same_problems_and_move_as_few_as_they_must():
    few, many = (verdicts(chosen(problems(40), mix=mix(share), take=20)[0]) for share in (0.9, 0.5))
    assert few.keys() == many.keys() and len(few) == 20
    assert {name for name in few if not few[name]} < {name for name in many if not many[name]}
    other = verdicts(chosen(problems(40), mix=mix(0.9), take=20, seed=1)[0])
    assert other.keys() != few.keys()


def test_a_problem_without_a_trace_of_each_part_is_left_out_and_said():
    rows = [
        *problems(3),
        *group("easy", 2, correct=(True, True)),
        *group("hard", 2, correct=(False, None)),
    ]
    kept, dropped = chosen(rows, mix=mix(1.0))
    assert {row.problem.id for row in kept} == {"p0", "p1", "p2"}
    assert dropped["easy-0"] == "its problem has no trace of 'wrong' under mix"
    assert dropped["hard-1"] == "its problem has no trace of 'right' under mix"


def test_beyond_take_and_outside_where():
    rows = problems(6)
    kept, dropped = chosen(rows, mix=mix(0.5), take=4, where={"id": {"not": "p5"}})
    assert len(kept) == 4 and "p5-0" in dropped
    assert dropped["p5-0"].startswith("id is ")
    assert list(dropped.values()).count(BEYOND) == 2
    assert chosen(rows, mix=mix(0.5), take=0)[0] == []


def test_by_decides_which_trace_stands_for_a_part():
    rows = group("p", 4, tokens=[1, 9, 5, 2], correct=(False, False, False, True))
    (kept,), _ = chosen(rows, mix=mix(0.0), by=("-n_tokens",))
    assert kept.trace.key == "p-1"


def test_sizes_are_rounded_to_the_whole():
    parts = {name: Part(share=share) for name, share in (("a", 0.3), ("b", 0.3), ("c", 0.4))}
    assert sizes(10, parts) == {"a": 3, "b": 3, "c": 4}
    assert sizes(11, parts) == {"a": 3, "b": 3, "c": 5}
    assert sizes(1, parts) == {"a": 0, "b": 0, "c": 1}
    for whole in range(50):
        assert sum(sizes(whole, parts).values()) == whole


def test_what_was_short_is_said():
    parts = {"right": Part(share=0.5), "wrong": Part(share=0.5)}
    assert said(4, None, parts) == "mix: right 2, wrong 2"
    assert said(4, 4, parts) == "mix: right 2, wrong 2"
    assert said(3, 8, parts).startswith("mix: right 2, wrong 1; 8 were asked for, but no more")


@given(groups(), st.sampled_from([0, 0.3, 0.5, 1]), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows, share, dice):
    settings = {"mix": mix(1 - share, share), "take": 2}
    keys = [
        {row.trace.key for row in chosen(order, **settings)[0]}
        for order in (rows, reordered(rows, dice))
    ]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"mix": mix(0.5, 0.4)},
        {"mix": mix(1.5, -0.5)},
        {"mix": mix(0.5), "per": "problem"},
        {"mix": mix(0.5), "budget": {"tokens": 5}},
        {"mix": {"a": {"share": 1, "were": {}}}},
    ],
)
def test_what_is_no_mixture_is_refused(settings):
    with pytest.raises(ValidationError):
        SelectConfig(**settings)
