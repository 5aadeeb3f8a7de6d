"""Models, problem sets and files that are not there, or are something else."""

from __future__ import annotations

import json

import pytest

from reason_w2s.problems import hub as hub_sets
from tests.doctor.cases import (
    IMPORTED,
    RECIPE,
    SOLVED,
    diagnose,
    facts,
    findings,
    only,
    project,
    traces,
    unchecked,
)

pytestmark = pytest.mark.torch
pytest.importorskip("trl")


@pytest.mark.parametrize("where", ["./nowhere", "/no/such/folder", "nowhere"])
def test_no_such_model_folder(tmp_path, where):
    found = only(diagnose(project(tmp_path), f"models.student.path={where}"))
    assert f"{where}: there is no such folder" in found.what
    assert found.where.endswith("models.student.path")
    assert found.severity == "error"


def test_a_folder_without_weights(tmp_path):
    path = project(tmp_path)
    (tmp_path / "student" / "model.safetensors").unlink()
    assert "no weights" in only(diagnose(path)).what


def test_a_folder_without_a_config(tmp_path):
    path = project(tmp_path)
    (tmp_path / "weak" / "config.json").unlink()
    assert "holds no config.json" in only(diagnose(path)).what


def test_a_model_that_nobody_says_how_to_ask(tmp_path):
    found = diagnose(project(tmp_path, SOLVED), "models.student.prompt=null")
    assert "carries no prompt" in only(found).what


@pytest.mark.parametrize(
    ("error", "severity"), [("RepositoryNotFoundError", "error"), ("GatedRepoError", "error")]
)
def test_a_model_that_the_hub_does_not_give(tmp_path, monkeypatch, error, severity):
    hub = pytest.importorskip("huggingface_hub")
    import httpx

    def refuse(*_, **__):
        answer = httpx.Response(404, request=httpx.Request("GET", "http://localhost"))
        raise getattr(hub.errors, error)("no", response=answer)

    monkeypatch.setattr(hub.HfApi, "model_info", refuse)
    found = only(diagnose(project(tmp_path), "models.student.path=nobody/nothing"))
    assert found.severity == severity
    assert "nobody/nothing: " in found.what


def test_an_endpoint_that_does_not_answer(tmp_path):
    """Nothing listens on port 9 of this machine."""
    path = project(
        tmp_path, RECIPE.replace("path: weak, prompt", "path: 'http://127.0.0.1:9/v1', prompt")
    )
    found = only(diagnose(path))
    assert "http://127.0.0.1:9/v1" in found.what
    assert found.where.endswith("models.weak.path")


def test_a_problem_file_that_is_not_there(tmp_path):
    path = project(tmp_path, SOLVED)
    (tmp_path / "data.jsonl").unlink()
    found = only(diagnose(path))
    assert f"{tmp_path}/data.jsonl is not there" in found.what
    assert found.where.endswith("problems.train")


def test_problem_columns_of_other_names(tmp_path):
    path = project(tmp_path, SOLVED)
    (tmp_path / "data.jsonl").write_text(json.dumps({"problem": "1 + 1?", "answer": "2"}))
    found = only(diagnose(path))
    assert "no text in 'question' (the row has: problem, answer)" in found.what
    assert "columns.question" in found.todo


def test_solutions_that_are_not_there(tmp_path):
    path = project(tmp_path, SOLVED)
    (tmp_path / "data.jsonl").write_text(
        "\n".join(json.dumps({"id": n, "question": f"{n}?", "answer": "2"}) for n in range(60))
    )
    assert "has no gold solution" in only(diagnose(path)).what


def test_import_files(tmp_path):
    path = project(tmp_path, IMPORTED)
    assert facts(diagnose(path), "imports")[0].data == {"drawn": 60}
    traces(tmp_path, [{"id": f"other-{n}", "response": "3"} for n in range(5)])
    assert "none of its rows finds a problem" in findings(diagnose(path))[0].what
    (tmp_path / "traces.jsonl").unlink()
    found = next(one for one in findings(diagnose(path)) if "is not there" in one.what)
    assert found.where.endswith("steps.drawn.import.file")


def test_a_set_of_the_hub(tmp_path, monkeypatch):
    path = project(tmp_path, SOLVED.replace("jsonl, file: data.jsonl", "hub, path: nobody/set"))
    said = hub_sets.Found(None, "no network (ConnectError)", reached=False)
    monkeypatch.setattr("reason_w2s.doctor.sets.ask", lambda *_: said)
    assert not findings(diagnose(path))
    assert "problems 'train' and their columns" in unchecked(diagnose(path))
    said = hub_sets.Found(None, "there is no such set, or it may not be read", reached=True)
    monkeypatch.setattr("reason_w2s.doctor.sets.ask", lambda *_: said)
    assert "nobody/set: there is no such set" in only(diagnose(path)).what
    said = hub_sets.Found("abc")
    monkeypatch.setattr("reason_w2s.doctor.sets.ask", lambda *_: said)
    assert not findings(diagnose(path))
