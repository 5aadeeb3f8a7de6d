"""The rate of flipped pairs: counted by hand, and when it says too little."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from reason_w2s.errors import DataError
from reason_w2s.evaluate.statistics import wilson
from reason_w2s.records import Pair
from reason_w2s.stages.noise import Judged, NoiseConfig, judge, measure, said, too_little
from tests.stages.traces import group

CONFIG = NoiseConfig(truth="g.correct")
TRUTHS = st.sampled_from([True, False, None])


def judged(*sides, problem="p"):
    return [Judged(f"{problem}{n}", chosen, rejected) for n, (chosen, rejected) in enumerate(sides)]


def test_the_rate_by_hand() -> None:
    """Six known pairs, two of them wrong over right; ties count as known and not flipped."""
    sides = [
        (False, True),
        (False, True),
        (True, False),
        (True, False),
        (True, True),
        (False, False),
        (None, True),
        (True, None),
    ]
    found = measure(judged(*sides))
    assert (found["in"], found["out"], found["flipped"], found["problems"]) == (8, 6, 2, 6)
    assert found["rate"] == pytest.approx(2 / 6)
    assert found["decided"] == 4
    expected = wilson(2, 6)
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high))
    assert found["sides"]["wrong over right"] == found["sides"]["right over wrong"] == 2
    assert sum(found["sides"].values()) == 8
    assert said(found).startswith("33.3% [")


def test_a_pair_that_one_side_settles_is_not_counted() -> None:
    """Or only pairs that are not flipped would be, and the rate would be too low."""
    assert measure(judged((True, None), (None, False), (False, True)))["rate"] == 1


def test_pairs_of_one_problem_are_not_so_many_witnesses() -> None:
    apart = judged(*[(False, True)] * 10, *[(True, False)] * 30)
    together = [Judged(f"p{n // 10}", one.chosen, one.rejected) for n, one in enumerate(apart)]
    first, second = measure(apart), measure(together)
    assert first["rate"] == second["rate"] == 0.25
    assert second["problems"] == 4
    assert second["high"] > first["high"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), TRUTHS, TRUTHS), max_size=30))
def test_counts_add_up_and_the_rate_lies_in_its_interval(rows) -> None:
    found = measure([Judged(*row) for row in rows])
    assert sum(found["sides"].values()) == found["in"] == len(rows)
    assert found["flipped"] <= found["out"] <= found["in"]
    if found["out"]:
        assert 0 <= found["low"] <= found["rate"] <= found["high"] <= 1
    else:
        assert found["rate"] is found["low"] is found["high"] is None


@pytest.mark.parametrize(
    ("flipped", "right", "why"),
    [
        (0, 29, "29 audited pairs are known, at least 30"),
        (0, 30, None),
        (10, 20, "does not end below 50%"),
        (10, 40, None),
        (0, 0, "0 audited pairs"),
    ],
)
def test_what_says_too_little(flipped, right, why) -> None:
    found = too_little(
        measure(judged(*[(False, True)] * flipped, *[(True, False)] * right)), CONFIG
    )
    assert found is why is None or str(why) in str(found)


def test_truth_is_read_from_both_sides_traces() -> None:
    rows = {row.trace.key: row for row in group("p", 3, correct=[True, False, None])}
    pairs = [
        Pair(problem_id="p", chosen="p-1", rejected="p-0"),
        Pair(problem_id="p", chosen="p-0", rejected="p-2"),
    ]
    assert list(judge(pairs, rows, CONFIG)) == [Judged("p", False, True), Judged("p", True, None)]
    with pytest.raises(DataError, match="expected true, false or null"):
        list(judge(pairs, rows, NoiseConfig(truth="n_tokens")))


def test_half_is_no_rate_to_fall_back_on() -> None:
    with pytest.raises(ValidationError):
        NoiseConfig(truth="g.correct", otherwise=0.5)
