"""A run set beside a file of expected numbers, from the command line."""

from __future__ import annotations

import json

import pytest

from tests.report.measured import measured
from tests.runs.small import main, one_line


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("against"))


@pytest.fixture
def baseline(done, tmp_path):
    found = json.loads((done.folder / "results.json").read_text())
    path = tmp_path / "baseline.json"

    def write(change=0.0):
        scores = [{**one, "accuracy": one["accuracy"] + change} for one in found["scores"]]
        kept = {"command": "reason-w2s run small.yaml", "tolerance": 0.01, "scores": scores}
        path.write_text(json.dumps(kept))
        return str(path)

    return write


def test_a_run_that_reached_what_was_expected(done, baseline, monkeypatch, capsys):
    arguments = ["report", str(done.folder), "--against", baseline()]
    code, said, _ = main(arguments, monkeypatch, capsys)
    assert code == 0
    assert said.count(": as expected") == 3
    assert said.splitlines()[-1] == "3 of 3 as expected of: reason-w2s run small.yaml"


def test_a_run_that_did_not_exits_with_one_and_writes_nothing(done, baseline, monkeypatch, capsys):
    before = {path: path.stat().st_mtime_ns for path in done.folder.iterdir()}
    arguments = ["report", str(done.folder), "--against", baseline(-0.05)]
    code, said, _ = main(arguments, monkeypatch, capsys)
    assert code == 1
    assert said.count("5.0 above") == 3
    assert said.splitlines()[-1].startswith("0 of 3 as expected")
    assert {path: path.stat().st_mtime_ns for path in done.folder.iterdir()} == before


def test_mistakes_end_in_one_line(done, baseline, monkeypatch, capsys):
    run = str(done.folder)
    for arguments, says in (
        ([run, "--against", f"{run}/nowhere.json"], "no such file"),
        ([run, "--against", f"{run}/ledger.json"], "command"),
        ([run, run, "--against", baseline()], "expected one"),
        ([run, "--verify", "--against", baseline()], "do not go together"),
        ([run, run, "--traces", "5"], "give one run"),
    ):
        code, _, error = main(["report", *arguments], monkeypatch, capsys)
        assert code == 2
        assert says in one_line(error)
