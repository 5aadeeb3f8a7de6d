"""Worker processes: the same rows as without them, whoever is killed."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from reason_w2s.errors import DataError, EngineError
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.crew import Crew
from reason_w2s.runs.run import Run, Selection, execute
from reason_w2s.runs.work import Work
from reason_w2s.runs.worker import Worker
from tests.engines import shells
from tests.runs.small import KINDS, RECIPE, ROOT, command, one_line, project, run, start, texts

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

# loaded by every Python process that starts with this folder on its path
SLOW = """\
import os, time
if os.environ.get("TEST_PART"):
    from reason_w2s.runs.makers import samples
    samples.PART = int(os.environ["TEST_PART"])
if os.environ.get("TEST_SLEEP"):
    from reason_w2s.engines import fake
    complete = fake._complete
    def slow(*arguments):
        time.sleep(float(os.environ["TEST_SLEEP"]))
        if os.environ.get("TEST_SAID"):
            open(os.environ["TEST_SAID"], "w").close()
        return complete(*arguments)
    fake._complete = slow
"""
COMMAND = ["run", "small.yaml", "--profile", "kinds.yaml"]


def slowly(folder: Path, **settings: str) -> dict[str, str]:
    """The environment in which sampling takes its time."""
    (folder / "slow").mkdir(exist_ok=True)
    (folder / "slow" / "sitecustomize.py").write_text(SLOW)
    path = os.pathsep.join([str(folder / "slow"), str(ROOT)])
    return {"PYTHONPATH": path, "TEST_PART": "8"} | settings


def kinds(folder: Path, recipe: str = RECIPE, more: str = "", **settings: int) -> Path:
    path = project(folder, recipe, **settings)
    (folder / "kinds.yaml").write_text(f"isolate: kind\nsampler: fake\n{more}\n")
    return path


def wait(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def drawn_parts(folder: Path) -> list[Path]:
    return list(folder.glob("runs/store/sample/*/part-*.parquet"))


@pytest.mark.parametrize("isolate", ["kind", "step"])
def test_workers_give_the_same_rows(isolate, tmp_path):
    recipe = RECIPE + "  again: {sample: {model: weak, of: train, sampling: {n: 2, top_p: 0.5}}}\n"
    alone = run(project(tmp_path / "a", recipe))
    before = set(children(os.getpid()))
    apart = run(
        project(tmp_path / "b", recipe), profile=KINDS.model_copy(update={"isolate": isolate})
    )
    assert {name: item.digest for name, item in alone.items.items()} == {
        name: item.digest for name, item in apart.items.items()
    }
    for step in ("drawn", "graded", "clean", "chosen", "again"):
        assert list(alone.rows(step)) == list(apart.rows(step))
    assert alone.pairs("pairs")[0] == apart.pairs("pairs")[0]
    assert len(list((apart.folder / "logs").glob("engine-*.log"))) == (
        1 if isolate == "kind" else 2
    )
    assert not [pid for pid in set(children(os.getpid())) - before if alive(pid)]


def test_a_second_run_starts_no_worker(tmp_path, monkeypatch):
    path = project(tmp_path)
    run(path, profile=KINDS)
    monkeypatch.setattr(Worker, "__init__", lambda *_: pytest.fail("a worker was started"))
    run(path, profile=KINDS)


def test_a_killed_worker_is_one_line_and_the_next_run_goes_on(tmp_path):
    whole = texts(run(project(tmp_path / "whole")), "drawn")
    kinds(tmp_path)
    process = start(COMMAND, tmp_path, **slowly(tmp_path, TEST_SLEEP="0.05"))
    wait(lambda: drawn_parts(tmp_path))
    (worker,) = children(process.pid)
    os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=200)
    line = one_line(err)
    assert process.returncode == 3
    assert "steps.drawn.sample: its process died" in line
    log = tmp_path / line.rsplit("see ", 1)[1]
    assert "step drawn (sample)" in log.read_text()
    kept = {path: path.read_bytes() for path in drawn_parts(tmp_path)}
    assert kept
    code, _, err = command(COMMAND, tmp_path)
    assert code == 0, err
    assert texts(Run.open(tmp_path / "runs" / "small"), "drawn") == whole
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_killed_run_takes_its_worker_along_and_goes_on(tmp_path):
    whole = run(project(tmp_path / "whole"))
    kinds(tmp_path)
    process = start(COMMAND, tmp_path, **slowly(tmp_path, TEST_SLEEP="0.5", TEST_PART="2"))
    wait(lambda: drawn_parts(tmp_path))
    (worker,) = children(process.pid)
    process.kill()
    process.communicate(timeout=200)
    wait(lambda: not alive(worker), seconds=4)
    assert 0 < len(drawn_parts(tmp_path)) < 24
    code, _, err = command(COMMAND, tmp_path)
    assert code == 0, err
    done = Run.open(tmp_path / "runs" / "small")
    for step in ("drawn", "graded", "clean", "chosen"):
        rows = [{row.trace.key: row for row in one.rows(step)} for one in (whole, done)]
        assert rows[0] == rows[1]
    assert done.pairs("pairs")[0] == whole.pairs("pairs")[0]


# the first thing a worker does with work is to start a process of its own
STARTS = """\
import os, subprocess
from reason_w2s.engines import fake
def started(*_):
    process = subprocess.Popen(["sleep", "1000"])
    open(os.environ["TEST_STARTED"], "w").write(str(process.pid))
    process.wait()
