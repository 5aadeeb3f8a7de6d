"""The real engine, on a tiny model in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason_w2s.engines import Completion, EngineSettings, Request, Sampling, open_sampler
from reason_w2s.prompts import Rendered

pytestmark = pytest.mark.vllm
pytest.importorskip("vllm")

SETTINGS = EngineSettings(dtype="float32", max_model_len=100, kv_cache_gib=0.25, max_num_seqs=16)
TEXTS = ["Question: Tom has 3 apples", "3 + 4 =", "What is 9 - 2 * 3 ?", "Answer:"]


def requests(count: int, **settings: object) -> list[Request]:
    sampling = Sampling(**{"max_tokens": 12, **settings})
    return [
        Request(f"k{i}", Rendered(TEXTS[i % 4], True), sampling, 1000 + i) for i in range(count)
    ]


def by_key(completions) -> dict[str, Completion]:
    return {done.key: done for done in completions}


@pytest.fixture(scope="module")
def sampler(tiny_model: Path):
    opened = open_sampler("vllm", tiny_model, SETTINGS)
    yield opened
    opened.close()


def test_greedy_tokens_are_those_of_transformers(sampler, tiny_model: Path) -> None:
    asked = requests(4, temperature=0, max_tokens=40)
    reference = open_sampler("hf", tiny_model, EngineSettings(dtype="float32"))
    expected = {key: done.token_ids for key, done in by_key(reference.sample(asked)).items()}
    assert any(expected.values())
    assert {key: done.token_ids for key, done in by_key(sampler.sample(asked)).items()} == expected


def test_seeds_repeat_in_another_batch_and_order(sampler) -> None:
    asked = requests(60)
    first = by_key(sampler.sample(asked))
    assert first == by_key(sampler.sample(asked[::-1]))
    assert first["k7"] == next(iter(sampler.sample([asked[7]])))
    assert len({done.token_ids for done in first.values()}) > 30


def test_another_seed_draws_another_response(sampler) -> None:
    asked = [Request(str(i), Rendered(TEXTS[0], True), Sampling(max_tokens=9), i) for i in range(9)]
    assert len({done.token_ids for done in sampler.sample(asked)}) > 5


def test_the_window_bounds_what_is_read_ahead(sampler) -> None:
    read = []

    def source():
        for request in requests(80):
            read.append(request.key)
            yield request

    done = []
    for completion in sampler.sample(source()):
        done.append(completion.key)
        assert len(read) - len(done) <= SETTINGS.max_num_seqs
    assert sorted(done) == sorted(read)
    assert done != read, "completions come out as they finish, not in order"


def test_no_end_token_in_ids_or_text(sampler) -> None:
    done = list(sampler.sample(requests(40, max_tokens=60)))
    assert {c.finish_reason for c in done} == {"stop", "length"}
    for completion in done:
        assert "<eos>" not in completion.text
        assert 1 not in completion.token_ids
        assert completion.n_tokens == len(completion.token_ids)
        assert (completion.n_tokens == 60) == (completion.finish_reason == "length")


def test_stop_strings_are_cut_off(sampler) -> None:
    free = by_key(sampler.sample(requests(40, max_tokens=30)))
    stopped = by_key(sampler.sample(requests(40, max_tokens=30, stop=("5",))))
    cut = [key for key, done in free.items() if "5" in done.text]
    assert cut
    for key in cut:
        assert stopped[key].text == free[key].text.split("5")[0]
        assert stopped[key].finish_reason == "stop"


@pytest.mark.parametrize(("text", "tokens"), [("3 + " * 100, 200), ("", 0)])
def test_a_prompt_that_does_not_fit_is_an_answer_not_a_crash(sampler, text, tokens) -> None:
    bad = Request("bad", Rendered(text, True), Sampling(), 0)
    done = by_key(sampler.sample([bad, *requests(2)]))
    assert len(done) == 3
    assert done["bad"].finish_reason == "error"
    assert done["bad"].n_prompt == tokens
    assert f"has {tokens} tokens" in done["bad"].text


def test_many_that_do_not_fit_do_not_hide_the_rest(sampler) -> None:
    bad = [Request(f"bad{i}", Rendered("3 + " * 100, True), Sampling(), 0) for i in range(40)]
    assert len(by_key(sampler.sample([*bad, *requests(3)]))) == 43


def test_sampling_settings_reach_the_engine(sampler) -> None:
    greedy = by_key(sampler.sample(requests(8, temperature=0)))
    for narrow in ({"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}):
        drawn = by_key(sampler.sample(requests(8, **narrow)))
        assert {k: c.token_ids for k, c in drawn.items()} == {
            k: c.token_ids for k, c in greedy.items()
        }, narrow
    varied = by_key(sampler.sample(requests(8, temperature=0, repetition_penalty=5.0)))
    assert varied != greedy


def test_leaving_early_leaves_nothing_behind(sampler) -> None:
    for _ in sampler.sample(requests(30, max_tokens=60)):
        break
    again = by_key(sampler.sample(requests(4)))
    assert set(again) == {"k0", "k1", "k2", "k3"}


def test_threads_can_still_be_set_afterwards(sampler) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
