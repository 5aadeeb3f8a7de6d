"""A launch does not wait for the lock of a build that died, and leaves a living one alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reason_w2s.train.extensions import clear_locks


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    made = tmp_path / "deepspeed_shm_comm" / "lock"
    made.parent.mkdir()
    made.touch()
    return made


def test_an_old_lock_of_nobody_is_removed_and_said(lock, capsys):
    os.utime(lock, (time.time() - 700,) * 2)
    clear_locks()
    assert not lock.exists()
    assert f"{lock}: left by a build that died; removed" in capsys.readouterr().err


def test_a_lock_that_a_process_holds_stays(lock, capsys):
    os.utime(lock, (time.time() - 700,) * 2)
    with lock.open():
        clear_locks()
    assert lock.exists()
    assert capsys.readouterr().err == ""


def test_a_young_lock_is_waited_for_and_named(lock, capsys):
    clear_locks(dead_after=0.3, pause=0.05)
    assert not lock.exists()
    told = capsys.readouterr().err.splitlines()
    assert "waiting until it is 0 s old" in told[0]
    assert told[1].endswith("removed")


def test_without_a_build_nothing_happens(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "none"))
    clear_locks()
    assert capsys.readouterr().err == ""
