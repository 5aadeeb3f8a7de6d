"""Supervised fine-tuning through TRL, on a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, Request, Sampling, model_folder, open_sampler
from reason_w2s.errors import ConfigError, DataError, StoreError
from reason_w2s.prompts import render
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from tests.train.runs import PROMPT, preferences, run, sums, weights

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
pytest.importorskip("trl")

FAST = {"learning_rate": 1e-2, "warmup_steps": 0, "weight_decay": 0.0}


def settings(**changes: object) -> TrainSettings:
    return TrainSettings(
        **{"objective": "sft", "batch": 8, "updates": 6, "trainer": FAST, **changes}
    )


def equal(one: dict, two: dict) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


def close(one: dict, two: dict) -> bool:
    return all(torch.allclose(one[k], two[k], atol=1e-4) for k in one)


def test_it_learns_and_the_result_can_be_asked(tiny_model: Path, tmp_path: Path) -> None:
    told = []
    stats = run(
        tiny_model,
        tmp_path,
        settings(updates=60, batch=24),
        progress=lambda done, total: told.append((done, total)),
    )
    assert (stats.examples, stats.updates) == (24, 60)
    assert stats.log[0]["loss"] > 2
    assert stats.log[-1]["loss"] < 0.5
    assert stats.tokens == 60 * 24 * 7
    assert told == [(i, 60) for i in range(1, 61)]
    out = tmp_path / "out"
    names = {path.name for path in out.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "generation_config.json"} <= names
    assert not names & {"training_args.bin", "optimizer.pt"}
    assert model_folder.load_prompt(out) == PROMPT
    assert "- recipe: a test" in (out / "README.md").read_text()
    sampler = open_sampler("hf", out, EngineSettings(dtype="float32"))
    asked = sums()[3].problem
    request = Request("k", render(PROMPT, asked), Sampling(temperature=0, max_tokens=20), 0)
    (done,) = sampler.sample([request])
    assert done.text.startswith("so The answer is")
    assert done.finish_reason == "stop", "the end token was learned"


def test_the_first_loss_is_the_answers_mean(tiny_model: Path, tmp_path: Path) -> None:
    """The loss TRL reports is the mean over all answer tokens of the batch, by hand."""
    from transformers import AutoModelForCausalLM

    from reason_w2s.train.examples import sft_rows

    stats = run(tiny_model, tmp_path, settings(batch=24, updates=1))
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    total, count = 0.0, 0
    for row in sft_rows(sums(), PROMPT, model_folder.load_tokenizer(tiny_model)):
        ids = torch.tensor([row["input_ids"]])
        logps = model(ids).logits[0, :-1].detach().log_softmax(-1)
        for place, label in enumerate(row["labels"][1:]):
            if label != -100:
                total, count = total - float(logps[place, label]), count + 1
    assert stats.log[0]["loss"] == pytest.approx(total / count, abs=1e-4)


def test_the_same_seed_gives_the_same_weights(tiny_model: Path, tmp_path: Path) -> None:
    one = run(tiny_model, tmp_path / "1", settings())
    two = run(tiny_model, tmp_path / "2", settings())
    assert one.log == two.log
    assert equal(weights(tmp_path / "1" / "out"), weights(tmp_path / "2" / "out"))


def test_accumulation_changes_nothing(tiny_model: Path, tmp_path: Path) -> None:
    run(tiny_model, tmp_path / "1", settings())
    run(tiny_model, tmp_path / "8", settings(), profile=TrainProfile(micro_batch=1, threads=1))
    assert close(weights(tmp_path / "1" / "out"), weights(tmp_path / "8" / "out"))


def test_an_adapter_and_another_on_top(tiny_model: Path, tmp_path: Path) -> None:
    lora = settings(lora=Lora(r=4, alpha=8), updates=10)
    run(tiny_model, tmp_path / "1", lora)
    first = tmp_path / "1" / "out"
    config = json.loads((first / "adapter_config.json").read_text())
    assert Path(config["base_model_name_or_path"]) == tiny_model
    assert model_folder.load_prompt(first) == PROMPT
    run(first, tmp_path / "2", lora)
    second = tmp_path / "2" / "out"
    assert model_folder.base_of(second) == second / "base"
    from reason_w2s.engines.hf import load_model

    merged = load_model(first).state_dict()
    assert close(load_model(second / "base").state_dict(), merged)
    assert not close(load_model(second).state_dict(), merged)
    assert sorted(path.name for path in (tmp_path / "2").iterdir()) == ["out", "work"]


def test_full_training_starts_from_a_merged_adapter(tiny_model: Path, tmp_path: Path) -> None:
    run(tiny_model, tmp_path / "1", settings(lora=Lora(r=4, alpha=8)))
    run(tmp_path / "1" / "out", tmp_path / "2", settings(trainer={"learning_rate": 0.0}))
    from reason_w2s.engines.hf import load_model

    one, two = (load_model(tmp_path / n / "out").state_dict() for n in ("1", "2"))
    assert close(one, two)


def test_packing_when_the_recipe_says_so(tiny_model: Path, tmp_path: Path) -> None:
    trainer = {**FAST, "packing": True, "max_length": 64}
    stats = run(tiny_model, tmp_path, settings(batch=1, updates=2, trainer=trainer))
    # four or five of these examples fill one row
    assert stats.log[0]["num_tokens"] > 40


def test_bfloat16_weights_are_saved_as_such(tiny_model: Path, tmp_path: Path) -> None:
    run(tiny_model, tmp_path, settings(dtype="bfloat16", updates=1))
    assert {w.dtype for w in weights(tmp_path / "out").values()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"trainer": {"max_length": 9}}, DataError, "24 of 24 examples are longer than 9 tokens"),
        ({"min_examples": 25}, DataError, "24 examples to train on, at least 25"),
        ({"trainer": {"learning_rate": "fast"}}, ConfigError, "expected float"),
        ({"trainer": {"lr_scheduler_type": "lineer"}}, ConfigError, "TRL refuses.*lineer"),
        ({"trainer": {"seed": 3}}, ConfigError, "belongs to `seed` of the recipe"),
    ],
)
def test_what_cannot_be_trained(tiny_model, tmp_path, changes, error, said) -> None:
    with pytest.raises(error, match=said):
        run(tiny_model, tmp_path, settings(**changes))
    assert not (tmp_path / "out").exists()


def test_pairs_are_not_for_sft(tiny_model: Path, tmp_path: Path) -> None:
    from reason_w2s.train import run as module

    places = module.TrainPlaces(tiny_model, None, tmp_path / "out", tmp_path / "work")
    with pytest.raises(DataError, match="sft learns from Example, got PairExample"):
        module.train(
            preferences(),
            settings(),
            places,
            prompt=PROMPT,
            seed=0,
            profile=TrainProfile(),
            progress=lambda done, total: None,
        )


def test_nothing_is_overwritten(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").touch()
    with pytest.raises(StoreError, match="is there already"):
        run(tiny_model, tmp_path, settings())
    assert (tmp_path / "out" / "precious").exists()


def test_a_finished_result_nobody_collected_is_made_again(tiny_model, tmp_path: Path) -> None:
    run(tiny_model, tmp_path, settings())
    first = weights(tmp_path / "out")
    run(tiny_model, tmp_path, settings())
    assert equal(first, weights(tmp_path / "out"))
    with pytest.raises(StoreError, match="is there already"):
        run(tiny_model, tmp_path, settings(updates=7))
