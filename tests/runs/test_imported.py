"""Imported traces of which none can be used: the line says why, and guesses only where it helps."""

from __future__ import annotations

import json

import pytest

from reason_w2s.errors import DataError
from tests.runs.small import RECIPE, problem, project, run

READ = (
    RECIPE[: RECIPE.index("  drawn")] + "  read: {import: {of: train, file: r.jsonl, model: m}}\n"
)
HINT = "is 'id' the problems' id? (name it under import.columns.id)"


def refusal(folder, rows, settings="file: r.jsonl"):
    recipe = project(folder, READ.replace("file: r.jsonl", settings), n=2)
    (folder / "r.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with pytest.raises(DataError, match="can be used") as error:
        run(recipe)
    return str(error.value)


def test_empty_responses_say_nothing_about_ids(tmp_path):
    line = refusal(tmp_path, [{"id": "p0", "response": ""}, {"id": "p1", "response": ""}])
    assert line.endswith("none of its 2 responses can be used: it has no response (2)")


def test_a_file_without_rows_says_so(tmp_path):
    assert refusal(tmp_path, []).endswith("can be used: there are no rows")


@pytest.mark.parametrize("name", ["elsewhere", None])
def test_rows_without_their_problem_are_asked_for_ids(name, tmp_path):
    line = refusal(tmp_path, [{"id": name, "response": "7"}, {"id": "p1", "response": ""}])
    assert line.endswith(HINT)


def test_a_question_that_two_problems_have_is_asked_for_too(tmp_path):
    asked = {**problem(0), "response": "7"}
    settings = "file: r.jsonl, columns: {question: question}"
    twins = "".join(f"{json.dumps({**problem(0), 'id': name})}\n" for name in "ab")
    recipe = project(tmp_path, READ.replace("file: r.jsonl", settings))
    (tmp_path / "data.jsonl").write_text(twins)
    (tmp_path / "r.jsonl").write_text(f"{json.dumps(asked)}\n")
    with pytest.raises(DataError, match=r"several problems .*is 'question' the problems' question"):
        run(recipe)
