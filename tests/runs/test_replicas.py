"""Several engines of one model draw one sample step together, each on GPUs of its own."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.crew import Crew, devices_of
from reason_w2s.runs.pool import _shares
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Run
from reason_w2s.runs.work import Part, Work
from tests.runs.small import RECIPE, command, main, one_line, project, run
from tests.runs.test_stopping import count
from tests.runs.test_workers import COMMAND, drawn_parts, kinds, slowly

AGAIN = RECIPE + "  again: {sample: {model: weak, of: train, sampling: {n: 2, top_p: 0.5}}}\n"
# each worker says which GPUs it sees
SEEN = """\
import os, sys
if "reason_w2s.runs.worker" in sys.orig_argv:
    with open(os.environ["TEST_SEEN"], "a") as stream:
        print(os.environ.get("CUDA_VISIBLE_DEVICES", "all"), file=stream)
"""


def replicas(isolate: str = "step", **settings: int) -> Profile:
    engine = EngineSettings(**{"replicas": 2, **settings})
    return Profile(isolate=isolate, sampler="fake", engine=engine)


def test_together_they_draw_what_one_draws(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    whole = run(project(tmp_path / "whole", AGAIN))
    slow = slowly(tmp_path, TEST_SEEN=str(tmp_path / "seen"))
    (tmp_path / "slow" / "sitecustomize.py").write_text(SEEN)
    profile = replicas("kind", tensor_parallel_size=2).model_copy(update={"environment": slow})
    said = io.StringIO()
    done = run(project(tmp_path, AGAIN), name="small", profile=profile, said=said)
    for step in ("drawn", "again", "pairs"):
        assert done.items[step].digest == whole.items[step].digest
    assert sorted((tmp_path / "seen").read_text().split()) == ["4,5", "6,7"]
    assert sorted(map(count, drawn_parts(tmp_path))) == [12, 12, 24, 24]
    assert said.getvalue().count("drawn ") == 1


def test_a_part_is_shared_out_too(tmp_path):
    path = project(tmp_path)
    done = run(path)
    steps = load_plan(path, seed=None)[0].steps
    work = Work(done.store, steps["drawn"], done.items, replicas(), "one", part=Part(2, 3))
    assert [share.part for _, share in _shares(work)] == [Part(2, 6), Part(5, 6)]
    (alone,) = _shares(replace(work, step=steps["graded"]))
    assert alone[1].part == Part(2, 3), "only sample steps are shared out"


def test_which_gpus_each_sees(monkeypatch):
    two = EngineSettings(replicas=2, tensor_parallel_size=2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert devices_of(two, Profile()) == ["0,1", "2,3"]
    assert devices_of(EngineSettings(), Profile()) == [""]
    here = Profile(environment={"CUDA_VISIBLE_DEVICES": "3,1,GPU-a,GPU-b"})
    assert devices_of(two, here) == ["3,1", "GPU-a,GPU-b"]
    assert devices_of(two, Profile(environment={"CUDA_VISIBLE_DEVICES": ""})) == ["", ""]
    few = Profile(environment={"CUDA_VISIBLE_DEVICES": "0,1,2"})
    with pytest.raises(ConfigError, match=r"2 engines of 2 GPUs each take 4.*lends 3 \(0,1,2\)"):
        devices_of(two, few)


def test_an_idle_worker_gives_its_gpus_back(tmp_path):
    with Crew(Profile(sampler="fake")) as crew:
        workers = [crew.take("engine", "a", 0, tmp_path, one) for one in ("0", "1")]
        for worker in workers:
            assert worker is not None
            crew.done(worker, "engine")
        assert crew.take("engine", "a", 0, tmp_path, "1") is workers[1]
        assert workers[0] is not None and workers[0].alive
        both = crew.take("engine", "b", 0, tmp_path, "0,1")
        assert both is not None
        assert not workers[0].alive
        crew.kill([both, *(one for one in workers if one)])


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("isolate: none\nengine: {replicas: 2}", "use isolate: step"),
        ("engine: {replicas: 2}\nworkers: {engine: 2}", "leave workers.engine at 1"),
        ("engine: {sizes: [{replicas: 2}]}\nworkers: {engine: 2}", "leave workers.engine at 1"),
        ("replicas: 2", "under engine"),
    ],
)
def test_what_does_not_go_together_is_one_line(profile, said, tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    (tmp_path / "wrong.yaml").write_text(profile)
    monkeypatch.chdir(tmp_path)
    code, _, err = main(["run", path.name, "--on", "wrong.yaml"], monkeypatch, capsys)
    assert code == 2
    assert said in one_line(err)


@pytest.mark.torch
@pytest.mark.vllm
@pytest.mark.slow
def test_two_of_vllm_draw_what_one_draws(tmp_path, tiny_model):
    pytest.importorskip("vllm")
    engine = "enforce_eager: true, kv_cache_gib: 0.25, max_num_seqs: 16, threads: 1"
    arguments = [*COMMAND, "--engine", "vllm", "--until", "graded"]
    arguments.append(f"models.weak.path={tiny_model}")
    for name, more in (("one", ""), ("two", ", replicas: 2")):
        kinds(tmp_path / name, more=f"engine: {{{engine}{more}}}")
        code, _, err = command(arguments, tmp_path / name)
        assert code == 0, err
    found = [Run.open(tmp_path / name / "runs" / "small") for name in ("one", "two")]
    traces = [{row.trace.key: row.trace for row in one.rows("drawn")} for one in found]
    assert len(traces[0]) == 48
    assert traces[0] == traces[1]
    assert [count(part) for part in drawn_parts(tmp_path / "two")] == [24, 24]
