"""Fixtures shared by all tests: one tiny model, built here, never fetched."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

WORDS = """
    <pad> <eos> <unk> Question: Answer: The answer is \\boxed{ } so and then we add take
    0 1 2 3 4 5 6 7 8 9 + - * = . , ? What Tom has apples more left hmm
""".split()  # noqa: SIM905


def make_tokenizer():
    """Whole words, split at blanks; ids are positions in WORDS."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )


def make_model(folder: Path, seed: int = 0, positions: int = 128) -> Path:
    """Save a random two-layer Llama of width 32 with a vocabulary of words.

    Not a Qwen2: for that model type AutoTokenizer replaces any tokenizer by Qwen's own.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=positions,
        attention_bias=True,
        tie_word_embeddings=True,
        initializer_range=0.3,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
        dtype="float32",
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        # responses should have some length: a small embedding is a logit near zero
        model.get_input_embeddings().weight[1] *= 0.2
    model.generation_config.eos_token_id = 1
    model.generation_config.pad_token_id = 0
    model.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["vocab_size"] == len(WORDS)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: the longest file is not left to one process at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session", autouse=True)
def own_extensions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """DeepSpeed builds into a folder of this run: a killed test leaves no lock for the next run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path_factory.mktemp("torch_extensions")))
        yield


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of 20k random parameters. Do not write into it."""
    pytest.importorskip("transformers")
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def other_tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same shape, other weights."""
    pytest.importorskip("transformers")
    return make_model(tmp_path_factory.mktemp("models") / "other", seed=1)
