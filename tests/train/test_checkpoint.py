"""Killed and started again is the same as never killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from reason_w2s.engines.seal import seal
from reason_w2s.processes import Stopped, holding, listening
from reason_w2s.train import checkpoint
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from reason_w2s.train.objectives import OBJECTIVES

GIVEN = [name for name, one in OBJECTIVES.items() if not one.group]
"""Objectives that sample nothing while they train."""
LORA = Lora(r=4, alpha=8, dropout=0.1)
QUICK = [("sft", LORA), ("dpo", None)]
SAVING = TrainProfile(save_updates=4, threads=1)


def folder(work: Path, updates: int, whole: bool = True) -> Path:
    path = work / f"checkpoint-{updates}"
    path.mkdir(parents=True)
    (path / "optimizer.pt").write_bytes(bytes(range(100)))
    if whole:
        mark = {"updates": updates, "files": seal(path)}
        (path / checkpoint.WHOLE).write_text(json.dumps(mark))
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


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("file", "damage"),
    [("optimizer.pt", cut), ("optimizer.pt", flip), ("optimizer.pt", Path.unlink),
     (checkpoint.WHOLE, cut), (checkpoint.WHOLE, lambda path: path.write_bytes(b""))],
)  # fmt: skip
def test_a_damaged_checkpoint_is_moved_away_and_the_one_before_taken(tmp_path, file, damage):
    checkpoint.latest(tmp_path, "job")
    before, newest = folder(tmp_path, 4), folder(tmp_path, 12)
    damage(newest / file)
    assert checkpoint.latest(tmp_path, "job") == before
    assert not newest.exists()
    assert (tmp_path / checkpoint.DAMAGED / "checkpoint-12.1").is_dir()
    assert checkpoint.damaged(tmp_path) == ["checkpoint-12"]
    assert checkpoint.latest(tmp_path, "job") == before
    flip(folder(tmp_path, 12) / "optimizer.pt")
    flip(before / "optimizer.pt")
    assert checkpoint.latest(tmp_path, "job") is None
    assert checkpoint.damaged(tmp_path) == ["checkpoint-12", "checkpoint-12", "checkpoint-4"]


def test_a_checkpoint_of_an_earlier_version_is_whole(tmp_path: Path) -> None:
    checkpoint.latest(tmp_path, "job")
    path = folder(tmp_path, 4)
    (path / checkpoint.WHOLE).write_text('{"updates": 4}')
    assert checkpoint.latest(tmp_path, "job") == path


def test_whose_the_checkpoints_are_is_not_written_again(tmp_path: Path, monkeypatch) -> None:
    """A kill in the midst of it would cost them all."""
    checkpoint.latest(tmp_path, "job")
    path = folder(tmp_path, 4)
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: pytest.fail("written"))
    assert checkpoint.latest(tmp_path, "job") == path


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
    from tests.train.runs import assert_dies, run, weights

    # TRL switches an adapter's dropout off by default, but for SFT
    drops = {"disable_dropout": False} if lora is not None and objective != "sft" else {}
    trainer = {"learning_rate": 1e-2, **drops}
    settings = TrainSettings(objective=objective, batch=8, updates=10, lora=lora, trainer=trainer)
    whole = run(tiny_model, tmp_path / "whole", settings, profile=SAVING)
    for killed_at in (2, 6, 9) if objective == "sft" and lora is None else (6,):
        broken = tmp_path / f"broken{killed_at}"
        assert_dies(killed_at, run, tiny_model, broken, settings, profile=SAVING)
        assert not (broken / "out").exists()
        kept = sorted(path.name for path in (broken / "work").glob("checkpoint-*"))
        assert kept == [f"checkpoint-{n}" for n in (4, 8) if n < killed_at]
        resumed = run(tiny_model, broken, settings, profile=SAVING)
        assert [e["loss"] for e in resumed.log] == [e["loss"] for e in whole.log]
        one, two = weights(tmp_path / "whole" / "out"), weights(broken / "out")
        assert all(torch.equal(one[name], two[name]) for name in one)
        assert resumed.tokens == whole.tokens


@pytest.mark.torch
def test_told_to_end_it_saves_at_the_next_update(tiny_model: Path, tmp_path: Path) -> None:
    """Between two lines of the log, which stands for two updates each."""
    torch = pytest.importorskip("torch")
    from tests.train.runs import run, weights

    trainer = {"learning_rate": 1e-2}
    settings = TrainSettings(objective="sft", batch=2, updates=100, trainer=trainer)
    profile = TrainProfile(save_updates=1000, threads=1)

    def tell(done: int, total: int) -> None:
        if done == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped), listening(signal.SIGTERM), holding():
        run(tiny_model, tmp_path / "broken", settings, profile=profile, progress=tell)
    work = tmp_path / "broken" / "work"
    assert [path.name for path in work.glob("checkpoint-*")] == ["checkpoint-7"]
    resumed = run(tiny_model, tmp_path / "broken", settings, profile=profile)
    whole = run(tiny_model, tmp_path / "whole", settings, profile=profile)
    one, two = (weights(tmp_path / name / "out") for name in ("broken", "whole"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert [entry["step"] for entry in resumed.log] == list(range(2, 101, 2))
    for name in ("loss", "mean_token_accuracy"):
        curves = [[entry[name] for entry in stats.log] for stats in (resumed, whole)]
        assert curves[0] == pytest.approx(curves[1], rel=1e-5)


@pytest.mark.torch
def test_short_runs_write_no_checkpoints(tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tests.train.runs import run

    run(tiny_model, tmp_path, TrainSettings(objective="sft", batch=8, updates=10))
    assert not list((tmp_path / "work").glob("checkpoint-*"))
