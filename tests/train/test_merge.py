"""A merged adapter is the model that the adapter makes of its base."""

from __future__ import annotations

import pytest

from reason_w2s.engines import EngineSettings, Request, Sampling, open_sampler
from reason_w2s.engines.model_folder import load_prompt, load_tokenizer
from reason_w2s.engines.scorer import HfScorer
from reason_w2s.errors import ConfigError
from reason_w2s.prompts import Rendered
from reason_w2s.train.config import Lora, TrainSettings
from reason_w2s.train.merge import merge
from tests.runs.small import main, one_line
from tests.train.runs import PROMPT, run, weights

pytest.importorskip("peft")
pytest.importorskip("trl")

FLOAT32 = EngineSettings(dtype="float32")
SEQUENCES = [([3, 20, 30, 21, 4], [9, 5, 6, 7, 25, 1]), ([3, 22], [20, 21, 22, 23])]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory, tiny_model):
    """A LoRA adapter, trained hard enough to differ from its base."""
    settings = TrainSettings(
        objective="sft",
        batch=8,
        updates=6,
        lora=Lora(r=4, alpha=16),
        trainer={"learning_rate": 0.05},
    )
    folder = tmp_path_factory.mktemp("adapter")
    run(tiny_model, folder, settings)
    return folder / "out"


@pytest.fixture(scope="module")
def whole(adapter, tmp_path_factory):
    return merge(adapter, tmp_path_factory.mktemp("merged") / "whole", "float32")


def scores(folder):
    return [value for row in HfScorer(folder, FLOAT32).logprobs(SEQUENCES) for value in row]


def test_logprobs_are_the_adapters(adapter, whole, tiny_model):
    assert scores(whole) == pytest.approx(scores(adapter), abs=1e-5)
    assert scores(whole) != pytest.approx(scores(tiny_model), abs=1e-2)


def test_logprobs_are_those_of_the_unmerged_adapter(adapter, whole, tiny_model):
    """Against peft's own forward pass, with the adapter beside its base."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype="float32")
    beside = PeftModel.from_pretrained(base, str(adapter)).eval()
    alone = AutoModelForCausalLM.from_pretrained(whole).eval()
    ids = torch.tensor([[*SEQUENCES[0][0], *SEQUENCES[0][1]]])
    with torch.no_grad():
        difference = (beside(ids).logits - alone(ids).logits).abs().max()
    assert float(difference) < 1e-5


def test_the_folder_is_whole(adapter, whole):
    assert not (whole / "adapter_config.json").exists()
    assert load_prompt(whole) == PROMPT
    assert load_tokenizer(whole).get_vocab() == load_tokenizer(adapter).get_vocab()
    assert (whole / "generation_config.json").is_file()
    card = (whole / "README.md").read_text()
    assert "A LoRA adapter merged into its base" in card
    assert "> - learning_rate: 0.05" in card


def test_bfloat16_is_the_default_and_rounds_once(adapter, whole, tmp_path):
    import torch

    small, exact = weights(merge(adapter, tmp_path / "small")), weights(whole)
    assert {value.dtype for value in small.values()} == {torch.bfloat16}
    for name, value in exact.items():
        assert torch.equal(small[name], value.to(torch.bfloat16)), name


def test_nothing_is_written_over_and_a_whole_model_is_refused(
    adapter, whole, tiny_model, tmp_path, monkeypatch, capsys
):
    with pytest.raises(ConfigError, match="nothing to merge"):
        merge(tiny_model, tmp_path / "x")
    with pytest.raises(ConfigError, match="no such folder"):
        merge(tmp_path / "none", tmp_path / "x")
    code, _, err = main(["merge", str(adapter), str(whole)], monkeypatch, capsys)
    assert code == 2
    assert "is there already" in one_line(err)
    assert list(tmp_path.iterdir()) == []
    code, out, _ = main(["merge", str(adapter), str(tmp_path / "x")], monkeypatch, capsys)
    assert (code, out) == (0, f"merged: {tmp_path / 'x'}\n")


@pytest.mark.vllm
def test_vllm_loads_it_and_says_what_transformers_says(whole):
    pytest.importorskip("vllm")
    settings = EngineSettings(
        dtype="float32", max_model_len=100, kv_cache_gib=0.25, max_num_seqs=16
    )
    texts = ["Question: 3 + 4 Answer:", "Question: 1 + 2 Answer:"]
    sampling = Sampling(max_tokens=16, temperature=0)
    asked = [Request(text, Rendered(text, True), sampling, 0) for text in texts]
    found = {}
    for name, engine in (("vllm", settings), ("hf", FLOAT32)):
        sampler = open_sampler(name, whole, engine)
        found[name] = {done.key: done.token_ids for done in sampler.sample(asked)}
        sampler.close()
    assert found["vllm"] == found["hf"]
    assert all(found["hf"].values())
