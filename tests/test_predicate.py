"""The one predicate form."""

from __future__ import annotations

import random

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.predicate import failure, holds, order, ranks, validate
from reason_w2s.records import Problem, Row, Trace


def row(key="k", **columns):
    problem = Problem(id="p", question="q", level=3)
    trace = Trace(
        key=key,
        problem_id="p",
        model="m",
        index=0,
        text="t",
        finish_reason="stop",
        n_prompt=1,
        n_tokens=5,
    )
    return Row(trace, problem, columns)


@pytest.mark.parametrize(
    ("found", "condition", "held"),
    [
        (True, True, True),
        (True, False, False),
        (None, True, False),
        (None, False, False),
        (None, None, True),
        (0, None, False),
        (1, True, False),
        (True, 1, False),
        (3, 3, True),
        (3, 3.0, True),
        ("stop", "stop", True),
        ("stop", "length", False),
        ([], "none", True),
        ((), None, True),
        (["empty"], "none", False),
        (["empty", "noise"], "noise", True),
        (["empty"], "noise", False),
        (3, {"min": 3}, True),
        (3, {"min": 4}, False),
        (3, {"max": 3}, True),
        (3, {"min": 1, "max": 2}, False),
        (None, {"min": 0}, False),
        (None, {"max": 9}, False),
        (3, {"in": [1, 3]}, True),
        (3, {"in": []}, False),
        (None, {"in": [None]}, True),
        (["a"], {"in": ["a", "b"]}, True),
        (3, {"not": 3}, False),
        (None, {"not": 3}, True),
        (["a"], {"not": "a"}, False),
        (["a"], {"not": "none"}, True),
        (True, {"not": True}, False),
        (None, {"not": True}, True),
        (3, {"min": 1, "not": 3}, False),
    ],
)
def test_holds(found, condition, held):
    assert holds(found, condition) is held


def test_failure_names_the_first_condition_not_met():
    one = row(**{"graded.correct": False, "clean.flags": ("empty", "noise")})
    assert failure(one, {"finish_reason": "stop"}) is None
    assert failure(one, {"graded.correct": True, "n_tokens": {"min": 9}}) == (
        "graded.correct is false"
    )
    assert failure(one, {"n_tokens": {"min": 9}}) == "n_tokens is not min 9"
    assert failure(one, {"clean.flags": "none"}) == "clean.flags has empty+noise"
    assert failure(one, {"other.column": 1}) == "other.column is missing"
    assert failure(one, {"level": 2}) == "level is not 2"
    # a problem without a trace is asked the same way
    assert failure(one.problem, {"level": {"max": 3}}) is None
    assert failure(one.problem, {"level": 2}) == "level is not 2"
    assert failure(one.problem, {"id": {"in": ["o", "p"]}}) is None
    assert failure(one.problem, {"solution": "s"}) == "solution is missing"


def test_columns_go_before_fields_of_trace_and_problem():
    assert row(level=7).value("level") == 7
    assert row().value("level") == 3
    assert row().value("n_tokens") == 5
    assert row().value("gold") is None


def test_a_range_over_words_is_the_users_mistake():
    with pytest.raises(ConfigError, match=r"finish_reason is 'stop'.*numbers"):
        failure(row(), {"finish_reason": {"min": 3}})


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"a": {"is": 3}}, r"here\.a: unknown operator 'is'; there are: min, max, in, not"),
        ({"a": {"in": 3}}, r"here\.a\.in: expected a list"),
        ({"a": {"in": "abc"}}, r"here\.a\.in: expected a list"),
        ({"a": {"min": "3"}}, r"here\.a\.min: expected a number"),
        ({"a": {"max": True}}, r"here\.a\.max: expected a number"),
        ([1], "here: expected a mapping"),
    ],
)
def test_validate(where, said):
    with pytest.raises(ConfigError, match=said):
        validate(where, "here")


def test_order_sorts_by_columns_missing_last_and_the_rest_by_lot():
    rows = [row(str(n), a=n % 3 if n else None, b=n) for n in range(10)]
    found = order(rows, ["-a", "b"], seed=0)
    assert [one.value("b") for one in found] == [2, 5, 8, 1, 4, 7, 3, 6, 9, 0]
    lots = [one.trace.key for one in order(rows, (), seed=0)]
    assert lots != [one.trace.key for one in rows]
    assert lots != [one.trace.key for one in order(rows, (), seed=1)]
    random.Random(0).shuffle(rows)
    assert [one.trace.key for one in order(rows, (), seed=0)] == lots
    assert order(rows, ["-a", "b"], seed=0) == found


def test_ranks_are_of_the_order_and_shared_where_only_a_lot_decides():
    scores = {"a": 2.0, "b": 5.0, "c": None, "d": 5.0, "e": None}
    rows = [row(key, **{"s.value": score}) for key, score in scores.items()]
    assert ranks(rows, ["-s.value"]) == {"b": 0, "d": 0, "a": 1, "c": 2, "e": 2}
    assert ranks(rows, []) == dict.fromkeys(scores, 0)
    assert ranks([], ["-s.value"]) == {}


LISTS = {"s.tokens": [3.0, None, -1.0, 4.0], "s.steps": [], "s.none": None, "s.value": 2.0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("s.tokens.min", -1.0),
        ("s.tokens.mean", 2.0),
        ("s.tokens.sum", 6.0),
        ("s.tokens.last", 4.0),
        ("s.steps.min", None),
        ("s.none.mean", None),
        ("s.other.mean", None),
        ("s.tokens", [3.0, None, -1.0, 4.0]),
    ],
)
def test_a_list_is_reduced_by_the_end_of_its_name(name, value):
    assert row(**LISTS).value(name) == value


def test_reductions_serve_predicates_and_orders():
    low, high = row("a", **{"s.tokens": [1.0, 5.0]}), row("b", **{"s.tokens": [2.0, 3.0]})
    assert failure(low, {"s.tokens.min": {"min": 2}}) == "s.tokens.min is not min 2"
    assert failure(high, {"s.tokens.min": {"min": 2}}) is None
    missing = row("c", **{"s.tokens": []})
    assert order([missing, low, high], ["-s.tokens.min"], 0) == [high, low, missing]
    assert order([missing, high, low], ["-s.tokens.last"], 0) == [low, high, missing]
