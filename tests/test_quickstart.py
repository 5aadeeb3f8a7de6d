"""The quickstart's recipe on real vLLM and TRL, sized down, through the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SMALL = [
    "models.weak_base.world={size: weak, tokens: 150000}",
    "models.student.world={size: strong, tokens: 150000}",
    "problems.train.take=24",
    "problems.gold.take=16",
    "suites.world.problems.take=20",
    "suites.world_held_out.problems.take=20",
    # models this small are hardly ever right: null takes a condition away
    "steps.correct.select.where={graded.correct: null}",
    "steps.sound.select.where={graded.correct: null, clean.flags: null}",
    "steps.pairs.pair.rules=[{chosen: {finish_reason: stop}, rejected: {finish_reason: stop}}]",
]


def quickstart(folder: Path, *more: str, profile: str = "cpu") -> subprocess.CompletedProcess[str]:
    profiles = ROOT / "launch" / "profiles"
    command = [
        *(sys.executable, "-m", "reason_w2s.cli", "run", str(ROOT / "recipes" / "quickstart.yaml")),
        *("--profile", str(profiles / f"{profile}.yaml"), "--runs", str(folder)),
    ]
    return subprocess.run(
        [*command, *SMALL, *more], capture_output=True, text=True, check=False, timeout=280
    )


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.vllm
def test_quickstart_for_real(tmp_path):
    pytest.importorskip("vllm")
    done = quickstart(tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    run = tmp_path / "quickstart"
    results = json.loads((run / "results.json").read_text())
    assert len(results["scores"]) == 22
    assert all(score["n"] == 20 for score in results["scores"])
    assert "w2sr_p_sound" in done.stdout and str(run / "report.html") in done.stdout
    assert results["ledger"]["total"]["tokens_trained"] > 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    again = quickstart(tmp_path)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert again.stdout == done.stdout
    assert after == before, "a second run of a finished recipe changed a file"
    assert list((run / "logs").iterdir())
    more = quickstart(tmp_path, "steps.drawn.sample.sampling.n=8", "--until", "drawn")
    assert more.returncode == 0, more.stderr
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["steps"]["drawn"]["counts"]["out"] == 8 * 24
    ledger = json.loads((run / "ledger.json").read_text())
    drawn = next(row for row in ledger["rows"] if row["step"] == "drawn")
    assert drawn["tokens_generated"] == manifest["steps"]["drawn"]["counts"]["tokens"]
    card = Path(manifest["steps"]["ceiling"]["model"]["path"]) / "README.md"
    assert "- gold labels used: solutions of train (24)" in card.read_text()


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler: DeepSpeed needs one here")
def test_the_same_step_under_another_profile(tmp_path):
    """ZeRO-3 in two processes learns what one process learns, and its files stay with the run."""
    pytest.importorskip("deepspeed")
    what = ["--until", "ceiling", "--redo", "ceiling", "steps.ceiling.train.updates=4"]
    run = tmp_path / "quickstart"
    losses = []
    for profile in ("cpu", "cpu_zero3"):
        done = quickstart(tmp_path, *what, profile=profile)
        assert done.returncode == 0, done.stderr[-2000:]
        item = json.loads((run / "manifest.json").read_text())["steps"]["ceiling"]
        made = tmp_path / "store" / "train" / item["key"] / "made.json"
        losses.append([entry["loss"] for entry in json.loads(made.read_text())["stats"]["log"]])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    config = json.loads((run / "launch" / "ceiling" / "deepspeed.json").read_text())
    assert config["zero_optimization"]["stage"] == 3
    assert config["train_batch_size"] == 16
