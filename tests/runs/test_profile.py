"""Profiles: every shipped one loads, and how many processes work at once is theirs to say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from reason_w2s.engines.settings import EngineSettings
from reason_w2s.engines.sizes import parameters, sized
from reason_w2s.errors import ConfigError
from reason_w2s.recipe.yaml_file import parse, read
from reason_w2s.runs import pool
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.slurm import SlurmSettings
from reason_w2s.train import nodes
from tests.runs.small import FAKE, KINDS, RECIPE, ROOT, project, run

PROFILES = sorted((ROOT / "launch" / "profiles").glob("*.yaml"))
TWICE = RECIPE + "  again: {sample: {model: weak, of: train, sampling: {n: 2, top_p: 0.5}}}\n"


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_shipped_profile_loads(path):
    profile = parse(Profile, read(path), str(path))
    # one GPU's memory holds an engine or a trainer, not both
    assert profile.train.device == "cpu" or profile.workers.total == 1


ALIKE = RECIPE + "  again: {sample: {model: weak, of: train, sampling: {n: 4, max_tokens: 64}}}\n"


@pytest.mark.parametrize(("total", "most"), [(1, 1), (None, 2)])
def test_total_limits_all_kinds_together(total, most, tmp_path, monkeypatch):
    assert at_once(TWICE, total, tmp_path, monkeypatch) == most


def test_what_is_under_way_by_another_name_is_waited_for(tmp_path, monkeypatch):
    assert at_once(ALIKE, None, tmp_path, monkeypatch) == 1
    logs = "".join(path.read_text() for path in (tmp_path / "runs/one/logs").iterdir())
    assert logs.count("(sample)") == 1, "what came of it is found, no worker is asked again"


def at_once(recipe, total, folder, monkeypatch):
    """How many of two workers for sampling ever worked at once."""
    seen = []
    start_ready = pool._Pool._start_ready

    def counted(pool):
        moved = start_ready(pool)
        seen.append(len(pool.busy))
        return moved

    monkeypatch.setattr(pool._Pool, "_start_ready", counted)
    workers = KINDS.workers.model_copy(update={"engine": 2, "total": total})
    run(project(folder, recipe), profile=KINDS.model_copy(update={"workers": workers}))
    return max(seen)


def test_an_engine_is_as_wide_as_its_model_is_large(tmp_path):
    """Counted from the config, else from the weights; else the width beside `sizes` holds."""
    sizes = [{"up_to": "500M"}, {"up_to": 20_000, "tensor_parallel_size": 4}]
    with pytest.raises(ValueError, match="the smallest up_to first"):
        EngineSettings(sizes=sizes)
    settings = EngineSettings(tensor_parallel_size=8, sizes=sizes[::-1])
    config = {"model_type": "llama", "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2}
    config |= {"num_attention_heads": 2, "intermediate_size": 64, "tie_word_embeddings": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    # embedding 3,200; a layer: attention 4 x 1,024, gates 3 x 2,048, two norms of 32; a norm of 32
    assert parameters(tmp_path) == 3200 + 2 * (4096 + 6144 + 64) + 32 == 23_840
    assert sized(settings, tmp_path).tensor_parallel_size == 8
    (tmp_path / "config.json").write_text('{"model_type": "new"}')
    save_file({"weight": np.zeros((100, 150), np.float32)}, tmp_path / "model.safetensors")
    assert parameters(tmp_path) == 15_000
    found = sized(settings, tmp_path)
    assert (found.tensor_parallel_size, found.gpus, found.sizes) == (4, 4, ())
    assert settings.of_size(10**9).tensor_parallel_size == 8
    assert settings.of_size(None).tensor_parallel_size == 8
    with pytest.raises(ConfigError, match=r"up_to: expected a number of parameters such as 500M"):
        parse(Profile, {"engine": {"sizes": [{"up_to": "7 billion"}]}}, "mine.yaml")


def test_the_width_of_an_engine_is_no_part_of_what_it_draws(tmp_path):
    wide = EngineSettings(sizes=({"tensor_parallel_size": 2},))
    recipe = project(tmp_path)
    one, other = (
        run(recipe, name=name, profile=FAKE.model_copy(update={"engine": engine}))
        for name, engine in (("one", EngineSettings()), ("two", wide))
    )
    assert one.item("drawn").key == other.item("drawn").key


def test_machines_are_alike_and_slurms(monkeypatch):
    with pytest.raises(ConfigError, match=r"processes 6 do not divide over machines: 4"):
        parse(Profile, {"train": {"machines": 4, "processes": 6}}, "mine.yaml")
    monkeypatch.delenv("SLURM_JOB_NUM_NODES", raising=False)
    nodes.check(1)
    with pytest.raises(ConfigError, match=r"takes a Slurm job of 4 nodes, and this is none; start"):
        nodes.check(4)
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    nodes.check(2)
    with pytest.raises(ConfigError, match="and this one has 2"):
        nodes.check(4)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"time": "soon"}, r"slurm.time: expected a time such as 12:00:00"),
        ({"extra": {"mem": "4G"}}, r"'mem' has a key of its own here: memory_gib"),
        ({"cpu": {"extra": {"--array": "1-4"}}}, r"slurm.cpu.extra: 'array' is for submit to give"),
        ({"extra": {"comment": "a\n#SBATCH --x"}}, r"'comment' is no option of sbatch on one line"),
        ({"partition": "gpu"}, r"unknown key 'partition'"),
    ],
)
def test_what_slurm_is_asked_is_looked_at(said, expected):
    with pytest.raises(ConfigError, match=expected):
        parse(Profile, {"slurm": said}, "mine.yaml")


def test_a_kind_of_job_says_what_differs():
    told = {"time": "12:00:00", "cpus": 4, "extra": {"partition": "gpu", "exclusive": True}}
    slurm = SlurmSettings(**told, cpu={"time": 60, "extra": {"partition": "small"}})
    needs = slurm.needs("cpu")
    assert (needs.time, needs.cpus, needs.memory_gib) == (60, 4, None)
    assert needs.extra == {"partition": "small", "exclusive": True}
    assert slurm.needs("torch").extra["partition"] == "gpu"
