"""Records on the console."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.report.records import records
from reason_w2s.runs.run import Run
from tests.runs.small import RECIPE, main, one_line, project, run

MORE = """\
  all: {select: {of: clean, where: {graded.status: {not: none}}}}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(project(tmp_path_factory.mktemp("show"), RECIPE + MORE))


def lines(done: Run, step: str, **wish: bool) -> list[str]:
    return list(records(done.folder, step, n=2, dropped=wish.get("dropped", False)))


def test_nothing_dropped_is_said(done):
    assert done.dropped("all") == {}
    assert lines(done, "all", dropped=True) == ["all dropped nothing"]
    assert lines(done, "all")[0] == "--- 1"


def test_what_was_dropped_comes_from_the_first(done):
    said = [line for line in lines(done, "chosen", dropped=True) if line.startswith("---")]
    assert said == ["--- 1", "--- 2"]


@pytest.mark.parametrize("step", ["weak", "clean", "train"])
def test_steps_that_drop_nothing_refuse(done, step):
    with pytest.raises(ConfigError, match=f"{step} drops nothing: only select, pair, import do"):
        lines(done, step, dropped=True)


def test_dropped_needs_a_step(done: Run, monkeypatch, capsys):
    code, out, err = main(["show", str(done.folder), "--dropped"], monkeypatch, capsys)
    assert (code, out) == (2, "")
    assert "show RUN STEP --dropped" in one_line(err)
