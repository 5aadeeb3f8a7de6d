"""`eval` of several suites that was killed, or wants more: what is there is not done again."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from reason_w2s.engines import fake, model_folder
from reason_w2s.prompts import Prompt
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.makers import samples
from reason_w2s.runs.run import Run
from reason_w2s.runs.work import Work
from tests.engines import shells
from tests.runs.small import FAKE, SUITE, command, main, project, run
from tests.runs.test_workers import drawn_parts, slowly, start, wait

RUN = "eval-out-suite-other"
SUITES = ["eval/{}/suite", "eval/{}/other"]
MODELS = ["checkpoint-5", "checkpoint-20"]
ARGUMENTS = ["eval", "out", "--suite", "suite.yaml,other.yaml", "--prompt", "qa"]

Rows = dict[str, dict[str, tuple[str, bool | None]]]


def evaluated(folder: Path) -> Path:
    """Two checkpoints and two suites, one of several samples."""
    project(folder)
    (folder / "other.yaml").write_text(
        SUITE.replace("max_tokens", "temperature: 0.5, n: 2, max_tokens")
    )
    (folder / "kinds.yaml").write_text("{isolate: kind, sampler: fake}\n")
    for name in MODELS:
        shells.model(folder / "out" / name, name)
    return folder


def rows(folder: Path) -> Rows:
    """Step -> trace key -> text and verdict."""
    opened = Run.open(folder / "runs" / RUN)
    steps = [suite.format(model) for model in MODELS for suite in SUITES]
    return {
        step: {
            row.trace.key: (row.trace.text, row.columns[f"{step}/graded.correct"])
            for row in opened.rows(f"{step}/graded")
        }
        for step in steps
    }


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the requests the engine gets."""
    asked: list[str] = []
    complete: Callable[..., object] = fake._complete

    def watched(request, problem):
        asked.append(request.key)
        return complete(request, problem)

    monkeypatch.setattr(fake, "_complete", watched)
    return asked


def evaluate(folder: Path, monkeypatch, capsys, *more: str) -> Rows:
    monkeypatch.chdir(folder)
    code, _, err = main([*ARGUMENTS, "--profile", "fake.yaml", *more], monkeypatch, capsys)
    assert code == 0, err
    return rows(folder)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="ends processes by /proc")
@pytest.mark.parametrize("parts", [1, 4])
def test_a_killed_eval_goes_on_where_it_was(tmp_path, monkeypatch, capsys, drawn, parts) -> None:
    whole = evaluate(evaluated(tmp_path / "whole"), monkeypatch, capsys)
    wanted = len(drawn)
    broken = evaluated(tmp_path / "broken")
    environment = slowly(broken, TEST_SLEEP="0.3", TEST_PART="3")
    process = start([*ARGUMENTS, "--profile", "kinds.yaml"], broken, **environment)
    wait(lambda: len(drawn_parts(broken)) >= parts)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=200)
    kept = {path: path.read_bytes() for path in drawn_parts(broken)}
    there = sum(table_rows(path) for path in kept)
    assert 0 < there < wanted
    drawn.clear()
    assert evaluate(broken, monkeypatch, capsys) == whole
    assert len(drawn) == wanted - there, "what was stored is not drawn again"
    assert {path: path.read_bytes() for path in kept} == kept
    drawn.clear()
    evaluate(broken, monkeypatch, capsys)
    assert drawn == []


def table_rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def test_more_samples_of_one_suite(tmp_path, monkeypatch, capsys, drawn) -> None:
    folder = evaluated(tmp_path)
    before = evaluate(folder, monkeypatch, capsys)
    drawn.clear()
    after = evaluate(folder, monkeypatch, capsys, "suites.other.sampling.n=5")
    assert len(drawn) == len(set(drawn)) == 2 * 5 * 3, "two models, five problems, three more"
    for step, old in before.items():
        assert old.items() <= after[step].items()
        assert len(after[step]) == (5 * 5 if step.endswith("other") else 5)


