"""Somebody else's responses, from files."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reason_w2s.errors import DataError
from reason_w2s.records import Dropped, Problem, Trace
from reason_w2s.stages.imports import ImportConfig, import_traces

PROBLEMS = [Problem(id=str(n), question=f"question {n}") for n in range(3)]
ROWS = [
    {"id": 2, "response": "two words", "other": "x y z"},
    {"id": 0, "response": "one", "other": "y"},
    {"id": 9, "response": "nobody's"},
    {"id": 2, "response": "", "other": "z"},
]


def write(folder, rows=ROWS, name="answers.jsonl"):
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def imported(path, problems=PROBLEMS, **settings):
    cfg = ImportConfig.model_validate({"file": str(path), "model": "m", **settings})
    found = list(import_traces(problems, cfg, step="s"))
    return [one for one in found if isinstance(one, Trace)], [
        one for one in found if isinstance(one, Dropped)
    ]


def reasons(dropped):
    return [one.reason for one in dropped]


def test_rows_find_their_problems_in_problem_order(tmp_path):
    traces, dropped = imported(write(tmp_path, [*ROWS, {"id": 2, "response": "more"}]))
    assert [(one.problem_id, one.index, one.text) for one in traces] == [
        ("0", 0, "one"),
        ("2", 0, "two words"),
        ("2", 1, "more"),
    ]
    assert [one.n_tokens for one in traces] == [1, 2, 1]
    assert {(one.model, one.finish_reason) for one in traces} == {("m", "stop")}
    assert reasons(dropped) == ["its problem is not in the set", "it has no response"]
    assert len({one.key for one in [*traces, *dropped]}) == 5


@pytest.mark.parametrize("rows", [[{"id": 1, "response": None}], [{"id": 1}]])
def test_a_row_without_a_response_is_dropped_not_fatal(rows, tmp_path):
    traces, dropped = imported(write(tmp_path, [*rows, {"id": 1, "response": "x"}]))
    assert [one.text for one in traces] == ["x"]
    assert reasons(dropped) == ["it has no response"]


def test_a_row_that_names_no_problem_is_dropped(tmp_path):
    rows = [{"id": None, "response": "x"}, {"id": 1, "response": "y"}, {"response": "z"}]
    traces, dropped = imported(write(tmp_path, rows))
    assert [one.text for one in traces] == ["y"]
    assert reasons(dropped) == ["it names no problem"] * 2


def test_a_list_of_responses_is_several_traces(tmp_path):
    rows = [
        {"id": 0, "response": ["a", None, "b"]},
        {"id": 7, "response": ["c", "d"]},
        {"id": 1, "response": []},
    ]
    traces, dropped = imported(write(tmp_path, rows))
    assert [(one.problem_id, one.index, one.text) for one in traces] == [
        ("0", 0, "a"),
        ("0", 1, "b"),
    ]
    assert sorted(reasons(dropped)) == [
        "it has no response",
        "it has no response",
        "its problem is not in the set",
        "its problem is not in the set",
    ]


def test_several_columns_are_several_traces(tmp_path):
    path = write(
        tmp_path, [{"id": 0, "weak": "a", "icl": "b"}, {"id": 1, "weak": "c", "icl": None}]
    )
    traces, dropped = imported(path, columns={"response": ["weak", "icl"]})
    assert [(one.problem_id, one.text) for one in traces] == [("0", "a"), ("0", "b"), ("1", "c")]
    assert reasons(dropped) == ["it has no response"]
    alone, _ = imported(path, columns={"response": "weak"})
    assert {one.key for one in alone} < {one.key for one in traces}


def test_openr1_columns(tmp_path):
    row = {
        "problem": "question\n 1",
        "uuid": "u",
        "generations": ["<think>a</think>1", "<think>b"],
        "is_reasoning_complete": [True, False],
        "finish_reasons": ["stop", "length"],
    }
    columns = {"question": "problem", "response": "generations"}
    for finish in ("is_reasoning_complete", "finish_reasons"):
        traces, dropped = imported(write(tmp_path, [row]), columns={**columns, "finish": finish})
        assert not dropped
        assert [(one.problem_id, one.text, one.finish_reason) for one in traces] == [
            ("1", "<think>a</think>1", "stop"),
            ("1", "<think>b", "length"),
        ]


def test_openthoughts_conversations_and_messages(tmp_path):
    said = [{"from": "user", "value": "question 2"}, {"from": "assistant", "value": "deep"}]
    told = [
        {"role": "user", "content": "question 1"},
        {"role": "assistant", "content": "draft"},
        {"role": "user", "content": "again"},
        {"role": "assistant", "content": [{"type": "text", "text": "fi"}, {"text": "nal"}]},
    ]
    for column, turns, expected in (
        ("conversations", said, ("2", "deep")),
        ("messages", told, ("1", "final")),
    ):
        path = write(tmp_path, [{"system": "Be good.", column: turns}])
        columns = {"question": column, "response": column}
        ((trace,), _) = imported(path, columns=columns)
        assert (trace.problem_id, trace.text) == expected


def test_a_conversation_without_an_answer_is_dropped(tmp_path):
    rows = [{"id": 1, "messages": [{"role": "user", "content": "q"}]}]
    traces, dropped = imported(write(tmp_path, rows), columns={"response": "messages"})
    assert (traces, reasons(dropped)) == ([], ["it has no response"])


def test_reasoning_kept_apart_stands_before_the_answer(tmp_path):
    turn = {"role": "assistant", "content": "4", "reasoning_content": "2+2\n"}
    rows = [{"id": 1, "messages": [turn], "answer": "5", "thought": "2+3"}]
    path = write(tmp_path, rows)
    ((one,), _) = imported(path, columns={"response": "messages"})
    assert one.text == "<think>\n2+2\n</think>\n\n4"
    ((two,), _) = imported(path, columns={"response": "answer", "reasoning": "thought"})
    assert two.text == "<think>\n2+3\n</think>\n\n5"


def test_nested_columns_are_named_by_a_path(tmp_path):
    rows = [{"meta": {"id": 1, "by": {"name": "x"}}, "out.text": "a"}]
    columns = {"id": "meta.id", "model": "meta.by.name", "response": "out.text"}
    ((trace,), _) = imported(write(tmp_path, rows), columns=columns)
    assert (trace.problem_id, trace.model, trace.text) == ("1", "x", "a")


def test_who_wrote_a_row_may_stand_in_it(tmp_path):
    rows = [
        {"id": 0, "response": ["a", "b"], "by": ["x", "y"]},
        {"id": 1, "response": "c", "by": None},
    ]
    path = write(tmp_path, rows)
    traces, _ = imported(path, columns={"model": "by"})
    assert [one.model for one in traces] == ["x", "y", "m"]
    traces, dropped = imported(path, columns={"model": "by"}, model=None)
    assert [one.model for one in traces] == ["x", "y"]
    assert reasons(dropped) == ["it does not say who wrote it"]


def test_by_question_blanks_aside_and_never_guessed(tmp_path):
    problems = [*PROBLEMS, Problem(id="9", question="question  2")]
    rows = [{"question": f" question\t{n}", "response": str(n)} for n in (1, 2, 3)]
    for columns in ({"id": None}, {"question": "question"}):
        traces, dropped = imported(write(tmp_path, rows), problems, columns=columns)
        assert [(one.problem_id, one.text) for one in traces] == [("1", "1")]
        assert reasons(dropped) == [
            "several problems have its question",
            "its problem is not in the set",
        ]


def test_rows_without_an_id_are_found_by_their_question(tmp_path):
    rows = [
        {"qid": "1", "response": "a"},
        {"question": "question 2", "response": "b"},
        {"qid": "7", "question": "question 0", "response": "c"},
        {"response": "d"},
    ]
    columns = {"id": "qid", "question": "question"}
    traces, dropped = imported(write(tmp_path, rows), columns=columns)
    assert [(one.problem_id, one.text) for one in traces] == [("1", "a"), ("2", "b")]
    assert reasons(dropped) == ["its problem is not in the set", "it names no problem"]
    # an id is never taken for a question, nor the other way round
    named = [Problem(id="1", question="2"), Problem(id="2", question="1")]
    traces, _ = imported(write(tmp_path, rows[:1]), named, columns={"id": "qid"})
    assert [one.problem_id for one in traces] == ["1"]
    traces, _ = imported(write(tmp_path, rows[:1]), named, columns={"question": "qid"})
    assert [one.problem_id for one in traces] == ["2"]


def test_duplicates_are_kept_unless_told(tmp_path):
    path = write(tmp_path, [{"id": 1, "response": ["a", "a", "b"]}, {"id": 2, "response": "a"}])
    traces, dropped = imported(path)
    assert ([one.text for one in traces], dropped) == (["a", "a", "b", "a"], [])
    traces, dropped = imported(path, duplicates="drop")
    assert [(one.problem_id, one.text) for one in traces] == [("1", "a"), ("1", "b"), ("2", "a")]
    assert reasons(dropped) == ["its problem has the same text already"]


def test_several_files_of_any_format(tmp_path):
    one = write(tmp_path, [{"id": 1, "response": "a"}])
    two, three = tmp_path / "b.jsonl.gz", tmp_path / "c.parquet"
    two.write_bytes(gzip.compress(b'{"id": 0, "response": "b"}\n'))
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "c"}]
    pq.write_table(pa.Table.from_pylist([{"id": 1, "response": turns}]), three)
    traces, _ = imported("", file=[str(one), str(two), str(three)])
    assert [(one.problem_id, one.index, one.text) for one in traces] == [
        ("0", 0, "b"),
        ("1", 0, "a"),
        ("1", 1, "c"),
    ]
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(one.read_bytes())
    with pytest.raises(DataError, match=r"copy\.jsonl: the same content as .*answers\.jsonl"):
        imported("", file=[str(one), str(copy)])


def test_keys_tell_columns_and_models_apart_and_not_paths(tmp_path):
    path = write(tmp_path, ROWS[:2])
    one, two, three = (
        {trace.key for trace in imported(path, **settings)[0]}
        for settings in ({}, {"columns": {"response": "other"}}, {"model": "n"})
    )
    assert not one & two
    assert not one & three
    other = tmp_path / "elsewhere.jsonl"
    other.write_bytes(path.read_bytes())
    assert one == {trace.key for trace in imported(other)[0]}


def test_the_order_of_problems_changes_no_key(tmp_path):
    path = write(tmp_path)
    assert {one.key for one in imported(path)[0]} == {
        one.key for one in imported(path, PROBLEMS[::-1])[0]
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 5, None]), st.lists(st.sampled_from(["a", "", None]), max_size=3)
        ),
        max_size=8,
    ),
    st.sampled_from(["keep", "drop"]),
)
def test_nothing_is_lost_and_no_key_stands_twice(tmp_path_factory, drawn, duplicates):
    rows = [{"id": asked, "response": texts} for asked, texts in drawn]
    path = write(tmp_path_factory.mktemp("x"), rows)
    traces, dropped = imported(path, duplicates=duplicates)
    assert len(traces) + len(dropped) == sum(max(1, len(texts)) for _, texts in drawn)
    assert len({one.key for one in [*traces, *dropped]}) == len(traces) + len(dropped)


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        ([{"id": 1, "text": "x"}], {}, r"answers\.jsonl:1: no column 'response' .*id, text"),
        ([{"response": "x"}], {}, r"no column 'id'"),
        (ROWS, {"id": "uid"}, r"no column 'uid'.*import\.columns"),
        (ROWS, {"response": ["other", "third"]}, "no column 'third'"),
        (
            ROWS,
            {"finish": "other"},
            r"answers\.jsonl:1: 'other' is 'x y z'; expected true or false",
        ),
        (
            [{"id": 1, "response": ["a", "b"], "done": [True]}],
            {"finish": "done"},
            r"answers\.jsonl:1: 'done' has 1 values for 2 responses",
        ),
    ],
)
def test_mistakes_in_columns_are_named(rows, columns, said, tmp_path):
    with pytest.raises(DataError, match=said):
        imported(write(tmp_path, rows), columns=columns)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.jsonl: no such file"):
        imported(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": None}, "say who wrote the responses"),
        ({"columns": {"response": []}}, "at least 1"),
        ({"file": []}, "at least 1"),
    ],
)
def test_settings_that_say_too_little_or_too_much(settings, said):
    with pytest.raises(ValidationError, match=said):
        ImportConfig.model_validate({"file": "x", "model": "m", **settings})


def test_settings_read_back_as_they_were():
    for columns in ({}, {"id": None}, {"question": "q"}, {"id": "i", "response": ["a", "b"]}):
        cfg = ImportConfig.model_validate({"file": "x", "model": "m", "columns": columns})
        assert ImportConfig.model_validate(cfg.model_dump(mode="json")) == cfg
