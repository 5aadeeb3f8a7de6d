"""Tiny random models like real ones: the same kind, the same tokenizer, small in every size."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from reason_w2s import prompts
from reason_w2s.engines import model_folder
from reason_w2s.engines.hf import load_model
from reason_w2s.errors import ConfigError
from reason_w2s.records import Problem
from reason_w2s.train import like, pretrain
from reason_w2s.train.pretrain import ScratchSettings
from tests.conftest import WORDS, make_tokenizer

pytestmark = pytest.mark.torch

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
CHAT = prompts.Prompt(template="{question}", chat=True)
QUESTION = Problem(id="1", question="What is 1 + 1 ?")


def folder_of(path, kind, **sizes):
    """A model as it lies on disk without its weights: config, tokenizer, template, generation."""
    from transformers import AutoConfig

    config = AutoConfig.for_model(kind, **sizes)
    config.update({"vocab_size": len(WORDS), "eos_token_id": 1, "pad_token_id": 0})
    config.update({"bos_token_id": None, "dtype": "bfloat16"})
    config.save_pretrained(path)
    tokenizer = make_tokenizer()
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(path)
    generation = {"eos_token_id": [1, 0], "temperature": 0.6, "do_sample": True}
    (path / "generation_config.json").write_text(json.dumps(generation))
    return path


def made(folder, out, **settings):
    settings = ScratchSettings(like=str(folder), **settings)
    pretrain.scratch(settings, [], out, seed=0)
    return json.loads((out / "config.json").read_text())


KINDS = [
    ("llama", {"num_key_value_heads": 8}, {"num_key_value_heads": 1, "head_dim": 32}),
    ("qwen3", {"num_key_value_heads": 8}, {"num_key_value_heads": 1, "head_dim": 32}),
    ("gemma2", {}, {"layer_types": ["sliding_attention", "full_attention"]}),
    ("gemma3_text", {}, {"layer_types": ["sliding_attention", "full_attention"]}),
    ("mixtral", {}, {"num_local_experts": 4, "num_experts_per_tok": 2}),
    ("olmo2", {}, {"num_key_value_heads": 2}),
]


@pytest.mark.parametrize(("kind", "sizes", "expected"), KINDS, ids=[kind for kind, *_ in KINDS])
def test_a_tiny_model_of_each_kind_runs(tmp_path, kind, sizes, expected):
    import torch

    config = made(folder_of(tmp_path / kind, kind, **sizes), tmp_path / "out")
    assert config["model_type"] == kind and config["vocab_size"] == len(WORDS)
    assert {name: config[name] for name in expected} == expected
    assert config["num_hidden_layers"] == 2 and config["hidden_size"] == 64
    model = load_model(tmp_path / "out")
    assert sum(parameter.numel() for parameter in model.parameters()) < 1_000_000
    assert torch.isfinite(model(torch.tensor([[3, 4, 5]])).logits).all()


def test_rope_factors_are_cut_to_the_smaller_head(tmp_path):
    factors = {"short_factor": [1.0] * 48, "long_factor": [2.0] * 48}
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "partial_rotary_factor": 1.0} | factors
    folder = folder_of(
        tmp_path / "phi3",
        "phi3",
        rope_parameters=rope | {"original_max_position_embeddings": 4096},
        max_position_embeddings=131072,
    )
    config = made(folder, tmp_path / "out")
    assert config["rope_parameters"]["short_factor"] == [1.0] * 16
    assert config["max_position_embeddings"] == 131072
    load_model(tmp_path / "out")


def test_tokenizer_template_and_generation_config_are_the_models_own(tmp_path):
    folder = folder_of(tmp_path / "llama", "llama")
    made(folder, tmp_path / "out", dtype="bfloat16")
    for name in ("tokenizer.json", "chat_template.jinja", "generation_config.json"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes(), name
    tokenizer = model_folder.load_tokenizer(tmp_path / "out")
    assert prompts.render(CHAT, QUESTION, tokenizer).text == "<user>What is 1 + 1 ?"
    assert str(load_model(tmp_path / "out").dtype) == "torch.bfloat16"


def test_one_seed_and_name_make_one_model(tmp_path):
    folder = folder_of(tmp_path / "llama", "llama")
    same = folder_of(tmp_path / "same", "llama")
    for name, source in (("one", folder), ("two", folder), ("three", same)):
        made(source, tmp_path / name)
    one, two, three = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two", "three")
    )
    assert one == two != three


def test_an_adapter_becomes_an_untrained_adapter_on_a_tiny_base(tmp_path):
    pytest.importorskip("peft")
    base = folder_of(tmp_path / "llama", "llama")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": str(base),
    }
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    assert like.on_disk(str(adapter)) == adapter and like.saved_dtype(adapter) == "bfloat16"
    pretrain.scratch(ScratchSettings(like=str(adapter)), [], tmp_path / "out", seed=0)
    moved = (tmp_path / "out").rename(tmp_path / "moved")
    written = json.loads((moved / "adapter_config.json").read_text())
    assert (written["r"], written["target_modules"]) == (4, ["q_proj"])
    assert model_folder.base_of(moved) == moved / "base"
    assert load_model(moved).config.hidden_size == 64
    assert model_folder.load_tokenizer(moved).chat_template == TEMPLATE


@pytest.mark.parametrize(
    ("name", "kind", "template"),
    [
        ("Qwen/Qwen2.5-Math-7B", "qwen2", "qwen2_5"),
        ("Qwen/Qwen3-8B", "qwen3", "qwen3"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "qwen2", "deepseek_r1_distill"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama", "llama3"),
        ("google/gemma-2b", "gemma", "gemma"),
        ("google/gemma-2-2b-it", "gemma2", "gemma"),
        ("/nowhere/mine", "qwen2", "qwen2_5"),
    ],
)
def test_a_model_that_is_not_here_gets_a_stand_in_by_its_name(tmp_path, name, kind, template):
    pytest.importorskip("trl")
    assert like.on_disk(name) is None and like.stand_in(name).template == template
    config = made(name, tmp_path / "out", dtype="bfloat16")
    tokenizer = model_folder.load_tokenizer(tmp_path / "out")
    assert config["model_type"] == kind and config["vocab_size"] == len(tokenizer)
    text = " é {x}\n\n$12.50 日本"
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
    asked = prompts.render(CHAT, QUESTION, tokenizer).text
    assert QUESTION.question in asked and asked != QUESTION.question
    # the template's marks are single tokens, as in the real one
    assert len(tokenizer(tokenizer.eos_token)["input_ids"]) == 1
    assert load_model(tmp_path / "out").config.eos_token_id == tokenizer.eos_token_id


def test_a_config_that_no_model_can_be_built_from_says_so(tmp_path):
    folder = folder_of(tmp_path / "llama", "llama")
    (folder / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(ConfigError, match="no tiny language model"):
        made(folder, tmp_path / "out")


def test_a_folder_in_the_local_cache_is_found_without_its_weights(tmp_path, monkeypatch):
    import huggingface_hub.constants

    cache = tmp_path / "models--org--name"
    folder_of(cache / "snapshots" / ("a" * 40), "llama")
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert like.on_disk("org/name") == cache / "snapshots" / ("a" * 40)
    assert like.on_disk("org/name", "v2") is None and like.on_disk("org/other") is None


def test_its_identity_is_that_of_the_files_but_not_of_the_weights(tmp_path):
    folder = folder_of(tmp_path / "llama", "llama")
    before = like.identity(str(folder), None)
    (folder / "model.safetensors").write_bytes(b"weights")
    assert like.identity(str(folder), None) == before
    (folder / "generation_config.json").write_text("{}")
    assert like.identity(str(folder), None) != before
    assert like.identity("org/absent-qwen3", None) != like.identity("org/absent-llama", None)
