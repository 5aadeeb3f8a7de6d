"""Model folders: what counts as one, and as the same one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reason_w2s.engines import model_folder
from reason_w2s.errors import ConfigError, DataError
from reason_w2s.prompts import Prompt
from tests.engines import shells
from tests.engines.shells import adapter
from tests.engines.shells import model as made


def test_fingerprint_is_the_content_not_the_place(tmp_path: Path) -> None:
    one, two = made(tmp_path / "a" / "one"), made(tmp_path / "two")
    assert model_folder.fingerprint(one) == model_folder.fingerprint(two)


@pytest.mark.parametrize("change", ["config.json", "weights", "tokenizer.json"])
def test_fingerprint_sees_what_changes_answers(tmp_path: Path, change: str) -> None:
    one = made(tmp_path / "one", **{"tokenizer.json": "{}"})
    two = made(tmp_path / "two", **{"tokenizer.json": "{}", change: '{"other": 1}'})
    assert model_folder.fingerprint(one) != model_folder.fingerprint(two)


@pytest.mark.parametrize("name", ["README.md", "optimizer.pt", "trainer_state.json", "run.log"])
def test_fingerprint_ignores_what_does_not(tmp_path: Path, name: str) -> None:
    one = made(tmp_path / "one")
    before = model_folder.fingerprint(one)
    (one / name).write_text("anything")
    assert model_folder.fingerprint(one) == before


def test_fingerprint_follows_a_rewritten_file(tmp_path: Path) -> None:
    one = made(tmp_path / "one")
    before = model_folder.fingerprint(one)
    (one / "model.safetensors").write_bytes(shells.safetensors("other weights"))
    assert model_folder.fingerprint(one) != before


def test_an_adapters_fingerprint_holds_its_bases(tmp_path: Path) -> None:
    base, moved = made(tmp_path / "base"), made(tmp_path / "moved")
    other = made(tmp_path / "other", "other")
    prints = [
        model_folder.fingerprint(adapter(tmp_path / f"lora{i}", folder))
        for i, folder in enumerate([base, moved, other])
    ]
    assert prints[0] == prints[1] != prints[2]


def test_a_base_kept_with_its_adapter_is_found_after_a_move(tmp_path: Path) -> None:
    lora = adapter(tmp_path / "lora", tmp_path / "lora" / "base")
    made(lora / "base")
    shutil.move(lora, tmp_path / "elsewhere")
    assert model_folder.base_of(tmp_path / "elsewhere") == tmp_path / "elsewhere" / "base"
    assert model_folder.max_positions(tmp_path / "elsewhere") == 64


@pytest.mark.parametrize(
    ("missing", "said"), [("config.json", "no config.json"), ("model.safetensors", "no weights")]
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, said: str) -> None:
    folder = made(tmp_path / "one")
    (folder / missing).unlink()
    with pytest.raises(ConfigError, match=said):
        model_folder.check(folder)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        model_folder.resolve(tmp_path / "nowhere")


def test_prompt_survives(tmp_path: Path) -> None:
    prompt = Prompt(template="Q: {question}\nA:", stop=("\nQ:",), separator=" ")
    folder = made(tmp_path / "one")
    assert model_folder.load_prompt(folder) is None
    model_folder.save_prompt(folder, prompt)
    assert model_folder.load_prompt(folder) == prompt


def test_a_damaged_prompt_is_not_ignored(tmp_path: Path) -> None:
    folder = made(tmp_path / "one", **{"reason_w2s.json": '{"prompt": {"templete": "x"}}'})
    with pytest.raises(DataError, match="holds no prompt"):
        model_folder.load_prompt(folder)


@pytest.mark.torch
def test_the_tokenizer_is_the_one_saved(tiny_model: Path) -> None:
    tokenizer = model_folder.load_tokenizer(tiny_model)
    assert tokenizer("3 + 4 = 7")["input_ids"] == [19, 26, 20, 29, 23]


@pytest.mark.torch
def test_a_tokenizer_that_transformers_replaces_is_refused(
    tiny_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model, tmp_path / "qwen")
    config = json.loads((tiny_model / "config.json").read_text())
    config |= {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}
    (tmp_path / "qwen" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="Qwen2Tokenizer in place of"):
        model_folder.load_tokenizer(tmp_path / "qwen")
