"""One's own rows as problems."""

from __future__ import annotations

import pytest

from reason_w2s.errors import DataError
from reason_w2s.problems.jsonl import problem
from reason_w2s.problems.spec import Columns


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


@pytest.mark.parametrize("row", [{}, {"question": None}, {"question": " "}, {"question": 3}])
def test_no_question_is_refused(row):
    with pytest.raises(DataError, match=r"f\.jsonl:3: no text in 'question' .*columns\.question"):
        made({**row, "answer": "1"})


@pytest.mark.parametrize(("level", "meant"), [("4", 4), ("hard", None), (None, None), (2.5, None)])
def test_levels_are_whole_numbers_or_missing(level, meant):
    assert made({"question": "q", "answer": "1", "level": level}).level == meant


def test_numbers_where_words_are_meant():
    found = made({"question": "q", "answer": "1", "solution": 5, "subject": 3})
    assert (found.solution, found.subject) == ("5", "3")
