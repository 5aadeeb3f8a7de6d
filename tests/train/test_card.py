"""What a model card says, and that the hub can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason_w2s.engines.model_folder import fingerprint
from reason_w2s.train import card
from reason_w2s.train.config import Lora, TrainSettings
from tests.train.runs import run

hub = pytest.importorskip("huggingface_hub")
pytest.importorskip("trl")

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sft(**more) -> TrainSettings:
    trainer = {"learning_rate": 3e-3, "warmup_steps": 0.25}
    return TrainSettings(objective="sft", batch=8, updates=2, trainer=trainer, **more)


@pytest.fixture(scope="module")
def cached(tmp_path_factory, tiny_model) -> Path:
    """The tiny model as the hub's cache would hold it."""
    folder = tmp_path_factory.mktemp("hub") / "models--org--tiny-7B" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    for path in tiny_model.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_card_tells_how_a_model_was_made(cached, tmp_path):
    run(cached, tmp_path, sft())
    text = (tmp_path / "out" / "README.md").read_text()
    data = hub.ModelCard(text).data
    assert data.library_name == "transformers"
    assert data.pipeline_tag == "text-generation"
    assert data.base_model == "org/tiny-7B"
    assert data.tags == ["reason-w2s", "weak-to-strong", "trl", "sft"]
    mark = fingerprint(cached)[:16]
    for line in (
        f"- base model: org/tiny-7B, revision {COMMIT}, fingerprint {mark}",
        "- recipe: a test",
        "- objective: sft (SFT)",
        "- examples: 24",
        "- batch: 8 examples per update",
        "- updates: 2\n- tokens with loss: 112",
        "- learning_rate: 0.003",
        "- warmup_steps: 0.25",
        "- lr_scheduler_type: linear",
        "- dtype: float32",
        "- seed: 7",
        "template: 'Question: {question} Answer:'",
        "reason-w2s eval",
        "- trl: 1.",
    ):
        assert line in text, line
    assert "num_train_epochs" not in text
    assert str(tmp_path) not in text
    assert str(cached.parent) not in text


def test_an_adapter_says_so_and_a_second_step_knows_the_base(cached, tmp_path):
    run(cached, tmp_path / "first", sft())
    run(tmp_path / "first" / "out", tmp_path / "second", sft(lora=Lora(r=4, alpha=8)))
    text = (tmp_path / "second" / "out" / "README.md").read_text()
    data = hub.ModelCard(text).data
    assert data.library_name == "peft"
    assert data.base_model == "org/tiny-7B"
    assert "lora" in data.tags
    assert "- lora: r 4, alpha 8, dropout 0.0, targets all_linear" in text
    assert f"fingerprint {fingerprint(tmp_path / 'first' / 'out')[:16]}" in text


def test_a_model_of_no_hub_has_no_base_in_its_head(tiny_model, tmp_path):
    settings = TrainSettings(objective="dpo", batch=8, updates=1, trainer={"beta": 0.2})
    run(tiny_model, tmp_path, settings)
    text = (tmp_path / "out" / "README.md").read_text()
    assert hub.ModelCard(text).data.base_model is None
    assert "- objective: dpo (DPO)" in text
    assert "- beta: 0.2" in text
    assert f"- base model: tiny, fingerprint {fingerprint(tiny_model)[:16]}" in text
    assert str(tiny_model) not in text


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (f"/x/hub/models--Qwen--Qwen2.5-Math-7B/snapshots/{COMMIT}", "Qwen/Qwen2.5-Math-7B"),
        (f"/x/models--a--b--c/snapshots/{COMMIT}", "a/b--c"),
        ("/x/models/Qwen2.5", None),
        ("/x/store/train/0123/model", None),
    ],
)
def test_names_are_read_from_the_hubs_cache(folder, name):
    found = card.hub_name(Path(folder))
    assert found == (None if name is None else (name, COMMIT))