fake._complete = started
"""


def test_nobody_is_left_of_what_a_worker_started(tmp_path):
    kinds(tmp_path)
    file = tmp_path / "started"
    environment = slowly(tmp_path, TEST_STARTED=str(file))
    (tmp_path / "slow" / "sitecustomize.py").write_text(STARTS)
    process = start(COMMAND, tmp_path, **environment)
    wait(lambda: file.exists() and file.read_text())
    started = int(file.read_text())
    assert alive(started)
    process.kill()
    process.communicate(timeout=60)
    wait(lambda: not alive(started), seconds=10)


def test_a_failure_ends_the_workers_under_way(tmp_path):
    other = "  bad: {import: {of: train, file: bad.jsonl, model: m}}\n"
    path = project(tmp_path, RECIPE + other)
    (tmp_path / "bad.jsonl").write_text("{}")
    environment = slowly(tmp_path, TEST_SLEEP="0.5")
    before = set(children(os.getpid()))
    with pytest.raises(DataError, match=r"steps\.bad\.import: .*no column 'id'"):
        run(path, profile=KINDS.model_copy(update={"environment": environment}))
    started = set(children(os.getpid())) - before
    wait(lambda: not any(map(alive, started)), seconds=4)


@pytest.mark.slow
def test_a_mistake_found_in_a_worker_is_one_line(tmp_path):
    kinds(tmp_path)
    shells.model(tmp_path / "shell", **{"tokenizer.json": "{}"})
    arguments = [*COMMAND, "--engine", "hf", "models.weak.path=shell", "models.weak.dtype=float32"]
    code, _, err = command(arguments, tmp_path)
    line = one_line(err)
    assert code in (2, 3)
    assert line.count("steps.drawn.sample") == 1
    assert "shell" in line


def test_a_worker_that_is_gone_says_so(tmp_path):
    worker = Worker("w", tmp_path / "w.log", {})
    worker.process.kill()
    worker.process.wait()
    path = project(tmp_path)
    done = run(path)
    step = load_plan(path, seed=None)[0].steps["drawn"]
    worker.give(Work(done.store, step, done.items, KINDS, "one"))
    assert worker.event()["event"] == "died"
    worker.stop()


def test_the_profiles_environment_reaches_workers(tmp_path):
    kinds(tmp_path, more="environment: {TEST_SLEEP: '0.2'}", n=2)
    began = time.monotonic()
    code, _, err = command(COMMAND, tmp_path, **slowly(tmp_path))
    assert code == 0, err
    assert time.monotonic() - began > 8 * 0.2


TRAINED = RECIPE + (
    "  tuned: {train: {objective: sft, init: weak, of: chosen, batch: 2, updates: 60,"
    " trainer: {learning_rate: 1e-3}}}\n"
)


def below(pid: int) -> list[int]:
    return [one for child in children(pid) for one in (child, *below(child))]


@pytest.mark.torch
@pytest.mark.vllm
@pytest.mark.slow
def test_an_engine_process_that_was_shot_is_one_line_and_the_next_run_goes_on(tmp_path, tiny_model):
    """vLLM in a process of its own below the worker, as on a GPU."""
    pytest.importorskip("vllm")
    engine = "engine: {enforce_eager: true, kv_cache_gib: 0.25, max_num_seqs: 16, threads: 1}"
    kinds(tmp_path, more=engine)
    model = [f"models.weak.path={tiny_model}", "steps.drawn.sample.sampling.n=16"]
    arguments = [*COMMAND, "--engine", "vllm", "--until", "drawn", *model]
    environment = slowly(tmp_path) | {"VLLM_ENABLE_V1_MULTIPROCESSING": "1"}
    process = start(arguments, tmp_path, **environment)
    wait(lambda: drawn_parts(tmp_path), seconds=200)
    named = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in below(process.pid)}
    (core,) = [pid for pid, line in named.items() if b"EngineCore" in line]
    os.kill(core, signal.SIGKILL)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 3
    assert "steps.drawn.sample: vLLM stopped working" in one_line(err)
    wait(lambda: not any(map(alive, named)), seconds=20)
    kept = {path: path.read_bytes() for path in drawn_parts(tmp_path)}
    code, _, err = command(arguments, tmp_path)
    assert code == 0, err
    assert {path: path.read_bytes() for path in kept} == kept
    assert len(texts(Run.open(tmp_path / "runs" / "small"), "drawn")) == 12 * 16


SWEPT = RECIPE.replace("models:", "sweep: {seed: [0, 1, 2]}\nmodels:", 1)
COUNTED = """\
import os, sys
if "reason_w2s.runs.worker" in sys.orig_argv:
    with open(os.environ["TEST_STARTED"], "a") as stream:
        print(os.getpid(), file=stream)
