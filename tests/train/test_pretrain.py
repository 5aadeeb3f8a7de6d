"""Base models made here are ordinary folders, the same for the same seed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reason_w2s.errors import ConfigError, DataError
from reason_w2s.problems.world import VOCABULARY, problems, strip_annotations
from reason_w2s.problems.world_corpus import PLAIN
from reason_w2s.train import pretrain
from reason_w2s.train.pretrain import PretrainSettings, ScratchSettings

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.torch

TOKENS = 4 * pretrain.ROWS * pretrain.ROW
CHAIN = "5 + 3 = 8\n8 - 2 = 6\n#### 6"
TEXTS = ["Natalia sold 48 clips in April.\nHow many in May?", "#### 72", "She pays $5."] * 20


def make(folder, seed=0, **settings):
    settings = PretrainSettings(**{"size": "weak", "tokens": TOKENS} | settings)
    seen = []
    stats = pretrain.pretrain(
        settings, folder, seed=seed, progress=lambda done, total: seen.append((done, total))
    )
    return stats, seen


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("world") / "weak"
    make(path)
    return path


def test_one_seed_makes_one_model(folder, tmp_path):
    weights = (folder / "model.safetensors").read_bytes()
    make(tmp_path / "same")
    make(tmp_path / "other", seed=1)
    assert (tmp_path / "same" / "model.safetensors").read_bytes() == weights
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != weights


def test_the_callers_random_state_is_left_alone(tmp_path):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    make(tmp_path)
    assert torch.rand(1) == expected


def test_stats_and_progress_count_updates(tmp_path):
    stats, seen = make(tmp_path)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert stats.updates == 4 and stats.examples == 4 * pretrain.ROWS
    assert 0.9 * TOKENS < stats.tokens <= TOKENS


def test_loss_falls(tmp_path):
    stats, _ = make(tmp_path, tokens=26 * TOKENS)
    assert stats.log[0]["loss"] > 4.5 and stats.log[-1]["loss"] < 2.5


def test_folder_loads_as_any_model_does(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer) == len(VOCABULARY)
    generation = json.loads((folder / "generation_config.json").read_text())
    assert generation["eos_token_id"] == tokenizer.eos_token_id == pretrain.EOS_ID
    assert tokenizer.pad_token_id == pretrain.PAD_ID


def test_prompt_and_response_ids_join_and_come_back_as_text(folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for problem in problems("dev", take=30, seed=0, wording="held_out"):
        prompt = PLAIN.replace("{question}", problem.question)
        response = strip_annotations(problem.solution)
        first, second = (tokenizer(text)["input_ids"] for text in (prompt, response))
        assert first + second == tokenizer(prompt + response)["input_ids"]
        assert tokenizer.unk_token_id not in first + second
        assert tokenizer.decode(first) == prompt and tokenizer.decode(second) == response
        assert tokenizer.decode([*second, 1], skip_special_tokens=True) == response


def test_text_streamed_after_a_prompt_is_the_same_text():
    from tokenizers.decoders import DecodeStream

    tokenizer = pretrain.world_tokenizer()
    prompt = tokenizer("Question: Tom has 5 pens.\nAnswer:\n")["input_ids"]
    stream = DecodeStream(ids=prompt, skip_special_tokens=True)
    ids = tokenizer(CHAIN)["input_ids"]
    assert "".join(stream.step(tokenizer.backend_tokenizer, i) or "" for i in ids) == CHAIN


def test_rows_hold_one_whole_document_then_sums():
    settings = PretrainSettings(size="weak")
    tokenizer = pretrain.world_tokenizer()
    rows = pretrain._rows(settings, tokenizer, 400, seed=0)
    assert {len(row) for row in rows} == {pretrain.ROW}
    assert all(row.count(pretrain.EOS_ID) == 1 for row in rows)
    assert max(row.index(pretrain.EOS_ID) for row in rows) < pretrain.ROW
    sums = tokenizer.decode(rows[0][rows[0].index(pretrain.EOS_ID) + 1 :], skip_special_tokens=True)
    assert all(len(line.split()) == 5 for line in sums.split("\n") if line)


def test_worked_documents_come_first():
    settings = PretrainSettings(size="weak", first=0.5, think_first=1.0, think=0.0, story=0.0)
    texts = list(pretrain._documents(settings, 100, seed=0))[:100]
    assert all("Solution:" in text for text in texts[:50])
    assert not any("Solution:" in text for text in texts[50:])


def test_strong_is_larger_than_weak():
    def parameters(name):
        model = pretrain._world_model(pretrain.SIZES[name], 1.0)
        return sum(parameter.numel() for parameter in model.parameters())

    assert 1.3 * parameters("weak") < parameters("strong") < 200_000
    assert pretrain.SIZES["strong"] != replace(pretrain.SIZES["weak"], tokens=0)


def test_scratch_makes_a_qwen2_that_reads_any_text(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings = ScratchSettings(vocab_size=400, hidden=64, layers=1, heads=2)
    for name in ("one", "two"):
        pretrain.scratch(settings, TEXTS, tmp_path / name, seed=3)
    one, two = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("one", "two"))
    assert one == two
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "one")
    text = " é {x}\n\n$12.50 日本"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "one")
    assert model.config.model_type == "qwen2" and model.config.vocab_size == len(tokenizer)
    assert model.config.eos_token_id == tokenizer.eos_token_id is not None


def test_default_scratch_has_one_to_three_million_parameters(tmp_path):
    pretrain.scratch(ScratchSettings(), TEXTS, tmp_path, seed=0)
    assert 4e6 < (tmp_path / "model.safetensors").stat().st_size < 12e6


def test_scratch_says_what_is_wrong(tmp_path):
    with pytest.raises(ConfigError, match="heads 5"):
        pretrain.scratch(ScratchSettings(hidden=64, heads=5), TEXTS, tmp_path, seed=0)
    with pytest.raises(DataError, match="no texts"):
        pretrain.scratch(ScratchSettings(), [], tmp_path, seed=0)
