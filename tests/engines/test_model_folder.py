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


def test_a_relative_base_is_found_from_where_the_adapter_lies(tmp_path, monkeypatch) -> None:
    base = made(tmp_path / "project" / "models" / "base")
    lora = adapter(tmp_path / "project" / "out" / "checkpoint-5", "models/base")
    monkeypatch.chdir(tmp_path)
    assert model_folder.base_of(lora) == base
    here = made(tmp_path / "models" / "base", "another")
    assert model_folder.base_of(lora).resolve() == here, "as peft would, from here first"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("models/gone", "as a hub id not .whole. in the cache"),
        ("gone", "there is no such folder"),
        ("", "no such folder|expected"),
    ],
)
def test_a_base_that_is_gone(tmp_path: Path, named: str, said: str) -> None:
    lora = adapter(tmp_path / "lora", named)
    if not named:
        (lora / "adapter_config.json").write_text("{}")
    with pytest.raises(
        ConfigError, match=rf"(?s)^{lora}: .*({said}).*put the base into .*lora/base"
    ):
        model_folder.base_of(lora)


def test_a_quantised_base_is_refused(tmp_path: Path) -> None:
    config = '{"quantization_config": {"quant_method": "bitsandbytes"}}'
    base = made(tmp_path / "base", **{"config.json": config})
    lora = adapter(tmp_path / "lora", base)
    with pytest.raises(ConfigError, match=r"base .*base is quantised \(bitsandbytes\)"):
        model_folder.base_of(lora)
    assert model_folder.fingerprint(base), "the model itself is the engine's business"


PROMPT = Prompt(template="Q: {question}")


def test_a_checkpoints_prompt_is_its_own_or_its_trainings(tmp_path: Path) -> None:
    training = made(tmp_path / "out")
    folder, other = made(training / "checkpoint-5"), made(training / "best")
    assert model_folder.find_prompt(folder) is None
    model_folder.save_prompt(training, PROMPT)
    assert model_folder.find_prompt(folder) == (PROMPT, training)
    assert model_folder.find_prompt(other) is None, "only a checkpoint-N is of the training above"
    own = Prompt(template="{question}?")
    model_folder.save_prompt(folder, own)
    assert model_folder.find_prompt(folder) == (own, folder)


def test_a_training_lends_its_tokenizer_and_template(tmp_path: Path) -> None:
    training = made(tmp_path / "out", **{"tokenizer.json": "{}"})
    folder = made(training / "checkpoint-5")
    alone = made(tmp_path / "alone")
    assert model_folder.tokenizer_folder(folder) == training
    assert model_folder.template_folder(folder) is None
    marks = [model_folder.fingerprint(folder)]
    assert marks[0] != model_folder.fingerprint(alone), "what is lent is part of what it is"
    (training / "chat_template.jinja").write_text("{{ messages }}")
    assert model_folder.template_folder(folder) == training
    (folder / "tokenizer.json").write_text("{}")
    assert model_folder.tokenizer_folder(folder) == folder
    assert model_folder.template_folder(folder) == training
    marks.append(model_folder.fingerprint(folder))
    (training / "chat_template.jinja").write_text("{{ messages[0] }}")
    marks.append(model_folder.fingerprint(folder))
    (folder / "chat_template.jinja").write_text("own")
    assert model_folder.template_folder(folder) == folder
    marks.append(model_folder.fingerprint(folder))
    (training / "chat_template.jinja").unlink()
    assert model_folder.fingerprint(folder) == marks[-1], "its own does not depend on the training"
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize(
    ("saved", "found"),
    [
        ('{"chat_template": "one"}', "one"),
        ('{"chat_template": [{"name": "default", "template": "two"}]}', "two"),
        ('{"chat_template": [{"name": "tool_use", "template": "two"}]}', None),
        ("{}", None),
    ],
)
def test_templates_of_older_files(tmp_path: Path, saved: str, found: str | None) -> None:
    folder = made(tmp_path / "one", **{"tokenizer_config.json": saved})
    assert model_folder.chat_template(folder) == found


def test_a_hub_model_that_is_not_here_says_how_to_get_it(tmp_path: Path, monkeypatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    wanted = rf"org/absent: no folder here.* cache {tmp_path}, .*hf download org/absent"
    with pytest.raises(ConfigError, match=rf"{wanted}$"):
        model_folder.resolve("org/absent")
    with pytest.raises(ConfigError, match=rf"{wanted} --revision v2$"):
        model_folder.resolve("org/absent", "v2")


def test_half_a_hub_model_in_the_cache(tmp_path: Path, monkeypatch) -> None:
    """What a tokenizer's fetch leaves behind is no model."""
    import huggingface_hub

    cache = tmp_path / "models--org--half"
    snapshot = made(cache / "snapshots" / ("a" * 40))
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("a" * 40)
    real = huggingface_hub.snapshot_download
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda *a, **k: real(*a, cache_dir=tmp_path, **k)
    )
    assert model_folder.resolve("org/half") == snapshot
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"has no weights .*; hf download org/half"):
        model_folder.resolve("org/half")


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


@pytest.mark.torch
def test_a_lent_template_is_what_turns_are_rendered_with(tiny_model: Path, tmp_path: Path) -> None:
    training = made(tmp_path / "out", **{"chat_template.jinja": "lent {{ messages[0].content }}"})
    folder = shutil.copytree(tiny_model, training / "checkpoint-5")
    tokenizer = model_folder.load_tokenizer(folder)
    turns = [{"role": "user", "content": "3"}]
    assert tokenizer.apply_chat_template(turns, tokenize=False) == "lent 3"


@pytest.mark.torch
def test_a_tokenizer_is_saved_the_same_with_and_without_a_network(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = pytest.importorskip("transformers.tokenization_utils_base")
    for name, offline in (("with", False), ("without", True)):
        monkeypatch.setattr(base, "is_offline_mode", lambda offline=offline: offline)
        model_folder.load_tokenizer(tiny_model).save_pretrained(tmp_path / name)
    files = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("with", "without")
    ]
    assert files[0] == files[1]
