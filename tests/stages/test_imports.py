"""Somebody else's responses, from a file."""

from __future__ import annotations

import json

import pytest

from reason_w2s.errors import DataError
from reason_w2s.records import Dropped, Problem, Trace
from reason_w2s.stages.imports import ImportConfig, import_traces

PROBLEMS = [Problem(id=str(n), question=f"q{n}") for n in range(3)]
ROWS = [
    {"id": 2, "response": "two words", "other": "x y z"},
    {"id": 0, "response": "one", "other": "y"},
    {"id": 9, "response": "nobody's"},
    {"id": 2, "response": "", "other": "z"},
]


def write(folder, rows=ROWS):
    path = folder / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def imported(path, problems=PROBLEMS, **settings):
    cfg = ImportConfig(file=str(path), **{"model": "m", **settings})
    found = list(import_traces(problems, cfg, step="s"))
    return [one for one in found if isinstance(one, Trace)], [
        one for one in found if isinstance(one, Dropped)
    ]


def test_rows_find_their_problems_in_problem_order(tmp_path):
    traces, dropped = imported(write(tmp_path))
    assert [(one.problem_id, one.index, one.text) for one in traces] == [
        ("0", 0, "one"),
        ("2", 0, "two words"),
        ("2", 1, ""),
    ]
    assert [one.n_tokens for one in traces] == [1, 2, 0]
    assert {one.model for one in traces} == {"m"}
    assert [one.reason for one in dropped] == ["its problem is not in the set"]
    assert len({one.key for one in [*traces, *dropped]}) == 4


def test_a_list_of_responses_is_several_traces(tmp_path):
    traces, dropped = imported(
        write(tmp_path, [{"id": 0, "response": ["a", "b"]}, {"id": 7, "response": ["c", "d"]}])
    )
    assert [(one.index, one.text) for one in traces] == [(0, "a"), (1, "b")]
    assert len(dropped) == 2


def test_keys_tell_columns_and_models_of_one_file_apart(tmp_path):
    path = write(tmp_path, ROWS[:2])
    one, two, three = (
        {trace.key for trace in imported(path, **settings)[0]}
        for settings in ({}, {"columns": {"response": "other"}}, {"model": "n"})
    )
    assert not one & two
    assert not one & three
    assert one == {trace.key for trace in imported(path)[0]}


def test_the_order_of_problems_changes_no_key(tmp_path):
    path = write(tmp_path)
    assert set(imported(path)[0]) == set(imported(path, PROBLEMS[::-1])[0])


@pytest.mark.parametrize(
    ("rows", "settings", "said"),
    [
        ([{"id": 1, "text": "x"}], {}, r"answers\.jsonl:1: no column 'response' .*id, text"),
        ([ROWS[0], {"id": 1, "response": None}], {}, r"answers\.jsonl:2: no column 'response'"),
        ([{"response": "x"}], {}, r"no column 'id'"),
        (ROWS, {"columns": {"id": "uid"}}, "no column 'uid'.*import.columns"),
    ],
)
def test_missing_columns_are_named(rows, settings, said, tmp_path):
    with pytest.raises(DataError, match=said):
        imported(write(tmp_path, rows), **settings)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.jsonl: no such file"):
        imported(tmp_path / "none.jsonl")