def test_more_tokens_redo_what_was_cut(tmp_path, monkeypatch, capsys, drawn) -> None:
    folder = evaluated(tmp_path)
    before = evaluate(folder, monkeypatch, capsys, "suites.other.sampling.n=8")
    opened = Run.open(folder / "runs" / RUN)
    steps = [name for name in before if name.endswith("other")]
    cut = {
        row.trace.key
        for step in steps
        for row in opened.rows(step)
        if row.trace.finish_reason == "length"
    }
    assert cut
    drawn.clear()
    more = ["suites.other.sampling.n=8", "suites.other.sampling.max_tokens=128"]
    after = evaluate(folder, monkeypatch, capsys, *more)
    assert sorted(drawn) == sorted(cut)
    for step, old in before.items():
        assert {key for key in old if old[key] != after[step][key]} <= cut
        assert old.keys() == after[step].keys()


def test_one_more_suite_and_one_more_checkpoint(tmp_path, monkeypatch, capsys, drawn) -> None:
    folder = evaluated(tmp_path)
    monkeypatch.chdir(folder)
    less = ["eval", "out", "--suite", "suite.yaml", "--prompt", "qa", "--checkpoints", "5"]
    assert main([*less, "--profile", "fake.yaml"], monkeypatch, capsys)[0] == 0
    assert len(drawn) == 5
    drawn.clear()
    evaluate(folder, monkeypatch, capsys)
    assert len(drawn) == 5 + 2 * 10, "the other checkpoint, and the other suite of both"


def test_a_moved_training_is_the_same(tmp_path, monkeypatch, capsys, drawn) -> None:
    folder = evaluated(tmp_path)
    before = evaluate(folder, monkeypatch, capsys)
    (folder / "out").rename(folder / "moved")
    (folder / "moved").rename(folder / "elsewhere")
    shutil.copytree(folder / "elsewhere", folder / "out")
    drawn.clear()
    assert evaluate(folder, monkeypatch, capsys) == before
    assert drawn == []


@pytest.mark.torch
@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="ends processes by /proc")
def test_a_killed_eval_in_vllm_goes_on(tmp_path, tiny_model, other_tiny_model) -> None:
    pytest.importorskip("vllm")
    prompt = Prompt(template="Question: {question} Answer:")
    for name in ("whole", "broken"):
        folder = evaluated(tmp_path / name)
        shutil.rmtree(folder / "out")
        for model, source in zip(MODELS, (tiny_model, other_tiny_model), strict=True):
            shutil.copytree(source, folder / "out" / model)
        model_folder.save_prompt(folder / "out", prompt)
        profile = "{isolate: kind, engine: {kv_cache_gib: 0.25, max_num_seqs: 4, threads: 1}}\n"
        (folder / "kinds.yaml").write_text(profile)
        sampling = "sampling: {temperature: 0.8, n: 4, max_tokens: 40}"
        (folder / "other.yaml").write_text(SUITE.replace("sampling: {max_tokens: 64}", sampling))
    arguments = [*ARGUMENTS[:-2], "--profile", "kinds.yaml"]
    code, out, err = command(arguments, tmp_path / "whole")
    assert code == 0, err
    assert "saved in the training's folder" in out
    broken = tmp_path / "broken"
    environment = slowly(broken, TEST_PART="2")
    process = start(arguments, broken, **environment)
    wait(lambda: drawn_parts(broken), seconds=200)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=200)
    kept = {path: path.read_bytes() for path in drawn_parts(broken)}
    code, _, err = command(arguments, broken)
    assert code == 0, err
    assert rows(broken) == rows(tmp_path / "whole")
    assert {path: path.read_bytes() for path in kept} == kept
    keys = [key for step in rows(broken).values() for key in step]
    assert sum(map(table_rows, drawn_parts(broken))) == len(keys) == len(set(keys))


def test_no_model_is_loaded_for_samples_that_are_there(tmp_path) -> None:
    """Two models of the same content are both found missing; the first one draws for both."""
    path = project(tmp_path)
    done = run(path)
    step = load_plan(path, seed=None)[0].steps["drawn"]
    before = drawn_parts(tmp_path)
    work = Work(done.store, step, done.items, FAKE, "one")
    assert work.engines is None, "there is nothing to draw with"
    samples.make(work)
    assert drawn_parts(tmp_path) == before
