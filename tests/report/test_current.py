"""A run of which nothing is left to make says again what it reported, and makes no page anew."""

from __future__ import annotations

import pytest

from reason_w2s.report import command
from reason_w2s.report.current import is_current
from tests.runs.small import main, project

RECIPE = """\
# Measure a model.
name: small
models:
  weak: {path: nobody/weak, prompt: qa}
evaluate:
  suites: [suite.yaml]
  models: {weak: weak}
"""


@pytest.fixture
def again(tmp_path, monkeypatch, capsys):
    """The command that made a run, once more: what it printed, and how often pages were made."""
    path = project(tmp_path, RECIPE)
    monkeypatch.chdir(tmp_path)
    made = []
    report = command.report
    monkeypatch.setattr(command, "report", lambda *a, **k: made.append(1) or report(*a, **k))

    def run(*more):
        code, out, _ = main(["run", path.name, "--on", "fake.yaml", *more], monkeypatch, capsys)
        assert code == 0
        return out, len(made)

    return run


def test_what_is_reported_is_not_reported_anew(again, tmp_path):
    first, _ = again()
    page = tmp_path / "runs/small/report.html"
    before = page.stat().st_mtime_ns
    out, made = again()
    assert made == 1
    assert out == first
    assert "weak" in out
    assert page.stat().st_mtime_ns == before
    assert is_current(page.parent)


@pytest.mark.parametrize("name", ["report.html", "traces.html", "results.json", "rows.parquet"])
@pytest.mark.parametrize("harm", ["gone", "other"])
def test_a_file_that_is_not_as_it_was_written_is_made_again(again, tmp_path, name, harm):
    again()
    path = tmp_path / "runs/small" / name
    before = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(before + b" ")
    _, made = again()
    assert made == 2
    assert path.is_file()


def test_a_recipe_that_says_something_else_is_reported_anew(again, tmp_path):
    again()
    folder = tmp_path / "runs/small"
    recipe = folder / "recipe.yaml"
    recipe.write_text(recipe.read_text() + "# said otherwise\n")
    assert not is_current(folder)