"""


def test_the_cells_of_a_sweep_share_their_workers(tmp_path):
    kinds(tmp_path, SWEPT)
    environment = slowly(tmp_path, TEST_STARTED=str(tmp_path / "started"))
    (tmp_path / "slow" / "sitecustomize.py").write_text(COUNTED)
    code, _, err = command(COMMAND, tmp_path, **environment)
    assert code == 0, err
    assert len((tmp_path / "started").read_text().split()) == 1
    logs = [tmp_path / "runs" / f"small-seed{seed}" / "logs" / "engine-1.log" for seed in range(3)]
    assert all("step drawn (sample)" in log.read_text() for log in logs)


BROKEN = """\
from reason_w2s.engines import fake
def broken(*arguments):
    raise RuntimeError("broken")
fake._complete = broken
"""


def test_a_worker_that_failed_is_ended_though_others_are_kept(tmp_path):
    """What it had loaded would stay in memory beside the next one's."""
    path = project(tmp_path)
    profile = KINDS.model_copy(update={"environment": slowly(tmp_path)})
    (tmp_path / "slow" / "sitecustomize.py").write_text(BROKEN)
    before = set(children(os.getpid()))
    plan, data = load_plan(path, seed=None)
    console = Console(file=io.StringIO())
    with Crew(profile) as crew:
        with pytest.raises(EngineError, match=r"steps\.drawn\.sample: RuntimeError: broken"):
            execute(
                plan, data, tmp_path / "runs" / "one", profile,
                selection=Selection(), console=console, crew=crew,
            )  # fmt: skip
        started = set(children(os.getpid())) - before
        wait(lambda: not any(map(alive, started)), seconds=4)


def test_a_worker_that_dies_between_cells_is_replaced(tmp_path):
    crew = Crew(KINDS)
    first = crew.take("engine", "a", 0, tmp_path)
    assert first is not None
    assert crew.take("engine", "a", 1, tmp_path) is None
    crew.done(first, "engine")
    assert crew.take("engine", "b", 0, tmp_path / "later") is first
    assert first.log == tmp_path / "later" / "engine-1.log"
    crew.done(first, "engine")
    first.process.kill()
    first.process.wait()
    second = crew.take("engine", "a", 0, tmp_path)
    assert second is not None and second is not first
    crew.done(second, "engine")
    crew.close()
    assert not second.alive
