"""Several processes and DeepSpeed: plain's losses, the same curve after a kill, the same model."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, model_folder
from reason_w2s.engines.reward import RewardScorer
from reason_w2s.engines.scorer import HfScorer
from reason_w2s.errors import ConfigError
from reason_w2s.train.arguments import config_arguments
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from reason_w2s.train.examples import sft_rows
from reason_w2s.train.job import Task, TrainPlaces
from reason_w2s.train.launch import command, deepspeed_config, render
from reason_w2s.train.nodes import Meeting
from tests.train.runs import (
    PROMPT,
    preferences,
    run,
    sample_while_training,
    scored_preferences,
    sums,
    uneven,
    values,
    verdicts,
)

ROOT = Path(__file__).parents[2]
LORA = Lora(r=4, alpha=8)
RATES = {"sft": 1e-2, "dpo": 1e-4, "kto": 1e-3, "orpo": 1e-3, "reward": 1e-3, "regress": 1e-3}
# a launch takes half a minute: each objective and each stage, all of a model and adapters, but not
# each with each
HEADED = [("reward", 0, None), ("reward", 3, None), ("regress", 2, None), ("regress", 3, LORA)]
DEEPSPEED = [
    ("sft", 2, None),
    ("sft", 3, None),
    ("sft", 3, LORA),
    ("dpo", 2, LORA),
    ("dpo", 3, None),
]
SHARED = [("kto", 0, None), ("kto", 3, None), ("orpo", 2, None), ("orpo", 3, LORA)]
TERMS = [
    ("sft", {"name": "confidence", "weight": 0.5, "warmup": 0.5}, 3),
    ("sft", {"name": "early_learning"}, 2),
    ("dpo", {"name": "conservative", "flipped": 0.2}, 2),
    ("dpo", {"name": "critical_tokens", "scores": "ce.tokens"}, 3),
    ("kto", {"name": "cross_entropy"}, 3),
]

compiles = pytest.mark.skipif(
    shutil.which("c++") is None, reason="no C++ compiler: DeepSpeed builds an extension on CPU"
)


def settings(objective: str = "sft", **changes: object) -> TrainSettings:
    # 24 examples, ten at a time: batches run on over the end of an epoch on every profile
    beta = {} if objective in ("sft", "reward", "regress") else {"beta": 0.5}
    trainer = {"learning_rate": RATES[objective], **beta, "warmup_steps": 0, "weight_decay": 0.0}
    return TrainSettings(
        **{"objective": objective, "batch": 10, "updates": 8, "trainer": trainer, **changes}
    )


def profile(stage: int, **changes: object) -> TrainProfile:
    return TrainProfile(
        **{"processes": 2, "zero_stage": stage, "threads": 1, "save_updates": 3, **changes}
    )


def task(folder: Path, of: TrainProfile, **changes: object) -> Task:
    places = TrainPlaces(folder, None, folder / "out", folder / "work")
    return Task(settings(**changes), of, places, PROMPT, 3, folder, None)


def losses(stats: object) -> list[float]:
    return [entry["loss"] for entry in stats.log]


def test_a_task_survives_its_file(tmp_path: Path) -> None:
    one = task(tmp_path, profile(2), lora=LORA, dtype="bfloat16")
    assert Task.from_json(one.to_json()) == one


@pytest.mark.parametrize(("processes", "micro", "steps"), [(1, None, 1), (2, 2, 16), (8, 4, 2)])
def test_the_global_batch_is_the_recipes_on_every_profile(tmp_path, processes, micro, steps):
    where = TrainProfile(processes=processes, zero_stage=3, micro_batch=micro)
    made = task(tmp_path, where, batch=64)
    found = deepspeed_config(made)
    options = config_arguments(made.settings, where, output=tmp_path, examples=640, seed=0)
    assert found["gradient_accumulation_steps"] == steps == options["gradient_accumulation_steps"]
    per_gpu = found["train_micro_batch_size_per_gpu"]
    assert per_gpu == options["per_device_train_batch_size"]
    assert per_gpu * steps * processes == found["train_batch_size"] == 64


def test_files_for_accelerate_and_deepspeed(tmp_path: Path) -> None:
    import yaml

    where = TrainProfile(device="cuda", processes=8, zero_stage=3, offload="all", micro_batch=1)
    trainer = {"learning_rate": 1e-5, "max_grad_norm": 0.3}
    made = task(tmp_path, where, batch=16, dtype="bfloat16", trainer=trainer)
    config = yaml.safe_load(render(made, tmp_path).read_text())
    assert (config["distributed_type"], config["num_processes"]) == ("DEEPSPEED", 8)
    named = config["deepspeed_config"]
    assert named["zero3_init_flag"] is True
    found = json.loads(Path(named["deepspeed_config_file"]).read_text())
    assert found["bf16"] == {"enabled": True}
    assert found["gradient_clipping"] == 0.3
    zero = found["zero_optimization"]
    assert zero["stage"] == 3
    assert zero["offload_param"]["device"] == zero["offload_optimizer"]["device"] == "cpu"
    plain = task(tmp_path, TrainProfile(processes=2), dtype="float32")
    config = yaml.safe_load(render(plain, tmp_path).read_text())
    assert config["mixed_precision"] == "no", "a word, not a YAML 1.1 false"
    assert "deepspeed_config" not in config


def test_several_machines_meet_at_the_first(tmp_path: Path, monkeypatch) -> None:
    import yaml

    where = TrainProfile(machines=2, processes=4, zero_stage=2)
    made = task(tmp_path, where, batch=8)
    config = yaml.safe_load(render(made, tmp_path, Meeting("n01", 20007)).read_text())
    assert (config["num_machines"], config["num_processes"]) == (2, 4)
    assert (config["main_process_ip"], config["main_process_port"]) == ("n01", 20007)
    assert config["deepspeed_config"]["deepspeed_multinode_launcher"] == "standard"
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "8")
    line = command(tmp_path, 2)
    assert line[:2] == ["srun", "--nodes=2"]
    assert "--cpus-per-task=8" in line
    assert ' --machine_rank "$SLURM_NODEID" -m reason_w2s.train.rank ' in line[-1]


def test_offload_needs_its_stage() -> None:
    with pytest.raises(ValueError, match="offload: all needs zero_stage 3"):
        TrainProfile(zero_stage=2, offload="all")


@pytest.mark.torch
@pytest.mark.slow
def test_two_processes_train_what_one_does(tiny_model: Path, tmp_path: Path) -> None:
    plain = run(tiny_model, tmp_path / "one", settings())
    two = run(tiny_model, tmp_path / "two", settings(), profile=profile(0))
    assert losses(two) == pytest.approx(losses(plain), abs=1e-4)
    assert two.tokens == plain.tokens
    assert_same_model(tmp_path / "one" / "out", tmp_path / "two" / "out")


SRUN = """#!/bin/bash
# srun on two nodes, both of them this machine
while [[ $1 == --* ]]; do shift; done
SLURM_NODEID=1 "$@" & other=$!
SLURM_NODEID=0 "$@" && wait "$other"
"""


@pytest.mark.torch
@pytest.mark.slow
def test_two_machines_train_what_one_does(tiny_model, tmp_path: Path, monkeypatch) -> None:
    """As many processes, started by accelerate twice, which meet over the network."""
    for name, text in (("srun", SRUN), ("scontrol", "#!/bin/sh\necho localhost\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name, value in (
        ("JOB_NUM_NODES", "2"),
        ("JOB_ID", str(os.getpid())),
        ("JOB_NODELIST", "x"),
    ):
        monkeypatch.setenv(f"SLURM_{name}", value)
    plain = run(tiny_model, tmp_path / "one", settings())
    two = run(tiny_model, tmp_path / "two", settings(), profile=profile(0, machines=2))
    assert losses(two) == pytest.approx(losses(plain), abs=1e-4)
    assert_same_model(tmp_path / "one" / "out", tmp_path / "two" / "out")


@compiles
@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(("objective", "stage", "lora"), DEEPSPEED)
def test_deepspeed_trains_what_plain_does(tiny_model, tmp_path, objective, stage, lora) -> None:
    what = settings(objective, lora=lora)
    plain = run(tiny_model, tmp_path / "plain", what)
    told: list[tuple[int, int]] = []
    sharded = run(
        tiny_model,
        tmp_path / "zero",
        what,
        profile=profile(stage),
        progress=lambda done, total: told.append((done, total)),
    )
    assert losses(plain)[-1] < losses(plain)[0] - 0.01
    assert losses(sharded) == pytest.approx(losses(plain), abs=1e-4)
    assert told == [(done, 8) for done in range(1, 9)]
    assert_same_model(tmp_path / "plain" / "out", tmp_path / "zero" / "out")


@compiles
@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(("objective", "stage", "lora"), SHARED)
def test_an_update_shared_out_is_one_process_pass(
    tiny_model: Path, tmp_path: Path, objective: str, stage: int, lora: Lora | None
) -> None:
    """Two processes of two passes each, answers of other lengths and labels in every one."""
    what = settings(objective, batch=16, lora=lora)
    data = verdicts(of=uneven) if objective == "kto" else preferences(of=uneven)
    plain = run(tiny_model, tmp_path / "plain", what, data=data)
    where = profile(stage, micro_batch=4)
    shared = run(tiny_model, tmp_path / "two", what, profile=where, data=data)
    assert losses(plain)[-1] < losses(plain)[0] - 0.01
    assert losses(shared) == pytest.approx(losses(plain), abs=1e-4)
    if objective == "kto":
        drifts, others = ([entry["kl"] for entry in stats.log] for stats in (plain, shared))
        assert max(drifts) > 0.1, "else the drift decides nothing"
        assert others == pytest.approx(drifts, abs=1e-3)
    assert_same_model(tmp_path / "plain" / "out", tmp_path / "two" / "out")


@compiles
@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(("objective", "stage", "lora"), HEADED)
def test_a_head_starts_and_ends_the_same_on_every_profile(
    tiny_model: Path, tmp_path: Path, objective: str, stage: int, lora: Lora | None
) -> None:
    """A new head is drawn from the step's seed, also where weights lie in shards."""
    what = settings(objective, batch=16, lora=lora)
    data = values(of=uneven) if objective == "regress" else preferences(of=uneven)
    plain = run(tiny_model, tmp_path / "plain", what, data=data)
    where = profile(stage, micro_batch=4)
    shared = run(tiny_model, tmp_path / "two", what, profile=where, data=data)
    assert losses(plain)[-1] < losses(plain)[0] - 0.01
    assert losses(shared) == pytest.approx(losses(plain), abs=1e-4)
    texts = [[5, 6, 7, 8], [9, 10, 11], [12, 5, 9, 7, 1]]
    one, two = (
        dict(RewardScorer(tmp_path / name / "out", EngineSettings(dtype="float32")).scores(texts))
        for name in ("plain", "two")
    )
    assert two == pytest.approx(one, abs=2e-3)


