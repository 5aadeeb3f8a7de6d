"""What flows between stages, and its table form."""

from __future__ import annotations

import dataclasses
import json

import pyarrow as pa
import pytest

from reason_w2s.records import Numbers, Pair, Problem, Row, Trace, by_problem, listed
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


def test_numbers_are_a_sequence_of_plain_numbers():
    import numpy as np

    found = Numbers(np.array([1.5, 2.0, -3.0], dtype=np.float32))
    assert found == [1.5, 2.0, -3.0] == list(found)
    assert found != [1.5, 2.0]
    assert (len(found), found[0], found[-1], found[1:]) == (3, 1.5, -3.0, [2.0, -3.0])
    assert type(found[0]) is float
    assert json.dumps(listed({"s.tokens": found, "s.value": 2})) == (
        '{"s.tokens": [1.5, 2.0, -3.0], "s.value": 2}'
    )
    assert not Numbers(np.array([]))


def test_annotations_come_back_with_their_numbers(tmp_path):
    schema = tables.ANNOTATIONS["score"]
    rows = [
        {"key": "a", "input": "i", "value": -1.5, "steps": [-1.5], "tokens": [-1.0, -0.5],
         "ends": [1, 3], "vocabulary": "v"},
        {"key": "b", "input": "i", **dict.fromkeys(schema.names[2:])},
        {"key": "c", "input": "i", "value": 0.0, "steps": [], "tokens": [], "ends": [],
         "vocabulary": "v"},
    ]  # fmt: skip
    whole = pa.Table.from_pylist(rows, schema=schema)
    for table in (whole, pa.concat_tables([whole[:1], whole[1:]]), whole[1:]):
        found = tables.annotation_rows("score", table)
        assert found == rows[-len(found) :]
        assert isinstance(found[-1]["tokens"], Numbers)
    assert tables.annotation_rows("score", schema.empty_table()) == []
