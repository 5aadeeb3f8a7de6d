"""Doing part of a plan, and doing a step again."""

from __future__ import annotations

import json

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.runs.run import Selection
from tests.runs.small import (
    again,
    main,
    project,
    run,
    snapshot,
    texts,
)


def test_until_only_from_and_status(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    part = run(path, selection=Selection(until=("graded",)))
    assert set(part.items) == {"train", "weak", "drawn", "graded"}
    assert json.loads((part.folder / "manifest.json").read_text())["complete"] is False
    monkeypatch.chdir(tmp_path)
    status = ["status", path.name, "--profile", "fake.yaml", "--name", "one"]
    before = snapshot(tmp_path)
    code, out, _ = main(status, monkeypatch, capsys)
    assert code == 0
    assert "4 of 7 steps are done" in out
    assert [line.split()[0] for line in out.splitlines() if "to do" in line] == [
        "clean",
        "chosen",
        "pairs",
    ]
    assert snapshot(tmp_path) == before
    _, steps = again(path, selection=Selection(only=("clean",)))
    assert steps == ["clean"]
    with pytest.raises(ConfigError, match="'chosen' needs 'graded'"):
        run(path, "seed=9", selection=Selection(until=("drawn",)), name="nine")
        run(path, "seed=9", selection=Selection(start=("chosen",)), name="nine")
    whole, steps = again(path, selection=Selection(start=("chosen", "pairs")))
    assert steps == ["chosen", "pairs"]
    assert len(whole.items) == 7
    assert json.loads((whole.folder / "manifest.json").read_text())["complete"] is True


def test_until_on_a_finished_run_forgets_nothing(tmp_path):
    path = project(tmp_path)
    run(path)
    before = snapshot(tmp_path / "runs")
    run(path, selection=Selection(until=("drawn",)))
    assert snapshot(tmp_path / "runs") == before


def test_redo_makes_a_step_again_and_leaves_the_old(tmp_path):
    path = project(tmp_path)
    old = run(path)
    before = snapshot(tmp_path / "runs" / "store")
    new, steps = again(path, selection=Selection(redo=("graded",)))
    assert steps[0] == "graded"
    assert "drawn" not in steps
    assert new.items["graded"].key != old.items["graded"].key
    assert texts(new, "chosen") == texts(old, "chosen")
    now = snapshot(tmp_path / "runs" / "store")
    assert {name: now[name] for name in before} == before
    # it stays redone, and is not redone once more
    same, steps = again(path)
    assert same.items == new.items
    assert steps == []
    third, _ = again(path, selection=Selection(redo=("graded",)))
    assert third.items["graded"].key not in (old.items["graded"].key, new.items["graded"].key)
    # another run is not touched by it
    assert run(path, name="two").items["graded"].key == old.items["graded"].key


def test_a_redo_that_is_refused_counts_for_nothing(tmp_path):
    path = project(tmp_path)
    run(path)
    before = snapshot(tmp_path / "runs")
    with pytest.raises(ConfigError, match="no step 'gradd'"):
        run(path, selection=Selection(redo=("graded",), until=("gradd",)))
    assert snapshot(tmp_path / "runs") == before