@compiles
@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(("objective", "loss", "stage"), TERMS)
def test_our_losses_on_two_processes_are_plains(
    tiny_model: Path, tmp_path: Path, objective: str, loss: dict[str, object], stage: int
) -> None:
    """Each process has answers of other lengths: a mean of the processes' means would show."""
    what = settings(objective, loss=loss)
    data = {
        "confidence": uneven,
        "early_learning": uneven,
        "conservative": preferences,
        "critical_tokens": lambda: scored_preferences(tiny_model, of=uneven),
        "cross_entropy": lambda: verdicts(of=uneven),
    }[str(loss["name"])]()
    plain = run(tiny_model, tmp_path / "plain", what, data=data)
    sharded = run(tiny_model, tmp_path / "zero", what, profile=profile(stage), data=data)
    assert losses(plain)[-1] < losses(plain)[0] - 0.01
    assert losses(sharded) == pytest.approx(losses(plain), abs=1e-4)
    assert_same_model(tmp_path / "plain" / "out", tmp_path / "zero" / "out")


@compiles
@pytest.mark.torch
@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("lora", [None, LORA])
def test_killed_mid_way_the_curve_is_the_same_and_vllm_loads_it(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lora: Lora | None
) -> None:
    torch = pytest.importorskip("torch")
    # vLLM's CPU worker replaces it for good
    monkeypatch.setattr(torch, "set_num_threads", torch.set_num_threads)
    what = settings(lora=lora)
    whole = run(tiny_model, tmp_path / "whole", what)
    code = (
        "import os, pathlib; from tests.train.runs import run; "
        "from reason_w2s.train.config import TrainProfile, TrainSettings; "
        f"what = TrainSettings.model_validate_json({what.model_dump_json()!r}); "
        f"where = TrainProfile.model_validate_json({profile(3).model_dump_json()!r}); "
        "die = lambda done, total: done == 5 and os.kill(os.getpid(), 9); "
        f"run(pathlib.Path({str(tiny_model)!r}), pathlib.Path('cut'), what, profile=where, "
        "progress=die)"
    )
    died = python("-c", code, folder=tmp_path)
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]
    work = tmp_path / "cut" / "work"
    # the processes outlive their launcher by a moment, in which they may come to update 6
    saved = {path.name for path in work.glob("checkpoint-*")}
    assert saved
    assert saved <= {"checkpoint-3", "checkpoint-6"}
    assert_nobody_works_in(work)
    by_hand = ["--config_file", "accelerate.yaml", "-m", "reason_w2s.train.rank", "task.json"]
    started = python("-m", "accelerate.commands.launch", *by_hand, folder=work)
    assert started.returncode == 0, started.stderr[-2000:]
    assert '{"updates": 8, "of": 8}' in started.stdout
    resumed = run(tiny_model, tmp_path / "cut", what, profile=profile(3))
    assert losses(resumed) == pytest.approx(losses(whole), abs=1e-4)
    assert_same_model(tmp_path / "whole" / "out", tmp_path / "cut" / "out")
    assert_vllm_agrees(tmp_path / "cut" / "out")


