"""Choosing traces: every row leaves once, kept or with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reason_w2s.records import Dropped, Row
from reason_w2s.stages.select import SelectConfig, select
from tests.stages.traces import group, groups, reordered


def chosen(rows, seed=0, **settings):
    found = list(select(rows, SelectConfig(**settings), step="s", seed=seed))
    kept = [one for one in found if isinstance(one, Row)]
    dropped = {one.key: one.reason for one in found if isinstance(one, Dropped)}
    assert len(found) == len(rows)
    return kept, dropped


CONFIGS = st.builds(
    dict,
    where=st.sampled_from(
        [
            {},
            {"g.correct": True},
            {"n_tokens": {"min": 3}},
            {"g.correct": {"not": True}, "level": 1},
        ]
    ),
    by=st.sampled_from([(), ("-n_tokens",), ("n_tokens", "-index"), ("g.correct",)]),
    per=st.sampled_from(["problem", None]),
    take=st.sampled_from([None, 0, 1, 3]),
)


@given(groups(), CONFIGS)
def test_every_row_leaves_once(rows, settings):
    kept, dropped = chosen(rows, **settings)
    keys = {row.trace.key for row in kept}
    assert not keys & dropped.keys()
    assert keys | dropped.keys() == {row.trace.key for row in rows}
    assert [row for row in rows if row.trace.key in keys] == kept
    if settings["take"] is not None:
        places = [row.problem.id if settings["per"] else "" for row in kept]
        assert all(places.count(place) <= settings["take"] for place in places)


@given(groups(), CONFIGS, st.randoms(use_true_random=False))
def test_the_order_of_problems_and_traces_changes_nothing(rows, settings, dice):
    again = reordered(rows, dice)
    keys = [{row.trace.key for row in chosen(order, **settings)[0]} for order in (rows, again)]
    assert keys[0] == keys[1]


def test_the_best_by_columns_stay():
    rows = group("p", 5, tokens=[3, 9, 1, 9, 5])
    kept, dropped = chosen(rows, by=("-n_tokens", "index"), take=2)
    assert [row.trace.index for row in kept] == [1, 3]
    assert set(dropped.values()) == {"beyond take 2 in all"}


def test_without_an_order_the_seed_decides():
    rows = group("p", 40)
    picks = [chosen(rows, take=5, seed=seed)[0] for seed in (0, 0, 1)]
    assert picks[0] == picks[1] != picks[2]


def test_per_problem_takes_of_each():
    rows = group("p", 3) + group("q", 2)
    kept, dropped = chosen(rows, per="problem", take=1)
    assert {row.problem.id for row in kept} == {"p", "q"}
    assert set(dropped.values()) == {"beyond take 1 per problem"}


def test_the_reason_is_the_condition_that_failed():
    rows = group("p", 2, correct=[True, None])
    _, dropped = chosen(rows, where={"g.correct": True})
    assert dropped == {rows[1].trace.key: "g.correct is missing"}


@pytest.mark.parametrize("settings", [{"take": -1}, {"per": "step"}, {"keep": 1}])
def test_settings_that_are_none(settings):
    with pytest.raises(ValidationError):
        SelectConfig(**settings)


def test_a_lot_is_fair():
    """No place in the group is favoured: of 300 problems each of 3 traces is picked about 100 x."""
    counts = [0, 0, 0]
    rows = [row for n in range(300) for row in group(f"p{n}", 3)]
    for row in chosen(rows, per="problem", take=1)[0]:
        counts[row.trace.index] += 1
    assert sum(counts) == 300
    assert min(counts) > 70, counts
