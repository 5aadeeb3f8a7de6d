"""Models, problem sets and files that are not there, or are something else."""

from __future__ import annotations

import json
from fnmatch import fnmatch

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
from tests.engines.endpoint_stub import Stub, serving

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


def test_an_endpoint_that_answers(tmp_path):
    with serving(Stub()) as stub:
        path = project(
            tmp_path, RECIPE.replace("path: weak, prompt", f"path: '{stub.url}', prompt")
        )
        found = diagnose(path)
        assert not findings(found), findings(found)
        assert any("answers and serves 'tiny'" in one.text for one in facts(found, "models"))
        other = only(diagnose(path, "models.weak.served=another"))
        assert "another" in other.what
        assert not stub.asked, "nothing is sampled"


def test_a_model_of_the_hub_is_known_by_its_small_files(tmp_path, monkeypatch):
    """What is fetched holds no weights, and is enough."""
    hub = pytest.importorskip("huggingface_hub")
    path = project(tmp_path)
    (tmp_path / "student" / "model.safetensors").unlink()
    asked = []

    def fetch(name, *, revision=None, allow_patterns=None, local_files_only=False):
        if local_files_only:
            raise OSError("not in the cache")
        asked.append((name, revision, allow_patterns))
        return str(tmp_path / "student")

    monkeypatch.setattr(hub, "snapshot_download", fetch)
    monkeypatch.setattr(hub.HfApi, "model_info", lambda *_, **__: None)
    found = diagnose(path, "models.student={path: org/student, revision: v1, prompt: qwen_boxed}")
    assert not findings(found), findings(found)
    assert any("the run fetches its weights" in one.text for one in facts(found, "models"))
    assert facts(found, "rows"), "its template is looked at"
    ((name, revision, patterns),) = asked
    assert (name, revision) == ("org/student", "v1")
    weights = ("model.safetensors", "model-00001-of-2.safetensors", "pytorch_model.bin")
    assert not any(fnmatch(file, one) for file in weights for one in patterns)


def test_a_revision_that_the_hub_has_not(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    import httpx

    def refuse(*_, **__):
        answer = httpx.Response(404, request=httpx.Request("GET", "http://localhost"))
        raise hub.errors.RevisionNotFoundError("no", response=answer)

    monkeypatch.setattr(hub.HfApi, "model_info", refuse)
    change = "models.student={path: org/student, revision: v9, prompt: qwen_boxed}"
    assert "no revision 'v9' of it" in only(diagnose(project(tmp_path), change)).what


def test_of_large_files_the_first_rows_are_read(tmp_path, monkeypatch):
    path = project(tmp_path, IMPORTED)
    size = (tmp_path / "data.jsonl").stat().st_size
    traces(tmp_path, [{"response": f"{'so ' * 200}\\boxed{{3}}"}] * 60)
    monkeypatch.setattr("reason_w2s.doctor.sets.LARGE", size)
    monkeypatch.setattr("reason_w2s.doctor.sets.FIRST", 7)
    found = diagnose(path)
    assert facts(found, "problems")[0].text.startswith("train 60,")
    assert "7 traces looked at, of a large file" in facts(found, "imports")[0].text
    assert "how many examples 'tuned' has" in unchecked(found)
    assert not findings(found)
    monkeypatch.setattr("reason_w2s.doctor.sets.LARGE", 10)
    found = diagnose(path)
    assert facts(found, "problems")[0].text.startswith("train 7 looked at")
    assert "not all problems of train were read here" in unchecked(found)
    assert "how many examples 'tuned' has" in unchecked(found)
    assert not findings(found)


def test_sets_cut_out_of_one_that_is_not_here(tmp_path, monkeypatch):
    said = hub_sets.Found(None, "no network (ConnectError)", reached=False)
    monkeypatch.setattr("reason_w2s.doctor.sets.ask", lambda *_: said)
    cut = "hub, path: nobody/set}\n  few: {of: train, take: 3"
    text = IMPORTED.replace("jsonl, file: data.jsonl", cut).replace("{of: train,", "{of: few,", 1)
    text = text.replace("import: {of: train,", "import: {of: few,")
    text = text.replace("few: {of: few", "few: {of: train")
    found = diagnose(project(tmp_path, text))
    assert not findings(found), findings(found)
    assert "problems 'few' and their columns: 'train' is not here" in unchecked(found)
    assert "whether the rows of 'drawn' find their problems" in unchecked(found)


def test_an_import_file_that_cannot_be_read(tmp_path):
    path = project(tmp_path, IMPORTED)
    (tmp_path / "traces.jsonl").write_text("no json")
    found = findings(diagnose(path))
    assert any(one.where.endswith("steps.drawn.import") for one in found)
    assert all("traces.jsonl" in one.what for one in found)