@pytest.mark.torch
@pytest.mark.slow
def test_a_mistake_in_the_processes_is_the_users_one_line(tiny_model, tmp_path: Path) -> None:
    what = settings(trainer={"learning_rate": 1e-2, "optim": "no_such"})
    with pytest.raises(ConfigError, match=r"TRL refuses this sft step.*no_such"):
        run(tiny_model, tmp_path, what, profile=profile(0))


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Python in a folder that is not the checkout's."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )


def assert_nobody_works_in(work: Path) -> None:
    """No process that was started for this folder outlives its parent (Linux)."""
    deadline = time.monotonic() + 20
    while any(str(work) in line for line in command_lines()):
        assert time.monotonic() < deadline, "a process goes on after its parent was killed"
        time.sleep(0.1)


def command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_text(errors="replace")


def assert_same_model(one: Path, two: Path) -> None:
    """Both folders give the same log-probabilities to the same answers."""
    rows = sft_rows(sums(6), PROMPT, model_folder.load_tokenizer(one))
    asked = [(row["input_ids"][:5], row["input_ids"][5:]) for row in rows]
    first, second = (
        HfScorer(folder, EngineSettings(dtype="float32")).logprobs(asked) for folder in (one, two)
    )
    for line, other in zip(first, second, strict=True):
        assert other == pytest.approx(line, abs=2e-3)


