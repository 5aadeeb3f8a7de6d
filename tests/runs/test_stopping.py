"""Told to end: what is made is kept, the exit code says why, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reason_w2s.processes import Stopped, holding, listening, told
from reason_w2s.runs.run import Run
from tests.runs.small import command, project, run, start
from tests.runs.test_workers import (
    COMMAND,
    TRAINED,
    alive,
    children,
    drawn_parts,
    kinds,
    slowly,
    wait,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

GOES_ON = "what is finished is kept, the same command goes on from here"
CODES = {signal.SIGTERM: 3, signal.SIGUSR1: 3, signal.SIGINT: 130}
# engines that never come up; parts whose writing takes long
HELD = """\
import os, time
from reason_w2s.runs.makers import samples
from reason_w2s.runs.open_engine import OpenEngine
from reason_w2s.engines import fake
if os.environ["TEST_HELD"] == "engine":
    OpenEngine.sampler = lambda *_: open("starting", "w").close() or time.sleep(100)
else:
    samples.PART = 4
    samples._write = lambda *_: open("writing", "w").close() or time.sleep(100)
"""
# says so after some updates
UPDATED = """\
import os, sys
if "reason_w2s.runs.worker" in sys.orig_argv:
    from reason_w2s.runs.work import Work
    read = Work.from_json
    def heard(data, report, engines):
        def said(done, total, unit):
            report(done, total, unit)
            if unit == "updates" and done >= 7:
                open(os.environ["TEST_SAID"], "w").close()
        return read(data, said, engines)
    Work.from_json = staticmethod(heard)
"""


def tell(process: subprocess.Popen[str], number: int) -> str:
    """Send a signal, wait for the end and look that nobody is left; what it said."""
    workers = children(process.pid)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    wait(lambda: not any(map(alive, workers)), seconds=10)
    return err


def assert_goes_on(folder: Path, whole: Run) -> None:
    """It goes on to the rows of a run that was not stopped, none drawn twice."""
    kept = {path: path.read_bytes() for path in drawn_parts(folder)}
    done = run(folder / "small.yaml", name="small")
    for step in ("drawn", "graded", "clean", "chosen"):
        rows = [{row.trace.key: row for row in one.rows(step)} for one in (whole, done)]
        assert rows[0] == rows[1]
    assert {path: path.read_bytes() for path in kept} == kept
    assert sum(map(count, drawn_parts(folder))) == whole.items["drawn"].counts["out"]


def count(part: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(part).num_rows)


@pytest.mark.parametrize(
    ("number", "isolate"),
    [(signal.SIGTERM, "kind"), (signal.SIGUSR1, "none"), (signal.SIGINT, "kind")],
)
def test_what_is_drawn_is_kept(number, isolate, tmp_path):
    whole = run(project(tmp_path / "whole"))
    kinds(tmp_path)
    (tmp_path / "kinds.yaml").write_text(f"isolate: {isolate}\nsampler: fake\n")
    # one part would hold everything: whatever is there was written because of the signal
    slow = slowly(tmp_path, TEST_SLEEP="0.1", TEST_PART="512", TEST_SAID=str(tmp_path / "drawing"))
    process = start_deaf_to_nobody(COMMAND, tmp_path, **slow)
    wait((tmp_path / "drawing").exists)
    time.sleep(0.5)
    err = tell(process, number)
    assert process.returncode == CODES[number]
    by = "" if number == signal.SIGINT else f" by {signal.Signals(number).name}"
    assert err.splitlines()[-1] == f"stopped{by}; {GOES_ON}"
    assert "Traceback" not in err
    (part,) = drawn_parts(tmp_path)
    assert 1 < count(part) < 48
    assert_goes_on(tmp_path, whole)


def start_deaf_to_nobody(arguments, folder, **environment):
    """As `start`; a shell's background jobs ignore Ctrl-C, and so would what they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return start(arguments, folder, **environment)
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_engine_that_is_still_starting_is_not_waited_for(tmp_path):
    whole = run(project(tmp_path / "whole"))
    kinds(tmp_path)
    slow = slowly(tmp_path, TEST_HELD="engine")
    (tmp_path / "slow" / "sitecustomize.py").write_text(HELD)
    process = start(COMMAND, tmp_path, **slow)
    wait((tmp_path / "starting").exists)
    err = tell(process, signal.SIGTERM)
    assert process.returncode == 3
    assert err.splitlines()[-1] == f"stopped by SIGTERM; {GOES_ON}"
    assert_goes_on(tmp_path, whole)


def test_a_second_signal_ends_at_once(tmp_path):
    kinds(tmp_path)
    slow = slowly(tmp_path, TEST_HELD="writing")
    (tmp_path / "slow" / "sitecustomize.py").write_text(HELD)
    process = start(COMMAND, tmp_path, **slow)
    wait((tmp_path / "writing").exists)
    process.send_signal(signal.SIGTERM)
    time.sleep(1.2)
    assert process.poll() is None, "the first one waits for the part"
    err = tell(process, signal.SIGTERM)
    assert process.returncode == 3
    assert "a second signal ends at once" in err
    assert err.splitlines()[-1] == f"stopped by SIGTERM; {GOES_ON}"


def test_what_is_held_ends_first():
    done = []
    with pytest.raises(Stopped) as stopped, listening(signal.SIGUSR1):
        with holding(lambda: done.append("told")), holding():
            os.kill(os.getpid(), signal.SIGUSR1)
            done.append("held")
        done.append("never")
    assert done == ["told", "held"]
    assert stopped.value.number == signal.SIGUSR1
    assert not told(), "what was said is over with those who listened"


