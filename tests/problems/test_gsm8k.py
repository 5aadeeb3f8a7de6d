"""GSM8K's own columns."""

from __future__ import annotations

import json

import pytest

from reason_w2s.errors import DataError
from reason_w2s.problems.gsm8k import load, plain, split_answer
from reason_w2s.problems.spec import ProblemSpec

HUB = {
    "question": "Clips?",
    "answer": "April: 48/2 = <<48/2=24>>24 clips.\nAll: 48+24 = <<48+24=72>>72.\n#### 72",
}


def loaded(folder, *rows, **settings):
    path = folder / "g.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return list(load(ProblemSpec(source="gsm8k", file=str(path), **settings), 0, None))


def test_a_hub_row(tmp_path):
    (found,) = loaded(tmp_path, HUB, split="test")
    assert found.id == "gsm8k-test-0"
    assert found.gold == "72"
    assert found.level == 2
    assert found.solution == "April: 48/2 = 24 clips.\nAll: 48+24 = 72.\n#### 72"


def test_a_row_that_keeps_answer_and_solution_apart(tmp_path):
    (found,) = loaded(tmp_path, {"id": "x", "question": "q", "answer": "72", "solution": "a\nb"})
    assert (found.id, found.gold, found.solution, found.level) == ("x", "72", "a\nb", None)


def test_only_the_last_mark_holds_the_answer():
    row = split_answer({"answer": "It says #### 3 first.\n#### 1,234 "})
    assert row["answer"] == "1,234"
    assert row["solution"].startswith("It says #### 3")


@pytest.mark.parametrize("answer", [None, 72, "72"])
def test_other_answers_are_left_alone(answer):
    assert split_answer({"answer": answer}) == {"answer": answer}


def test_plain():
    assert plain("a <<1+1=2>>2 b << 3") == "a 2 b << 3"
    assert plain(None) is None


def test_null_gold_names_its_line(tmp_path):
    with pytest.raises(DataError, match=r"g\.jsonl:2: 'answer' is missing"):
        loaded(tmp_path, HUB, {"question": "q", "answer": None})
    rows = loaded(tmp_path, HUB, {"question": "q", "answer": None}, labels="none")
    assert rows[1].gold is None


def test_a_slice_keeps_the_rows_numbers(tmp_path):
    rows = [{**HUB, "question": f"q{n}"} for n in range(5)]
    found = loaded(tmp_path, *rows, split="test[3:]")
    assert [(one.id, one.question) for one in found] == [
        ("gsm8k-test-3", "q3"),
        ("gsm8k-test-4", "q4"),
    ]
