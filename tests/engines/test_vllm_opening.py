"""Opening and closing the real engine: one at a time in one process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reason_w2s.engines import Completion, EngineSettings, Request, Sampling, open_sampler
from reason_w2s.errors import ConfigError, EngineError
from reason_w2s.prompts import Rendered

pytestmark = pytest.mark.vllm
pytest.importorskip("vllm")

SETTINGS = EngineSettings(dtype="float32", max_model_len=100, kv_cache_gib=0.25, max_num_seqs=16)
TEXTS = ["Question: Tom has 3 apples", "3 + 4 =", "What is 9 - 2 * 3 ?", "Answer:"]


def requests(count: int, **settings: object) -> list[Request]:
    sampling = Sampling(**{"max_tokens": 12, **settings})
    return [
        Request(f"k{i}", Rendered(TEXTS[i % 4], True), sampling, 1000 + i) for i in range(count)
    ]


def by_key(completions) -> dict[str, Completion]:
    return {done.key: done for done in completions}


def test_one_at_a_time(tiny_model: Path) -> None:
    opened = open_sampler("vllm", tiny_model, SETTINGS)
    with pytest.raises(EngineError, match="close"):
        open_sampler("vllm", tiny_model, SETTINGS)
    assert len(list(opened.sample(requests(2)))) == 2
    opened.close()


def test_the_models_own_sampling_defaults_do_not_count(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    text = '{"eos_token_id": 1, "do_sample": true, "temperature": 0.01, "top_k": 1}'
    (folder / "generation_config.json").write_text(text)
    results = []
    for model in (tiny_model, folder):
        opened = open_sampler("vllm", model, SETTINGS)
        results.append(by_key(opened.sample(requests(16))))
        opened.close()
    assert results[0] == results[1]


def test_closed_is_closed(tiny_model: Path) -> None:
    opened = open_sampler("vllm", tiny_model, SETTINGS)
    opened.close()
    opened.close()
    with pytest.raises(EngineError, match="closed"):
        list(opened.sample(requests(1)))


@pytest.mark.slow
def test_reopening_gives_the_memory_back(tiny_model: Path, other_tiny_model: Path) -> None:
    import psutil

    used = []
    for model in [tiny_model, other_tiny_model] * 3:
        opened = open_sampler("vllm", model, SETTINGS)
        list(opened.sample(requests(64, max_tokens=60)))
        opened.close()
        used.append(psutil.Process().memory_info().rss / 2**20)
    assert used[-1] - used[1] < 64, used


def test_loops_can_be_ended(tiny_model: Path) -> None:
    opened = open_sampler("vllm", tiny_model, SETTINGS.model_copy(update={"stop_loops": True}))
    done = list(opened.sample(requests(4, temperature=0, max_tokens=80)))
    opened.close()
    ended = [c for c in done if 0 < c.n_tokens < 80 and c.finish_reason == "length"]
    assert ended, "a random model loops under greedy decoding"


@pytest.mark.slow
def test_an_adapter_folder_is_a_model(tiny_model: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    import torch
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    model = peft.get_peft_model(
        base, peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    torch.manual_seed(3)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    model.peft_config["default"].base_model_name_or_path = str(tiny_model)
    model.save_pretrained(tmp_path / "adapter")
    asked = requests(4, temperature=0, max_tokens=20)
    found = {}
    for engine, folder in [("hf", "adapter"), ("vllm", "adapter"), ("vllm", tiny_model)]:
        opened = open_sampler(engine, tmp_path / folder, EngineSettings(dtype="float32"))
        found[engine, str(folder)] = [
            done.token_ids for _, done in sorted(by_key(opened.sample(asked)).items())
        ]
        opened.close()
    assert found["hf", "adapter"] == found["vllm", "adapter"]
    assert found["vllm", "adapter"] != found["vllm", str(tiny_model)]


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"an empty folder"):
        open_sampler("vllm", tmp_path, SETTINGS)


def test_what_vllm_will_never_take_is_the_users_one_line(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    attention = {"num_layers": 2, "attention_types": [[["global", "local"], 1]]}
    other = {"architectures": ["GPTNeoForCausalLM"], "model_type": "gpt_neo", **attention}
    (folder / "config.json").write_text(json.dumps({**config, **other}))
    with pytest.raises(ConfigError, match=r"GPTNeoForCausalLM.* not supported.*--engine hf") as one:
        open_sampler("vllm", folder, SETTINGS)
    assert str(folder) in str(one.value)
    assert len(str(one.value)) < 400
    longer = SETTINGS.model_copy(update={"max_model_len": 10**6})
    with pytest.raises(ConfigError, match=r"max_model_len \(1000000\)"):
        open_sampler("vllm", tiny_model, longer)
