"""A training on a disk that is too small: one line, and it goes on once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reason_w2s.errors import OutOfSpace
from reason_w2s.train.config import TrainProfile, TrainSettings

SAVING = TrainProfile(save_updates=4, threads=1)
SETTINGS = TrainSettings(objective="sft", batch=8, updates=10, trainer={"learning_rate": 1e-2})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that holds 500 KiB; `grow` gives it more."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)


@pytest.mark.torch
@pytest.mark.slow
def test_training_on_a_full_disk_goes_on_with_the_same_curve(tiny_model, tmp_path, disk) -> None:
    """The second checkpoint does not fit beside the first."""
    torch = pytest.importorskip("torch")
    from tests.train.runs import run, weights

    whole = run(tiny_model, tmp_path / "whole", SETTINGS, profile=SAVING)
    with pytest.raises(OutOfSpace, match=r"no room for a checkpoint.* MiB are free"):
        run(tiny_model, disk, SETTINGS, profile=SAVING)
    assert not (disk / "out").exists()
    marked = [path.parent.name for path in (disk / "work").glob("checkpoint-*/whole.json")]
    assert marked == ["checkpoint-4"]
    grow(disk)
    resumed = run(tiny_model, disk, SETTINGS, profile=SAVING)
    assert [entry["loss"] for entry in resumed.log] == [entry["loss"] for entry in whole.log]
    one, two = weights(tmp_path / "whole" / "out"), weights(disk / "out")
    assert all(torch.equal(one[name], two[name]) for name in one)
