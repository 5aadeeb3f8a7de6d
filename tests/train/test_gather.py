"""DeepSpeed's shards become the model that was trained: real ZeRO-3 in two processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, model_folder, shards
from reason_w2s.engines.scorer import HfScorer
from reason_w2s.errors import ConfigError
from reason_w2s.runs.run import Run
from reason_w2s.train import gather
from tests.runs.small import command, project
from tests.train.runs import sums
from tests.train.test_launch import compiles

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]

# what a user of plain TRL and DeepSpeed writes
SCRIPT = """\
import os
import sys
import torch
import deepspeed
deepspeed.init_distributed(dist_backend="gloo")
from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

model, out, gathered, lora, bf16 = sys.argv[1:3] + [word == "yes" for word in sys.argv[3:]]
rows = [{"prompt": f"Question: {i % 5} + {i % 4} Answer:", "completion": f" {i % 5 + i % 4} ."}
        for i in range(16)]
zero = {"stage": 3, "stage3_gather_16bit_weights_on_model_save": gathered}
config = SFTConfig(output_dir=out, max_steps=4, save_steps=2, per_device_train_batch_size=2,
    learning_rate=1e-2, use_cpu=True, bf16=bf16, gradient_checkpointing=False, report_to=[], seed=1,
    deepspeed={"zero_optimization": zero, "train_micro_batch_size_per_gpu": 2,
        "gradient_accumulation_steps": 1, "zero_allow_untested_optimizer": True,
        "bf16": {"enabled": bf16}})
adapter = LoraConfig(r=4, target_modules="all-linear") if lora else None
SFTTrainer(model, config, train_dataset=Dataset.from_list(rows), peft_config=adapter).train()
torch.distributed.barrier()
torch.distributed.destroy_process_group()
os._exit(0)  # arrow's threads can abort an interpreter that ends in good order
"""


def trained(model: Path, folder: Path, *words: str) -> Path:
    """A training's folder: plain TRL under ZeRO-3 in two processes on CPUs."""
    folder.mkdir(parents=True)
    (folder / "script.py").write_text(SCRIPT)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    ended = subprocess.run(
        [sys.executable, *launch, "script.py", str(model), "out", *words],
        cwd=folder,
        env={**os.environ, "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder / "out"


def tensors(folder: Path) -> dict[str, object]:
    from safetensors.torch import load_file

    return {name: one for path in folder.glob("*.safetensors") for name, one in
            load_file(path).items()}  # fmt: skip


def assert_equal(one: Path, two: Path) -> None:
    first, second = tensors(one), tensors(two)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert value.dtype == second[name].dtype
        assert value.equal(second[name]), name


def logprobs(folder: Path) -> list[list[float]]:
    tokenizer = model_folder.load_tokenizer(folder)
    asked = [tokenizer(f"Question: {one.problem.question} Answer:")["input_ids"] for one in sums(4)]
    scorer = HfScorer(folder, EngineSettings(dtype="float32"))
    return scorer.logprobs([(ids[:3], ids[3:]) for ids in asked])


@pytest.mark.slow
@compiles
def test_eval_of_shards_is_eval_of_the_gathered_model(tiny_model: Path, tmp_path: Path) -> None:
    sharded = trained(tiny_model, tmp_path / "sharded", "no", "no", "no")
    whole = trained(tiny_model, tmp_path / "whole", "yes", "no", "no")
    folder = tmp_path / "eval"
    project(folder)
    (folder / "hf.yaml").write_text("{isolate: none, sampler: hf}\n")
    (folder / "mine.yaml").write_text('template: "Question: {question} Answer:"\n')
    rest = ["--suite", "suite.yaml", "--prompt", "mine.yaml", "--profile", "hf.yaml"]
    runs = []
    for name, place in (("sharded", sharded), ("whole", whole)):
        arguments = ["eval", str(place), *rest, "--name", name]
        code, out, err = command(arguments, folder)
        assert code == 0, err
        assert ("weights in DeepSpeed's shards" in out) is (name == "sharded")
        runs.append(Run.open(folder / "runs" / name))
    for steps in (2, 4):
        model = f"checkpoint-{steps}"
        assert shards.needed(sharded / model)
        assert not shards.needed(whole / model), "shards beside whole weights are not gathered"
        made = runs[0].items[model].folder()
        assert folder / "runs" / "store" / "gathered" in made.parents
        assert_equal(made, whole / model)
        assert logprobs(made) == logprobs(whole / model)
        texts = [
            {row.problem.id: row.trace.text for row in run.rows(f"eval/{model}/suite")}
            for run in runs
        ]
        assert texts[0] == texts[1]
    assert logprobs(made) != logprobs(tiny_model)
    before = {path: path.stat().st_mtime_ns for path in made.parent.rglob("*")}
    code, _, err = command(["eval", str(sharded), *rest, "--name", "again"], folder)
    assert code == 0, err
    assert {path: path.stat().st_mtime_ns for path in made.parent.rglob("*")} == before


@pytest.mark.slow
@compiles
def test_bf16_and_lora(tiny_model: Path, tmp_path: Path, monkeypatch) -> None:
    out = trained(tiny_model, tmp_path / "bf16", "yes", "no", "yes")
    source = out / "checkpoint-4"
    kept = shutil.copytree(source, tmp_path / "kept")
    (source / "model.safetensors").unlink()
    assert json.loads((source / "config.json").read_text())["dtype"] == "bfloat16"
    monkeypatch.setattr(gather, "SHARD_BYTES", 20_000)
    gather.write(source, tmp_path / "made")
    assert len(list((tmp_path / "made").glob("model-*-of-*.safetensors"))) > 1
    assert_equal(tmp_path / "made", kept)
    assert logprobs(tmp_path / "made") == logprobs(kept)
    lora = trained(tiny_model, tmp_path / "lora", "no", "yes", "no") / "checkpoint-4"
    kept = shutil.copytree(lora, tmp_path / "adapter")
    (lora / "adapter_model.safetensors").unlink()
    assert shards.needed(lora)
    made = gather.gather(lora, tmp_path / "gathered", tmp_path / "log")
    assert_equal(made, kept)
    assert model_folder.fingerprint(made) == model_folder.fingerprint(kept)
    lost = next(lora.glob("global_step*/*rank_1*optim_states.pt"))
    lost.unlink()
    with pytest.raises(ConfigError, match=rf"{lora}: its DeepSpeed shards .*Expected 2 of"):
        gather.gather(lora, tmp_path / "broken", tmp_path / "log")


def test_a_mixture_of_experts_is_written_as_transformers_saves_it(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "moe_intermediate_size": 4}
    heads = {"num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
    config = transformers.Qwen3MoeConfig(
        **sizes, **heads, num_experts=3, num_experts_per_tok=2, head_dim=4
    )
    model = transformers.Qwen3MoeForCausalLM(config)
    model.save_pretrained(tmp_path / "saved")
    (tmp_path / "made").mkdir()
    held = dict(model.state_dict())
    assert not held.keys() <= tensors(tmp_path / "saved").keys(), "another form than that of files"
    named = gather._names_of_files(tmp_path / "saved")
    gather._save(gather._pieces(held, "float32", named), tmp_path / "made", "model")
    assert_equal(tmp_path / "made", tmp_path / "saved")
