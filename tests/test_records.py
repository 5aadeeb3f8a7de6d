"""What flows between stages, and its table form."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pytest

from reason_w2s.records import Pair, Problem, Row, Trace, by_problem
from reason_w2s.runs import tables

TRACE = Trace(
    key="k",
    problem_id="p",
    model="m",
    index=2,
    text="a\nb \u221a",
    finish_reason="length",
    n_prompt=3,
    n_tokens=2,
    max_tokens=2,
    token_ids=(5, 6),
    logprobs=(-0.5, -1.0),
)


@pytest.mark.parametrize(
    "problem",
    [
        Problem(id="1", question="q"),
        Problem(id="1", question="q", gold="7", solution="3 + 4 = 7", level=2, subject="s"),
        Problem(id="1", question="q", gold=("7", "seven"), options=("6", "7")),
        Problem(id="1", question="q", meta={"verbs": ["a"], "n": 1}),
    ],
)
def test_a_problem_survives_its_table(problem):
    table = pa.Table.from_pylist([tables.problem_row(problem)], schema=tables.PROBLEMS)
    assert tables.problem_of(table.to_pylist()[0]) == problem


@pytest.mark.parametrize(
    "trace", [TRACE, dataclasses.replace(TRACE, token_ids=None, logprobs=None)]
)
def test_a_trace_survives_its_table(trace):
    table = pa.Table.from_pylist([tables.trace_row(trace)], schema=tables.TRACES)
    assert tables.trace_of(table.to_pylist()[0]) == trace


def test_a_pair_survives_its_table():
    pair = Pair(problem_id="p", chosen="a", rejected="b", rule=1)
    table = pa.Table.from_pylist([dataclasses.asdict(pair)], schema=tables.PAIRS)
    assert tables.pair_of(table.to_pylist()[0]) == pair


@pytest.mark.parametrize("record", [Problem, Trace, Pair])
def test_tables_hold_every_field(record):
    schema = {Problem: tables.PROBLEMS, Trace: tables.TRACES, Pair: tables.PAIRS}[record]
    assert set(schema.names) == {field.name for field in dataclasses.fields(record)}


def test_by_problem_groups_neighbours():
    rows = [
        Row(dataclasses.replace(TRACE, key=str(n)), Problem(id=name, question="q"))
        for n, name in enumerate("aabbc")
    ]
    assert [[row.trace.key for row in group] for group in by_problem(rows)] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
    ]


def test_records_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TRACE.text = "other"  # type: ignore[misc]


def test_digest_depends_on_values_and_not_on_the_order_of_keys():
    assert tables.digest({"a": 1, "b": 2}) == tables.digest({"b": 2, "a": 1})
    assert tables.digest(1, 2) != tables.digest(2, 1)
    assert tables.digest("1") != tables.digest(1)
    assert tables.digest(["a", "b"]) != tables.digest(["ab"])