def test_what_clears_up_is_not_stopped_again():
    done = []
    with pytest.raises(Stopped), listening(signal.SIGUSR1):
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
        finally:
            with holding():
                done.append("kept")
            done.append("closed")
    assert done == ["kept", "closed"]


def test_the_same_word_by_two_ways_is_one():
    with pytest.raises(Stopped) as stopped, listening(signal.SIGUSR1, signal.SIGTERM), holding():
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stopped.value.number == signal.SIGUSR1


def stop_training(arguments: list[str], folder: Path) -> None:
    """It ends after some updates, with a checkpoint that no profile asked for."""
    slow = slowly(folder, TEST_SAID=str(folder / "updated"))
    (folder / "slow" / "sitecustomize.py").write_text(UPDATED)
    process = start(arguments, folder, **slow)
    wait(lambda: (folder / "updated").exists() or process.poll() is not None, seconds=200)
    assert process.poll() is None
    err = tell(process, signal.SIGUSR1)
    assert process.returncode == 3, err
    assert err.splitlines()[-1] == f"stopped by SIGUSR1; {GOES_ON}"
    assert len(checkpoints(folder)) == 1
    assert not made(folder)


def checkpoints(folder: Path) -> set[str]:
    return {
        path.parent.name for path in folder.glob("runs/store/train/*/*/checkpoint-*/whole.json")
    }


def made(folder: Path) -> list[Path]:
    return list(folder.glob("runs/store/train/*/made.json"))


def shoot(arguments: list[str], folder: Path, when: Callable[[], object], **more: str) -> None:
    process = start(arguments, folder, **more)
    wait(when, seconds=200)
    workers = children(process.pid)
    process.kill()
    process.communicate(timeout=200)
    wait(lambda: not any(map(alive, workers)), seconds=20)


def assert_goes_on_from(arguments: list[str], folder: Path, names: set[str]) -> None:
    code, _, err = command(arguments, folder)
    assert code == 0, err
    logs = "".join(path.read_text() for path in folder.glob("runs/small/logs/*"))
    assert all(f"goes on from {name}" in logs for name in names)


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(("processes", "zero"), [(1, 0), (2, 0), (2, 2), (2, 3)])
def test_training_that_was_stopped_ends_in_the_same_weights(tmp_path, tiny_model, processes, zero):
    """One process is also shot after it was stopped and had gone on."""
    pytest.importorskip("deepspeed" if zero else "trl")
    arguments = [*COMMAND, f"models.weak.path={tiny_model}"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        save(folder, processes, 1000, zero)
    code, _, err = command(arguments, whole)
    assert code == 0, err
    stop_training(arguments, broken)
    left = checkpoints(broken)
    if processes == 1:
        save(broken, processes, 5, zero)
        shoot(arguments, broken, lambda: checkpoints(broken) - left)
        assert not made(broken)
        left |= {max(checkpoints(broken), key=lambda name: int(name.partition("-")[2]))}
    assert_goes_on_from(arguments, broken, left)
    found = [Run.open(folder / "runs" / "small").items["tuned"] for folder in (whole, broken)]
    assert found[0].digest == found[1].digest
    assert found[0].counts == found[1].counts
    curves = [
        json.loads(path.read_text())["stats"]["log"]
        for folder in (whole, broken)
        for path in made(folder)
    ]
    assert [entry["loss"] for entry in curves[0]] == pytest.approx(
        [entry["loss"] for entry in curves[1]], rel=1e-5
    )


def save(folder: Path, processes: int, updates: int, zero: int) -> None:
    """The recipe that trains, saving after so many updates; it has 120."""
    where = f"processes: {processes}, zero_stage: {zero}, threads: 1"
    train = f"train: {{{where}, save_updates: {updates}}}"
    kinds(folder, TRAINED.replace("updates: 60", "updates: 120"), more=train)


@pytest.mark.torch
@pytest.mark.vllm
@pytest.mark.slow
def test_vllm_sampling_that_was_stopped_and_shot_ends_in_the_same_texts(tmp_path, tiny_model):
    pytest.importorskip("vllm")
    engine = "engine: {enforce_eager: true, kv_cache_gib: 0.25, max_num_seqs: 16, threads: 1}"
    model = [f"models.weak.path={tiny_model}", "steps.drawn.sample.sampling.n=32"]
    arguments = [*COMMAND, "--engine", "vllm", "--until", "graded", *model]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        kinds(folder, more=engine)
    code, _, err = command(arguments, whole)
    assert code == 0, err
    process = start(arguments, broken, **slowly(broken))
    wait(lambda: drawn_parts(broken), seconds=200)
    err = tell(process, signal.SIGTERM)
    assert process.returncode == 3, err
    assert err.splitlines()[-1] == f"stopped by SIGTERM; {GOES_ON}"
    stopped = len(drawn_parts(broken))
    shoot(arguments, broken, lambda: len(drawn_parts(broken)) > stopped, **slowly(broken))
    kept = {path: path.read_bytes() for path in drawn_parts(broken)}
    assert sum(map(count, kept)) < 12 * 32
    code, _, err = command(arguments, broken)
    assert code == 0, err
    assert {path: path.read_bytes() for path in kept} == kept
    runs = [Run.open(folder / "runs" / "small") for folder in (whole, broken)]
    traces = [{row.trace.key: row.trace for row in one.rows("drawn")} for one in runs]
    assert sum(map(count, drawn_parts(broken))) == len(traces[0]) == 12 * 32, "none drawn twice"
    assert traces[0] == traces[1]
    assert runs[0].items["graded"].digest == runs[1].items["graded"].digest
