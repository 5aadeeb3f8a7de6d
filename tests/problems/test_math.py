r"""MATH's own columns, and the gold inside `\boxed{}`."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reason_w2s.errors import DataError
from reason_w2s.problems.load import load as load_set
from reason_w2s.problems.math import last_box, load
from reason_w2s.problems.spec import ProblemSpec
from tests.answers.shared_data import rows as shared_rows

RELEASED = {
    "problem": "What is $1+1$?",
    "level": "Level 3",
    "type": "Prealgebra",
    "solution": r"It is $\boxed{2}$.",
}
MATH_500 = {
    "problem": "q",
    "solution": r"\boxed{1}",
    "answer": r"\frac12",
    "subject": "Algebra",
    "level": 5,
    "unique_id": "test/algebra/7.json",
}


def loaded(folder, *rows, **settings):
    path = folder / "m.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return list(load(ProblemSpec(source="math", file=str(path), **settings), 0, None))


def test_a_row_as_released(tmp_path):
    (found,) = loaded(tmp_path, RELEASED, split="test")
    assert (found.id, found.gold, found.level) == ("math-test-0", "2", 3)
    assert (found.question, found.subject) == ("What is $1+1$?", "Prealgebra")
    assert found.solution == RELEASED["solution"]


def test_a_row_of_math_500_keeps_its_id_and_answer(tmp_path):
    (found,) = loaded(tmp_path, MATH_500)
    assert (found.id, found.gold) == ("test/algebra/7.json", r"\frac12")
    assert (found.level, found.subject) == (5, "Algebra")
    assert not found.meta


def test_the_same_from_gz_and_parquet(tmp_path):
    with gzip.open(tmp_path / "m.jsonl.gz", "wt") as stream:
        stream.write(json.dumps(RELEASED))
    pq.write_table(pa.Table.from_pylist([RELEASED]), tmp_path / "m.parquet")
    plain = loaded(tmp_path, RELEASED)
    for name in ("m.jsonl.gz", "m.parquet"):
        spec = ProblemSpec(source="math", file=str(tmp_path / name))
        assert list(load(spec, 0, None)) == plain


@pytest.mark.parametrize(
    ("solution", "gold"),
    [
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"first \boxed{1}, then \boxed{2}.", "2"),
        (r"\boxed{1}, \boxed{9}", "9"),
        (r"\boxed{ 96 }", "96"),
        (r"so $\boxed 9$.", "9"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{}", None),
        (r"\boxed{never closed", None),
        ("no box", None),
        ("", None),
    ],
)
def test_the_last_box(solution, gold):
    assert last_box(solution) == gold


def test_an_empty_box_leaves_a_problem_without_gold_but_no_column_is_an_error(tmp_path):
    row = {**RELEASED, "solution": r"There are $\boxed{}$."}
    assert loaded(tmp_path, row)[0].gold is None
    with pytest.raises(DataError, match=r"m\.jsonl:1: 'answer' is missing"):
        loaded(tmp_path, {**RELEASED, "solution": "no box"})
    with pytest.raises(DataError, match=r"m\.jsonl:1: no text in 'question'.*columns\.question"):
        loaded(tmp_path, {"text": "q"})


def test_a_level_that_is_unknown_is_missing(tmp_path):
    assert loaded(tmp_path, {**RELEASED, "level": "Level ?"})[0].level is None


@pytest.mark.parametrize("name", ["math_train", "math_test", "math500"])
def test_boxes_give_the_published_answers(name, tmp_path):
    """Of all 13,000 published answers; two of the train split are empty."""
    published = shared_rows(f"sets/{name}.jsonl.gz")
    without = [{key: row[key] for key in row if key != "answer"} for row in published]
    found = loaded(tmp_path, *without)
    assert [one.gold for one in found] == [row["answer"].strip() or None for row in published]
    assert [one.id for one in found] == [row["id"] for row in published]


def test_levels_subjects_and_halves_of_the_real_set(tmp_path):
    published = shared_rows("sets/math_train.jsonl.gz")
    path = tmp_path / "m.jsonl"
    path.write_text("\n".join(map(json.dumps, published)))

    def ids(**settings):
        spec = ProblemSpec(source="math", file=str(path), **settings)
        return {one.id for one in load_set(spec, labels="gold", seed=0)}

    hard = {"level": {"in": [3, 4, 5]}}
    meant = {row["id"] for row in published if row["level"] in (3, 4, 5)}
    assert len(meant) == 5586
    assert ids(where=hard) == meant
    algebra = ids(where={**hard, "subject": "Algebra"})
    assert algebra == {
        row["id"] for row in published if row["level"] in (3, 4, 5) and row["subject"] == "Algebra"
    }
    halves = {
        (half, salt): ids(where=hard, part=f"{half}/2", salt=salt)
        for half in (1, 2)
        for salt in (0, 1)
    }
    for salt in (0, 1):
        assert not halves[1, salt] & halves[2, salt]
        assert halves[1, salt] | halves[2, salt] == meant
        assert len(halves[1, salt]) == len(halves[2, salt]) == 2793
    # two random halves share about half of their problems
    assert 1200 < len(halves[1, 0] & halves[1, 1]) < 1600