def assert_vllm_agrees(folder: Path) -> None:
    """What vLLM draws has the log-probabilities in vLLM that it has in transformers."""
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    import vllm
    from vllm.lora.request import LoRARequest

    adapter = model_folder.is_adapter(folder)
    rows = sft_rows(sums(6), PROMPT, model_folder.load_tokenizer(folder))
    prompts = [row["input_ids"][:5] for row in rows]
    engine = vllm.LLM(
        str(model_folder.base_of(folder) if adapter else folder),
        dtype="float32",
        enforce_eager=True,
        enable_lora=adapter,
        max_model_len=64,
        enable_chunked_prefill=False,
        max_num_batched_tokens=4096,
        kv_cache_memory_bytes=2**28,
    )
    outputs = engine.generate(
        [{"prompt_token_ids": ids} for ids in prompts],
        vllm.SamplingParams(temperature=0, max_tokens=8, logprobs=0),
        lora_request=LoRARequest("adapter", 1, str(folder)) if adapter else None,
        use_tqdm=False,
    )
    engine.llm_engine.engine_core.shutdown()
    drawn = [output.outputs[0] for output in outputs]
    asked = [(ids, list(one.token_ids)) for ids, one in zip(prompts, drawn, strict=True)]
    expected = HfScorer(folder, EngineSettings(dtype="float32")).logprobs(asked)
    for one, line in zip(drawn, expected, strict=True):
        found = [at[token].logprob for at, token in zip(one.logprobs, one.token_ids, strict=True)]
        assert found == pytest.approx(line, abs=1e-4)


@compiles
@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("stage", [2, 3])
def test_deepspeed_learns_what_is_rewarded(tiny_model: Path, tmp_path: Path, stage: int) -> None:
    """Not plain's curve: each process draws its own completions, from a seed of its own."""
    trainer = {"learning_rate": 5e-3, "max_completion_length": 6, "warmup_steps": 0}
    what = TrainSettings(
        objective="grpo", batch=32, updates=30, reward={"kind": "number"}, trainer=trainer
    )
    where = profile(stage, save_updates=None)
    stats = sample_while_training(tiny_model, tmp_path, what, profile=where)
    rewards = [entry["reward"] for entry in stats.log]
    assert sum(rewards[:3]) / 3 < 0.1
    assert max(rewards) > 0.5
    assert 0 < stats.generated <= 30 * 32 * 6


@compiles
@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("stage", [0, 3])
def test_processes_come_nearer_to_their_teacher(
    tiny_model: Path, other_tiny_model: Path, tmp_path: Path, stage: int
) -> None:
    """The teacher is whole in every process, and the student is what was saved."""
    trainer = {"learning_rate": 5e-3, "max_completion_length": 6, "warmup_steps": 0}
    what = TrainSettings(objective="distillation", batch=16, updates=30, trainer=trainer)
    where = profile(stage, save_updates=None)
    stats = sample_while_training(
        tiny_model, tmp_path, what, profile=where, teacher=other_tiny_model
    )
    assert losses(stats)[-1] < 0.5 * losses(stats)[0]
    again = sample_while_training(tmp_path / "out", tmp_path / "on", what, teacher=other_tiny_model)
    assert losses(again)[0] < 0.6 * losses(stats)[0]
