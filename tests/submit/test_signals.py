"""The script of a job in bash, another command in the place of `run`: what it hears and asks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from reason_w2s.runs.slurm import SlurmSettings
from reason_w2s.submit.job import Job
from reason_w2s.submit.script import Place, script

ROOT = Path(__file__).parents[2]
PYTHON = """#!/usr/bin/env bash
# in the place of python: notes what it hears, and ends as it was told to
trap 'echo heard USR1 >> heard; exit "$ENDS"' USR1
trap 'echo heard TERM >> heard; exit "$ENDS"' TERM
echo "$@" > asked
if [ -n "$WAITS" ]; then for _ in $(seq 100); do sleep 0.1; done; fi
exit "$ENDS"
"""
SCONTROL = '#!/bin/sh\necho "$@" >> scontrol.asked\nkill -s TERM "$PPID"\n'


def job(folder: Path, slurm: SlurmSettings | None = None, **environment: str) -> subprocess.Popen:
    """The script of a job, started as Slurm does, in `folder`."""
    for name, text in (("python", PYTHON), ("scontrol", SCONTROL)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    place = Place("one", folder, folder / "jobs", "./python", ["my recipe.yaml"])
    text = script(Job("drawn", ("drawn",), "engine"), "1-drawn", place, slurm or SlurmSettings())
    (folder / "job.sh").write_text(text)
    given = {"ENDS": "0", "WAITS": "", "SLURM_JOB_ID": "77", **environment}
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.Popen(
        ["bash", "job.sh"], cwd=folder, env={**os.environ, **given, "PATH": path}
    )


def ended(process: subprocess.Popen) -> int:
    return process.wait(timeout=20)


def asked(folder: Path) -> list[str]:
    """What scontrol was asked."""
    path = folder / "scontrol.asked"
    return path.read_text().splitlines() if path.is_file() else []


def begun(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while not (folder / "asked").is_file():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("told", "name"), [(signal.SIGUSR1, "USR1"), (signal.SIGTERM, "TERM")])
def test_a_signal_reaches_the_command_and_the_job_is_put_back(tmp_path, told, name):
    process = job(tmp_path, ENDS="3", WAITS="yes")
    begun(tmp_path)
    process.send_signal(told)
    ended(process)
    assert (tmp_path / "heard").read_text() == f"heard {name}\n"
    assert asked(tmp_path) == ["requeue 77"]
    assert (tmp_path / "asked").read_text().split("run ")[
        1
    ] == "my recipe.yaml --only drawn --job\n"


def test_one_that_is_done_all_the_same_is_done(tmp_path):
    process = job(tmp_path, ENDS="0", WAITS="yes")
    begun(tmp_path)
    process.send_signal(signal.SIGUSR1)
    assert ended(process) == 0
    assert asked(tmp_path) == []


@pytest.mark.parametrize("code", [0, 1, 2, 4, 130])
def test_other_codes_are_the_jobs(tmp_path, code):
    assert ended(job(tmp_path, ENDS=str(code))) == code
    assert asked(tmp_path) == []


def test_try_again_is_tried_a_number_of_times(tmp_path):
    slurm = SlurmSettings(requeues=2)
    ended(job(tmp_path, slurm, ENDS="3", SLURM_RESTART_COUNT="1"))
    assert asked(tmp_path) == ["requeue 77"]
    assert ended(job(tmp_path, slurm, ENDS="3", SLURM_RESTART_COUNT="2")) == 3
    assert asked(tmp_path) == ["requeue 77"]


def test_of_an_array_one_part_is_put_back(tmp_path):
    """Slurm gives the last part the array's own number."""
    part = {"SLURM_JOB_ID": "77", "SLURM_ARRAY_JOB_ID": "77", "SLURM_ARRAY_TASK_ID": "4"}
    ended(job(tmp_path, ENDS="3", **part))
    assert asked(tmp_path) == ["requeue 77_4"]


def test_set_up_comes_first_and_must_succeed(tmp_path):
    slurm = SlurmSettings(setup=("echo ready > ready", "export MORE=$UNSET"))
    assert ended(job(tmp_path, slurm)) == 0
    assert (tmp_path / "ready").read_text() == "ready\n"
    (tmp_path / "asked").unlink()
    assert ended(job(tmp_path, SlurmSettings(setup=("module_that_is_not load cuda",)))) == 127
    assert not (tmp_path / "asked").exists()


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing(tmp_path):
    ended(job(tmp_path, SlurmSettings(parts=2, setup=("module load cuda",), time=60), ENDS="0"))
    ours = [*(ROOT / "launch").glob("*.sh"), *(ROOT / "eval").rglob("*.sh")]
    scripts = [tmp_path / "job.sh", *sorted(ours)]
    found = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert found.stdout == ""
