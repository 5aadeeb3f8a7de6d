"""Shares of pairs: each source gives its share of as many as the scarcest allows."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reason_w2s.records import Dropped, Pair
from reason_w2s.stages.mix import CUT, NO_PAIR
from reason_w2s.stages.pair import PairConfig, pair
from tests.stages.traces import group, reordered

RULE = {"chosen": {"g.correct": True}, "rejected": {"g.correct": False}}


def problems(count, first=0):
    """Each with a right and a wrong trace of one's own and of theirs."""
    return [
        row
        for number in range(first, first + count)
        for row in group(f"p{number}", 4, correct=[True, False] * 2)
    ]


def own(row):
    return row.trace.index < 2


def paired(rows, mix, seed=0, mine=own, **rule):
    cfg = PairConfig(rules=({**RULE, **rule},), mix=mix)
    sources = {
        "own": {row.trace.key for row in rows if mine(row)},
        "theirs": {row.trace.key for row in rows if not mine(row)},
    }
    found = list(pair(rows, cfg, step="s", seed=seed, sources=sources))
    pairs = [one for one in found if isinstance(one, Pair)]
    return pairs, {one.key: one.reason for one in found if isinstance(one, Dropped)}


def count(rows, pairs):
    """Of which source the two sides of the pairs are."""
    mine = {row.trace.key for row in rows if own(row)}
    sides = [{one.chosen in mine, one.rejected in mine} for one in pairs]
    assert all(len(side) == 1 for side in sides), "a pair has one source"
    return Counter("own" if side == {True} else "theirs" for side in sides)


@pytest.mark.parametrize(
    ("mix", "expected"),
    [
        ({"own": 0.7, "theirs": 0.3}, (10, 4)),  # 10 of own are 7/10 of 14.3
        ({"own": 0.5, "theirs": 0.5}, (10, 10)),
        ({"own": 0.1, "theirs": 0.9}, (1, 10)),
        ({"own": 1.0, "theirs": 0.0}, (10, 0)),
        ({"theirs": 1}, (0, 10)),
    ],
)
def test_the_scarcest_source_decides(mix, expected):
    rows = problems(10)
    found = count(rows, paired(rows, mix)[0])
    assert (found["own"], found["theirs"]) == expected


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9))
def test_shares_hold_for_any_numbers(mine, theirs, tenths):
    rows = [row for row in problems(mine) if own(row)]
    rows += [row for row in problems(theirs, first=mine) if not own(row)]
    share = tenths / 10
    pairs, dropped = paired(rows, {"own": share, "theirs": round(1 - share, 1)})
    found = count(rows, pairs)
    assert found["own"] <= mine and found["theirs"] <= theirs
    assert found["own"] == mine or found["theirs"] == theirs
    whole = min(mine * 10 / tenths, theirs * 10 / (10 - tenths))
    assert found["own"] in (int(whole * share), round(whole * share))
    assert {one.problem_id for one in pairs} | dropped.keys() == {row.problem.id for row in rows}
    assert not {one.problem_id for one in pairs} & dropped.keys()


def test_the_lot_is_the_seeds_and_order_changes_nothing():
    from random import Random

    rows = problems(12)
    mix = {"own": 0.25, "theirs": 0.75}
    first, dropped = paired(rows, mix)
    again, _ = paired(reordered(rows, Random(1)), mix)
    assert set(first) == set(again)
    assert set(first) != set(paired(rows, mix, seed=1)[0])
    assert not dropped, "their pairs are all kept, one of every problem"


def test_what_is_dropped_says_why():
    rows = problems(3)
    lone = [row for row in group("lone", 4, correct=[True] * 4)]
    other = group("other", 1)
    sources = {"own": {row.trace.key for row in [*rows, *lone] if own(row)}, "theirs": set()}
    cfg = PairConfig(rules=(RULE,), mix={"own": 1, "theirs": 0})
    found = list(pair([*rows, *lone, *other], cfg, step="s", seed=0, sources=sources))
    dropped = {one.key: one.reason for one in found if isinstance(one, Dropped)}
    assert dropped == {"lone": "no trace for rejected", "other": NO_PAIR}
    cfg = PairConfig(rules=(RULE,), mix={"own": 0.5, "theirs": 0.5})
    found = list(pair(rows, cfg, step="s", seed=0, sources=sources))
    assert {one.key: one.reason for one in found} == dict.fromkeys(("p0", "p1", "p2"), CUT)


def test_a_trace_of_two_steps_is_of_the_first_named():
    rows = problems(4)
    keys = {row.trace.key for row in rows}
    cfg = PairConfig(rules=(RULE,), mix={"own": 0.5, "theirs": 0.5})
    found = list(pair(rows, cfg, step="s", seed=0, sources={"own": keys, "theirs": keys}))
    assert all(isinstance(one, Dropped) for one in found), "nothing is left for theirs"


@pytest.mark.parametrize("mix", [{"own": 0.7}, {"own": 0.7, "theirs": 0.2}, {"own": -1, "b": 2}])
def test_shares_sum_to_one(mix):
    with pytest.raises(ValidationError, match=r"sum to 1|greater than or equal to 0"):
        PairConfig(rules=(RULE,), mix=mix)
