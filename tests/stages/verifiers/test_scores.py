"""Scores on one scale and as votes; a missing one stays missing."""

import numpy as np
import pytest

from reason_w2s.errors import DataError
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.verifiers import scores

NAN = np.nan


def row(**columns):
    trace = Trace(
        key="k",
        problem_id="p",
        model="m",
        index=0,
        text="",
        finish_reason="stop",
        n_prompt=1,
        n_tokens=1,
    )
    return Row(trace, Problem(id="p", question="?"), columns)


def test_the_table_holds_numbers_and_votes_and_what_is_missing():
    found = scores.table([row(a=2, b=True), row(a=None, b=False), row(b=None)], ["a", "b"])
    np.testing.assert_array_equal(found, [[2, 1], [NAN, 0], [NAN, NAN]])
    assert scores.yes_no(found).tolist() == [False, True]
    with pytest.raises(DataError, match=r"a is \[1.0\].*a.mean"):
        scores.table([row(a=[1.0])], ["a"])


def test_scores_are_spread_between_the_percentiles_of_some_traces():
    # 0..100: the 5th percentile is 5, the 95th is 95; beyond counts as at the end
    column = np.append(np.arange(101.0), [NAN, 1000.0])[:, None]
    among = np.arange(103) < 101
    found = scores.spread(column, among)[:, 0]
    assert found[50] == pytest.approx(0.5)
    assert found[23] == pytest.approx((23 - 5) / 90)
    assert (found[0], found[100], found[102]) == (0.0, 1.0, 1.0)
    assert np.isnan(found[101])


def test_scores_are_spread_within_each_problem():
    found = scores.spread_within(
        np.array([[1.0], [3.0], [100.0], [100.0], [NAN]]), np.array([0, 0, 1, 1, 1])
    )
    # within .05 of the ends of a problem's own range; equals are in the middle
    assert found[:2, 0].tolist() == [0.0, 1.0]
    assert found[2:4, 0].tolist() == [0.5, 0.5]
    assert np.isnan(found[4, 0])


def test_a_threshold_by_share_lets_so_many_through():
    column = np.array([1.0, 2, 3, 4, NAN])[:, None]
    assert scores.by_share(column, 0.25).tolist() == [4.0]
    assert scores.by_share(column, 0.5).tolist() == [3.0]
    assert scores.by_share(column, 1.0).tolist() == [1.0]
    np.testing.assert_array_equal(scores.votes(column, np.array([3.0]))[:, 0], [0, 0, 1, 1, NAN])


def test_a_threshold_by_truth_tells_best_right_from_wrong():
    column = np.array([0.1, 0.4, 0.6, 0.9, 0.5, NAN])[:, None]
    truth = np.array([0, 0, 1, 1, NAN, 1])
    # at .6 both right ones are through and no wrong one
    assert scores.by_truth(column, truth).tolist() == [0.6]
    turned = scores.by_truth(column, 1 - truth)
    # nothing is better than letting all through: the lowest score
    assert turned.tolist() == [0.1]
    assert np.isnan(scores.by_truth(column, np.ones(6))).all()


def test_thresholds_by_name():
    assert scores.named(0.5, ["a", "b"]).tolist() == [0.5, 0.5]
    assert scores.named({"a": 0.1, "b": 0.9}, ["b", "a"]).tolist() == [0.9, 0.1]
    with pytest.raises(DataError, match="no threshold for b"):
        scores.named({"a": 0.1}, ["a", "b"])
