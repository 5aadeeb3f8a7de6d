"""One's own rows as problems."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from reason_w2s.errors import DataError
from reason_w2s.problems.jsonl import load, problem
from reason_w2s.problems.spec import Columns, ProblemSpec


def made(row, *, need_gold=True, **columns):
    return problem(row, Columns(**columns), "f.jsonl:3", need_gold=need_gold)


def test_all_columns():
    row = {
        "id": 7,
        "question": "q",
        "answer": 3.5,
        "solution": "s",
        "level": "Level 3",
        "subject": "Algebra",
        "options": [1, "two"],
        "source": "x",
    }
    found = made(row)
    assert (found.id, found.gold, found.solution, found.level) == ("7", "3.5", "s", 3)
    assert (found.subject, found.options, found.meta) == ("Algebra", ("1", "two"), {"source": "x"})


def test_other_names():
    row = {"uid": "a", "problem": "q", "final": "3", "how": "s", "hard": 2, "field": "f"}
    names = {
        "id": "uid",
        "question": "problem",
        "gold": "final",
        "solution": "how",
        "level": "hard",
        "subject": "field",
    }
    found = made(row, **names)
    assert (found.id, found.question, found.gold) == ("a", "q", "3")
    assert (found.solution, found.level, found.subject) == ("s", 2, "f")


@pytest.mark.parametrize(("given", "meant"), [(0, "0"), ("0", "0"), (12, "12"), ("a", "a")])
def test_ids_are_kept_zero_too(given, meant):
    assert made({"id": given, "question": "q", "answer": "1"}).id == meant


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ""}])
def test_without_an_id_the_question_gives_one(row):
    found = {made({**row, "question": q, "answer": "1"}).id for q in ("a", "b", "a")}
    assert len(found) == 2


@pytest.mark.parametrize(
    ("given", "gold"),
    [("7", "7"), (7, "7"), (0, "0"), (0.5, "0.5"), (["7", 8], ("7", "8")), (" 7", " 7")],
)
def test_golds(given, gold):
    assert made({"question": "q", "answer": given}).gold == gold


@pytest.mark.parametrize("given", [None, "", []])
def test_no_gold_is_refused_where_it_is_needed(given):
    with pytest.raises(
        DataError, match=r"f\.jsonl:3: 'answer' is missing or null .*question, answer"
    ):
        made({"question": "q", "answer": given})
    assert made({"question": "q", "answer": given}, need_gold=False).gold is None


@pytest.mark.parametrize(
    "turns",
    [
        [{"role": "system", "content": "be kind"}, {"role": "user", "content": "q"}],
        [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        [{"role": "user", "content": "q"}, {"role": "user", "content": "r"}],
        [{"from": "user", "value": "q"}, {"from": "assistant", "value": "a"}],
        [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
    ],
)
def test_the_first_user_turn_is_the_question(turns):
    assert made({"conversations": turns, "answer": "1"}, question="conversations").question == "q"


@pytest.mark.parametrize("turns", [[], [{"role": "assistant", "content": "a"}], ["q"], [{}]])
def test_messages_without_a_user_hold_no_question(turns):
    with pytest.raises(DataError, match=r"no text in 'messages'"):
        made({"messages": turns, "answer": "1"}, question="messages")


def test_dots_lead_into_a_column_but_not_past_one_of_that_name():
    row = {"q": {"text": "q"}, "reward": {"truth": "7"}, "a.b": "sol"}
    found = made(row, question="q.text", gold="reward.truth", solution="a.b")
    assert (found.question, found.gold, found.solution) == ("q", "7", "sol")
    with pytest.raises(DataError, match=r"'reward\.lie' is missing"):
        made(row, question="q.text", gold="reward.lie")


def test_rows_as_openr1_and_openthoughts_publish_them(tmp_path):
    openr1 = {
        "problem": "1+1?",
        "answer": "2",
        "solution": "two",
        "problem_type": "Algebra",
        "uuid": "u-1",
        "generations": ["<think>a</think>2", "<think>b</think>3"],
    }
    thoughts = {
        "system": "think",
        "conversations": [{"from": "user", "value": "2+2?"}, {"from": "assistant", "value": "4"}],
    }
    path = tmp_path / "r.parquet"
    pq.write_table(pa.Table.from_pylist([openr1]), path)
    names = {"id": "uuid", "question": "problem", "subject": "problem_type"}
    (found,) = load(ProblemSpec(source="jsonl", file=str(path), columns=names), 0, None)
    assert (found.id, found.question, found.gold) == ("u-1", "1+1?", "2")
    assert found.subject == "Algebra"
    assert not found.meta, "generations would make a set of problems as large as one of traces"
    pq.write_table(pa.Table.from_pylist([thoughts]), path)
    spec = ProblemSpec(
        source="jsonl", file=str(path), columns={"question": "conversations"}, labels="none"
    )
    (found,) = load(spec, 0, None)
    assert (found.question, found.gold) == ("2+2?", None)


@pytest.mark.parametrize("row", [{}, {"question": None}, {"question": " "}, {"question": 3}])
def test_no_question_is_refused(row):
    with pytest.raises(DataError, match=r"f\.jsonl:3: no text in 'question' .*columns\.question"):
        made({**row, "answer": "1"})


def test_choices_in_one_text_are_no_list_of_letters():
    assert made({"question": "q", "answer": "A", "options": "A) 1 B) 2"}).options is None


@pytest.mark.parametrize("options", [["12", "7"], ["A)12", "B)7"], ["(A) 12", "(B) 7"]])
def test_options_are_asked_with_their_letters(options):
    found = made({"question": "q", "answer": "B", "choices": options}, options="choices")
    assert found.question == "q\nAnswer choices:\nA) 12\nB) 7"
    assert found.options == tuple(options)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("q (A) 12 (B) 7", "q (A) 12 (B) 7"),
        ("q\nA. 12\nB. 7", "q\nA. 12\nB. 7"),
        # the numbers alone are no choices: no letter says which is which
        ("Is it 12 or 7?", "Is it 12 or 7?\nAnswer choices:\nA) 12\nB) 7"),
        ("q A) 12", "q A) 12\nAnswer choices:\nA) 12\nB) 7"),
    ],
)
def test_options_that_the_question_says_already_are_not_said_twice(question, asked):
    found = made({"question": question, "answer": "B", "options": ["12", "7"]})
    assert found.question == asked


def test_of_several_names_the_first_that_the_row_has():
    names = {"question": ("prompt", "question"), "gold": ["reward.truth", "answer"]}
    for row in (
        {"prompt": "q", "question": "x", "reward": {"truth": "3"}, "answer": "y"},
        {"question": "q", "answer": "3"},
    ):
        found = made(row, **names)
        assert (found.question, found.gold) == ("q", "3")
    with pytest.raises(DataError, match="no text in 'prompt'"):
        made({"q": "q"}, **names)


def test_an_empty_list_names_no_column():
    with pytest.raises(ValidationError, match="at least 1 item"):
        Columns(question=[])


@pytest.mark.parametrize(("level", "meant"), [("4", 4), ("hard", None), (None, None), (2.5, None)])
def test_levels_are_whole_numbers_or_missing(level, meant):
    assert made({"question": "q", "answer": "1", "level": level}).level == meant


def test_numbers_where_words_are_meant():
    found = made({"question": "q", "answer": "1", "solution": 5, "subject": 3})
    assert (found.solution, found.subject) == ("5", "3")
