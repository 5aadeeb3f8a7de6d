"""The plain engine and the scorer, on a tiny model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reason_w2s.engines import Completion, EngineSettings, Request, Sampling, open_sampler
from reason_w2s.engines.hf import load_model
from reason_w2s.engines.model_folder import load_tokenizer
from reason_w2s.errors import EngineError
from reason_w2s.prompts import Rendered, encode

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

SETTINGS = EngineSettings(dtype="float32", threads=1)
TEXTS = ["Question: Tom has 3 apples", "3 + 4 =", "What is 9 - 2 * 3 ?", "Answer:"]


def requests(count: int, **settings: object) -> list[Request]:
    sampling = Sampling(**{"max_tokens": 12, **settings})
    return [
        Request(f"k{i}", Rendered(TEXTS[i % 4], True), sampling, 1000 + i) for i in range(count)
    ]


@pytest.fixture(scope="module")
def sampler(tiny_model: Path):
    opened = open_sampler("hf", tiny_model, SETTINGS)
    yield opened
    opened.close()


def by_key(completions) -> dict[str, Completion]:
    return {done.key: done for done in completions}


def test_greedy_is_the_argmax(sampler, tiny_model: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    tokenizer = load_tokenizer(tiny_model)
    for request in requests(4, temperature=0):
        (done,) = sampler.sample([request])
        ids = encode(request.rendered, tokenizer)
        for token in done.token_ids:
            logits = model(torch.tensor([ids])).logits[0, -1]
            assert int(logits.argmax()) == token
            ids.append(token)


def test_seeds_repeat_in_another_order(sampler) -> None:
    asked = requests(20)
    assert by_key(sampler.sample(asked)) == by_key(sampler.sample(asked[::-1]))


def test_draws_follow_the_distribution(sampler, tiny_model: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    tokenizer = load_tokenizer(tiny_model)
    rendered = Rendered(TEXTS[0], True)
    logits = model(torch.tensor([encode(rendered, tokenizer)])).logits[0, -1]
    expected = (logits / 0.7).softmax(-1)
    sampling = Sampling(max_tokens=1, temperature=0.7)
    drawn = sampler.sample([Request(str(i), rendered, sampling, i) for i in range(2000)])
    counts = torch.zeros(len(expected))
    for done in drawn:
        counts[done.token_ids[0] if done.token_ids else 1] += 1
    # total variation: 2,000 draws over 41 tokens stay well below this
    assert (counts / 2000 - expected).abs().sum() / 2 < 0.07


def test_text_has_no_end_token_and_counts_agree(sampler) -> None:
    for done in sampler.sample(requests(40, max_tokens=60)):
        assert "<eos>" not in done.text
        assert 1 not in done.token_ids
        assert done.n_tokens == len(done.token_ids)
        assert done.finish_reason == ("length" if done.n_tokens == 60 else "stop")


def test_stop_strings_end_a_response(sampler) -> None:
    free = by_key(sampler.sample(requests(40, max_tokens=30)))
    stopped = by_key(sampler.sample(requests(40, max_tokens=30, stop=("5",))))
    cut = [key for key, done in free.items() if "5" in done.text]
    assert cut
    for key in cut:
        assert stopped[key].text.strip() == free[key].text.split("5")[0].strip()
        assert stopped[key].finish_reason == "stop"


def test_a_prompt_too_long_is_an_answer_not_a_crash(sampler) -> None:
    long = Request("long", Rendered("3 + " * 100, True), Sampling(), 0)
    done = by_key(sampler.sample([long, *requests(2)]))
    assert done["long"].finish_reason == "error"
    assert done["long"].n_prompt == 200
    assert len(done) == 3


def test_weights_that_the_files_do_not_hold_are_not_drawn_at_random(tiny_model, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_model, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "layers.1" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    missing = len(weights) - len(kept)
    with pytest.raises(EngineError, match=f"^{folder}: its files hold no value for {missing} of"):
        load_model(folder)


def test_an_adapter_with_new_tokens_brings_their_embeddings(tiny_model, tmp_path) -> None:
    peft = pytest.importorskip("peft")
    model = load_model(tiny_model)
    rows = model.get_input_embeddings().weight.shape[0] + 3
    model.resize_token_embeddings(rows)
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["q_proj"]))
    adapted.peft_config["default"].base_model_name_or_path = str(tiny_model)
    adapted.save_pretrained(tmp_path / "lora")
    loaded = load_model(tmp_path / "lora")
    ids = torch.tensor([[rows - 1, 3, 5]])
    with torch.inference_mode():
        assert torch.allclose(loaded(ids).logits, adapted(ids).logits, atol=1e-5)
