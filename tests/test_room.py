"""A full disk is told from everything else, said in one line, and costs nothing that was stored."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from reason_w2s import room as rooms
from reason_w2s.errors import OutOfSpace
from reason_w2s.room import is_full, room
from reason_w2s.runs.makers import samples
from reason_w2s.runs.run import Run
from tests.runs.small import RECIPE, main, one_line, project, run, snapshot, texts

ARGUMENTS = ["run", "small.yaml", "--on", "fake.yaml"]
TORCH = "[enforce fail at inline_container.cc:863] . PytorchStreamWriter failed writing file data/1"


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("error", "free_mib", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 1e6, True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 1e6, True),
        (OSError(errno.EACCES, "Permission denied"), 0, False),
        (caused(ValueError("x"), OSError(errno.ENOSPC, "")), 1e6, True),
        (Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
         1e6, True),
        (RuntimeError(TORCH), 3, True),
        (RuntimeError(TORCH), 1e6, False),
        (RuntimeError("CUDA out of memory"), 0, False),
    ],
)  # fmt: skip
def test_what_is_a_full_disk(error, free_mib, full, tmp_path, monkeypatch):
    monkeypatch.setattr(rooms, "free_mib", lambda place: free_mib)
    assert is_full(error, tmp_path) is full


def test_it_says_what_was_written_and_how_much_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(rooms, "free_mib", lambda place: 1.25)
    said = rf"{tmp_path}: no room for the rows: 1\.2 MiB are free; .* make room"
    with pytest.raises(OutOfSpace, match=said) as caught, room(tmp_path, "the rows"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.exit_code == 3


def test_another_failure_stays_what_it_is(tmp_path):
    with pytest.raises(ValueError, match=r"^x$"), room(tmp_path, "the rows"):
        raise ValueError("x")


def test_free_is_that_of_the_disk_a_folder_will_lie_on(tmp_path):
    assert rooms.free_mib(tmp_path / "not" / "there") == pytest.approx(rooms.free_mib(tmp_path), 1)


class Disk:
    """Takes so many files, then none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 10**9
        fsync = os.fsync

        def full(file: int) -> None:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            fsync(file)

        monkeypatch.setattr(os, "fsync", full)


def half(folder: Path) -> list[Path]:
    """Files that were not renamed to what they are."""
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


@pytest.mark.parametrize("files", (0, 4, 9, 13))
def test_a_run_on_a_full_disk_is_one_line_and_goes_on(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(samples, "PART", 12)
    whole = run(project(tmp_path / "whole"))
    project(tmp_path, RECIPE)
    monkeypatch.chdir(tmp_path)
    disk = Disk(monkeypatch)
    disk.left = files
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 3
    assert "no room for" in one_line(err) and "MiB are free" in one_line(err)
    assert not half(tmp_path / "runs")
    kept = {
        name: state
        for name, state in snapshot(tmp_path / "runs").items()
        if name.endswith(".parquet")
    }
    disk.left = 10**9
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 0, err
    assert kept.items() <= snapshot(tmp_path / "runs").items()
    done = Run.open(tmp_path / "runs" / "small")
    assert {name: item.digest for name, item in done.items.items()} == {
        name: item.digest for name, item in whole.items.items()
    }
    assert texts(done, "drawn") == texts(whole, "drawn")
