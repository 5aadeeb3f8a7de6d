"""Models that give a text one number: loaded whole, with a new head by seed, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, model_folder
from reason_w2s.engines.headed import gives_scores
from reason_w2s.engines.hf import load_model
from reason_w2s.engines.reward import RewardScorer, load_reward_model
from reason_w2s.errors import ConfigError, EngineError

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SETTINGS = EngineSettings(dtype="float32")


def saved(model: Path, out: Path, seed: int = 3) -> Path:
    """A reward model with a random head in a folder of its own."""
    loaded = load_reward_model(model, "float32", head=seed)
    tokenizer = model_folder.load_tokenizer(model)
    loaded.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    loaded.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def test_a_new_head_is_its_seeds(tiny_model: Path) -> None:
    one, same, other = (load_reward_model(tiny_model, "float32", head=seed) for seed in (3, 3, 4))
    assert torch.equal(one.score.weight, same.score.weight)
    assert not torch.equal(one.score.weight, other.score.weight)
    assert one.score.weight.shape[0] == 1
    spread = one.config.initializer_range
    assert one.score.weight.std().item() == pytest.approx(spread, rel=0.5)
    body = load_model(tiny_model, "float32")
    assert torch.equal(one.model.embed_tokens.weight, body.model.embed_tokens.weight)


def test_scores_are_the_heads_output_at_the_last_token(tiny_model: Path, tmp_path: Path) -> None:
    folder = saved(tiny_model, tmp_path / "rm")
    body = load_model(tiny_model, "float32").model
    head = load_reward_model(folder, "float32").score.weight
    texts = [[5, 6, 7], [5, 6, 7, 8, 9, 10], [9], [11, 12, 5]]
    with torch.inference_mode():
        wanted = [
            float(body(input_ids=torch.tensor([text])).last_hidden_state[0, -1] @ head[0])
            for text in texts
        ]
    scorer = RewardScorer(folder, SETTINGS)
    found = dict(scorer.scores(texts))
    # alone and padded in a batch
    assert [found[at] for at in range(4)] == pytest.approx(wanted, abs=1e-5)
    assert len(set(found.values())) == 4
    scorer.close()
    with pytest.raises(EngineError, match="closed"):
        list(scorer.scores(texts))


def test_an_adapter_brings_its_head(tiny_model: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    base = load_reward_model(tiny_model, "float32", head=1)
    config = peft.LoraConfig(r=2, target_modules="all-linear", task_type="SEQ_CLS")
    adapted = peft.get_peft_model(base, config)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if weight.requires_grad:
                weight.add_(0.05 if "lora" in name else 1.0)
    adapted.peft_config["default"].base_model_name_or_path = str(tiny_model)
    adapted.save_pretrained(tmp_path / "rm")
    folder = tmp_path / "rm"
    assert gives_scores(folder)
    loaded = load_reward_model(folder, "float32")
    wanted = adapted.merge_and_unload()
    assert torch.allclose(loaded.score.weight, wanted.score.weight)
    one, two = (model.model.layers[0].mlp.up_proj.weight for model in (loaded, wanted))
    assert torch.allclose(one, two, atol=1e-6)


def test_what_gives_no_score_or_several_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    assert not gives_scores(tiny_model)
    with pytest.raises(ConfigError, match="gives text and no score"):
        RewardScorer(tiny_model, SETTINGS)
    many = transformers.AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=3)
    many.save_pretrained(tmp_path / "many")
    with pytest.raises(ConfigError, match="gives 3 numbers"):
        load_reward_model(tmp_path / "many")
    with pytest.raises(ConfigError, match="gives a score and writes no text"):
        load_model(saved(tiny_model, tmp_path / "rm"))


def test_files_without_a_body_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = saved(tiny_model, tmp_path / "rm")
    (path,) = folder.glob("*.safetensors")
    tensors = load_file(path)
    name = next(name for name in tensors if "up_proj" in name)
    save_file({key: one for key, one in tensors.items() if key != name}, path, {"format": "pt"})
    with pytest.raises(EngineError, match="hold no value"):
        load_reward_model(folder, head=3)
