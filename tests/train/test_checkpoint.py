"""Killed and started again is the same as never killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reason_w2s.train import checkpoint
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from reason_w2s.train.objectives import OBJECTIVES

ROOT = Path(__file__).parents[2]
GIVEN = [name for name, one in OBJECTIVES.items() if not one.group]
"""Objectives that sample nothing while they train."""
LORA = Lora(r=4, alpha=8, dropout=0.1)
QUICK = [("sft", LORA), ("dpo", None)]
SAVING = TrainProfile(save_updates=4, threads=1)


def folder(work: Path, updates: int, whole: bool = True) -> Path:
    path = work / f"checkpoint-{updates}"
    path.mkdir(parents=True)
    if whole:
        (path / checkpoint.WHOLE).touch()
    return path


def test_the_newest_whole_checkpoint_is_found(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path, "job") is None
    folder(tmp_path, 4)
    newest = folder(tmp_path, 12)
    half = folder(tmp_path, 20, whole=False)
    assert checkpoint.latest(tmp_path, "job") == newest
    assert not half.exists()


def test_another_jobs_checkpoints_are_not_gone_on_with(tmp_path: Path) -> None:
    checkpoint.latest(tmp_path, "job")
    old = folder(tmp_path, 4)
    assert checkpoint.latest(tmp_path, "other job") is None
    assert not old.exists()


def test_a_digest_sees_every_part() -> None:
    one = checkpoint.digest({"a": 1}, [1, 2])
    assert one == checkpoint.digest({"a": 1}, [1, 2]) != checkpoint.digest({"a": 1}, [1, 3])


@pytest.mark.torch
@pytest.mark.parametrize(
    ("objective", "lora"),
    [
        pytest.param(name, lora, marks=[] if (name, lora) in QUICK else [pytest.mark.slow])
        for name in GIVEN
        for lora in (None, LORA)
    ],
)
def test_killed_at_any_point_the_curve_is_the_same(tiny_model, tmp_path, objective, lora) -> None:
    torch = pytest.importorskip("torch")
    from tests.train.runs import run, weights

    # TRL switches an adapter's dropout off by default, but for SFT
    drops = {"disable_dropout": False} if lora is not None and objective != "sft" else {}
    trainer = {"learning_rate": 1e-2, **drops}
    settings = TrainSettings(objective=objective, batch=8, updates=10, lora=lora, trainer=trainer)
    whole = run(tiny_model, tmp_path / "whole", settings, profile=SAVING)
    for killed_at in (2, 6, 9) if objective == "sft" and lora is None else (6,):
        broken = tmp_path / f"broken{killed_at}"
        code = (
            "import os, signal, pathlib; from tests.train.runs import run; "
            "from reason_w2s.train.config import *; "
            f"settings = TrainSettings.model_validate_json({settings.model_dump_json()!r}); "
            f"profile = TrainProfile.model_validate_json({SAVING.model_dump_json()!r}); "
            f"die = lambda done, total: done == {killed_at} and os.kill(os.getpid(), 9); "
            f"run(pathlib.Path({str(tiny_model)!r}), pathlib.Path({str(broken)!r}), settings, "
            "profile=profile, progress=die)"
        )
        died = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True
        )
        assert died.returncode == -9, died.stderr.decode()[-500:]
        assert not (broken / "out").exists()
        kept = sorted(path.name for path in (broken / "work").glob("checkpoint-*"))
        assert kept == [f"checkpoint-{n}" for n in (4, 8) if n < killed_at]
        resumed = run(tiny_model, broken, settings, profile=SAVING)
        assert [e["loss"] for e in resumed.log] == [e["loss"] for e in whole.log]
        one, two = weights(tmp_path / "whole" / "out"), weights(broken / "out")
        assert all(torch.equal(one[name], two[name]) for name in one)
        assert resumed.tokens == whole.tokens


@pytest.mark.torch
def test_short_runs_write_no_checkpoints(tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tests.train.runs import run

    run(tiny_model, tmp_path, TrainSettings(objective="sft", batch=8, updates=10))
    assert not list((tmp_path / "work").glob("checkpoint-*"))
