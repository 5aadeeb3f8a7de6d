"""The engine that asks an endpoint, against a stub: what is sent, how it fails, what is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from reason_w2s.engines import (
    Completion,
    Endpoint,
    EngineSettings,
    Request,
    Sampling,
    client,
    open_sampler,
)
from reason_w2s.engines.settings import ServerSettings
from reason_w2s.errors import ConfigError, EngineError
from reason_w2s.prompts import Rendered
from tests.engines.endpoint_stub import NAME, VLLM, Reply, Stub, answer, error, serving

KEY = "sk-very-secret"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(Stub()) as started:
        yield started


def settings(**server: Any) -> EngineSettings:
    quick = {"concurrency": 4, "retries": 3, "backoff_s": 0.01, "timeout_s": 5}
    return EngineSettings(server=ServerSettings(**{**quick, **server}))


def requests(count: int, **sampling: Any) -> list[Request]:
    asked = Sampling(**{"max_tokens": 12, **sampling})
    return [Request(f"k{i}", Rendered(f"p{i}", True), asked, 1000 + i) for i in range(count)]


def drawn(stub: Stub, asked: list[Request], **server: Any) -> dict[str, Completion]:
    sampler = open_sampler("server", stub.url, settings(**server))
    return {done.key: done for done in sampler.sample(asked)}


def test_each_response_is_asked_for_with_every_setting(stub: Stub) -> None:
    asked = requests(3, temperature=0.7, top_p=0.9, top_k=20, min_p=0.1, stop=("\n", "Q:"))
    done = drawn(stub, asked)
    assert {key: one.text for key, one in done.items()} == {f"k{i}": f"to p{i}" for i in range(3)}
    assert done["k0"] == Completion("k0", "to p0", (7,), "stop", 3, 1)
    sent = sorted(stub.asked, key=lambda body: body["seed"])
    assert sent[2] == {
        "model": NAME,
        "prompt": "p2",
        "n": 1,
        "max_tokens": 12,
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 20,
        "min_p": 0.1,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "min_tokens": 0,
        "stop": ["\n", "Q:"],
        "seed": 1002,
        "stream": False,
        "skip_special_tokens": True,
        "add_special_tokens": True,
        "return_token_ids": True,
        "repetition_detection": None,
    }
    assert len(stub.tried) == 1
    assert stub.tried[0] == {**sent[0], "prompt": "1", "max_tokens": 1}


def test_others_than_vllm_get_their_own_fields_only(stub: Stub) -> None:
    stub.models = {"data": [{"id": NAME, "owned_by": "openai"}]}
    stub.reply = lambda body, number: answer(token_ids=None)
    done = drawn(stub, requests(1))["k0"]
    assert (done.token_ids, done.n_prompt, done.n_tokens) == (None, 3, 2)
    assert not {"top_k", "min_p", "return_token_ids", "add_special_tokens"} & set(stub.asked[0])
    with pytest.raises(ConfigError, match=r"cannot be sent top_k, min_p: .*fields"):
        drawn(stub, requests(1, top_k=5, min_p=0.5))
    drawn(stub, requests(1, top_k=5), fields="sglang")
    assert stub.asked[-1]["top_k"] == 5
    assert "return_token_ids" not in stub.asked[-1]


def test_what_ended_a_response(stub: Stub) -> None:
    told = [
        {"finish_reason": "stop", "stop_reason": "Q:"},
        {"finish_reason": "stop", "stop_reason": 1},
        {"finish_reason": "length"},
        {"finish_reason": "repetition"},
        {"finish_reason": "content_filter"},
    ]
    stub.reply = lambda body, number: answer(**told[int(body["prompt"][1:])])
    done = drawn(stub, requests(5))
    ends = {key: (one.finish_reason, one.token_ids) for key, one in sorted(done.items())}
    assert list(ends.values()) == [
        ("stop", (7, 1)),
        ("stop", (7,)),
        ("length", (7, 1)),
        ("length", (7, 1)),
        ("error", None),
    ]
    assert "content_filter" in done["k4"].text


def test_the_window_is_kept(stub: Stub) -> None:
    stub.reply = lambda body, number: Reply(body=answer("hmm").body, delay_s=0.02)
    sampler, read, done = open_sampler("server", stub.url, settings()), [], []

    def source() -> Iterator[Request]:
        for request in requests(30):
            read.append(request.key)
            yield request

    for completion in sampler.sample(source()):
        done.append(completion.key)
        assert len(read) - len(done) <= 4
    assert sorted(done) == sorted(read)
    assert stub.most == 4


@pytest.mark.parametrize(
    "bad",
    [
        error(429, "slow down"),
        error(500, "oops"),
        error(503),
        Reply(drop=True),
        Reply(body=b"<html>"),
        Reply(body={"choices": []}),
        Reply(body=[1]),
        Reply(body=b"[" * 100_000),
        Reply(body=b"{}", headers={"Content_Length": "50"}),
        answer(finish_reason="abort"),
        answer(text=None),
    ],
    ids=lambda reply: str(reply.body)[:20] + str(reply.status),
)
def test_what_passes_is_asked_again(stub: Stub, bad: Reply) -> None:
    stub.reply = lambda body, number: bad if number < 3 else answer()
    done = drawn(stub, requests(1))
    assert done["k0"].finish_reason == "stop"
    assert len(stub.asked) == 4
    assert len({str(body) for body in stub.asked}) == 1, "with the same seed"


def test_an_answer_that_takes_too_long_is_asked_for_again(stub: Stub) -> None:
    stub.reply = lambda body, number: Reply(body=answer().body, delay_s=0 if number else 1.5)
    assert drawn(stub, requests(1), timeout_s=0.3)["k0"].finish_reason == "stop"
    assert len(stub.asked) == 2


def test_waits_double_and_are_no_shorter_than_what_was_asked(monkeypatch) -> None:
    asker = client.Client("http://localhost:1/v1", ServerSettings(backoff_s=1))
    monkeypatch.setattr(client.random, "uniform", lambda low, high: high)
    assert [asker._wait(attempt, 0) for attempt in (0, 1, 2, 5, 6, 50)] == [1, 2, 4, 32, 60, 60]
    assert asker._wait(0, 9) == 9.5
    monkeypatch.setattr(client.random, "uniform", lambda low, high: low)
    assert asker._wait(3, 0) == 4
    assert asker._wait(0, 9) == 9


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("0.5", 0.5, 0.5),
        ("-3", 0, 0),
        ("soon", 0, 0),
        (None, 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 10**8, 10**10),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, low: float, high: float) -> None:
    assert low <= client._retry_after(header) <= high


def test_retry_after_is_honoured(stub: Stub, monkeypatch) -> None:
    waits = []

    class Waits(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return False

    asker = client.Client(stub.url, settings().server)
    stub.tried = [{}]
    stub.reply = lambda body, number: answer() if number else error(429, Retry_After="3")
    asker.ask("/completions", {"prompt": "p"}, lambda found: found, Waits())
    assert len(waits) == 1
    assert waits[0] >= 3
    stub.reply = lambda body, number: error(429, "come tomorrow", Retry_After="86400")
    with pytest.raises(client.Unavailable, match="come tomorrow"):
        asker.ask("/completions", {"prompt": "p"}, lambda found: found, Waits())
    assert len(waits) == 1, "a wait longer than a request may take is not waited for"
    asker.abort()


def test_what_one_request_does_not_survive_is_its_own_answer(stub: Stub) -> None:
    def reply(body: dict[str, Any], number: int) -> Reply:
        poison = body["prompt"] == "p1"
        return error(500, "poison") if poison else Reply(body=answer().body, delay_s=0.02)

    stub.reply = reply
    done = drawn(stub, requests(60))
    assert len(done) == 60
    assert {key for key, one in done.items() if one.finish_reason == "error"} == {"k1"}
    assert "500: poison" in done["k1"].text
    assert done["k1"].token_ids is None


def test_an_endpoint_that_dies_ends_the_run_and_what_came_is_kept(stub: Stub) -> None:
    stub.reply = lambda body, number: answer() if number < 7 else error(503, "gone")
    sampler = open_sampler("server", stub.url, settings())
    done = []
    with pytest.raises(EngineError, match=r"503: gone.*goes on from here") as caught:
        for completion in sampler.sample(requests(40)):
            done.append(completion)
    assert {one.finish_reason for one in done} == {"stop"}
    assert len(done) == 7
    assert caught.value.exit_code == 3


def test_a_rate_limit_is_never_an_answer(stub: Stub) -> None:
    def reply(body: dict[str, Any], number: int) -> Reply:
        limited = body["prompt"] == "p1"
        return error(429, "quota") if limited else Reply(body=answer().body, delay_s=0.02)

    stub.reply = reply
    with pytest.raises(EngineError, match="429: quota"):
        drawn(stub, requests(60))


def test_a_prompt_that_does_not_fit_is_an_answer(stub: Stub) -> None:
    stub.reply = lambda body, number: (
        error(400, "maximum context length is 100 tokens") if body["prompt"] == "p1" else answer()
    )
    done = drawn(stub, requests(3))
    assert {key: one.finish_reason for key, one in done.items()} == {
        "k0": "stop",
        "k1": "error",
        "k2": "stop",
    }
    assert "refused it (400: maximum context length is 100 tokens)" in done["k1"].text


def test_a_response_is_no_longer_than_what_fits(stub: Stub) -> None:
    stub.tokens = 95
    stub.reply = lambda body, number: (
        error(400, "too long") if body["max_tokens"] > 5 else answer(finish_reason="length")
    )
    assert drawn(stub, requests(1))["k0"].finish_reason == "length"
    assert [body["max_tokens"] for body in stub.asked] == [12, 5]


@pytest.mark.parametrize("tokens", [100, 0])
def test_a_prompt_that_leaves_no_room_is_counted(stub: Stub, tokens: int) -> None:
    stub.tokens = tokens
    stub.reply = lambda body, number: error(400, "too long")
    done = drawn(stub, requests(1))["k0"]
    assert (done.finish_reason, done.n_prompt, len(stub.asked)) == ("error", tokens, 1)
    assert f"has {tokens} tokens, the endpoint takes 1 to 99" in done.text


def test_halves_of_characters_can_be_stored(stub: Stub) -> None:
    stub.reply = lambda body, number: answer("a\ud800b")
    assert drawn(stub, requests(1))["k0"].text == "a?b"


def test_leaving_early_ends_what_is_under_way(stub: Stub) -> None:
    stub.reply = lambda body, number: Reply(body=answer().body, delay_s=0.3 if number else 0)
    sampler = open_sampler("server", stub.url, settings(timeout_s=60))
    flight = sampler.sample(requests(40))
    next(flight)
    flight.close()
    for thread in [one for one in threading.enumerate() if one.name == "endpoint"]:
        thread.join(5)
        assert not thread.is_alive()
    assert len(stub.asked) <= 5


def test_no_requests_ask_nothing(stub: Stub) -> None:
    sampler = open_sampler("server", stub.url, settings())
    assert list(sampler.sample([])) == []
    sampler.close()
    sampler.close()
    with pytest.raises(EngineError, match="closed"):
        list(sampler.sample(requests(1)))
    assert [path for _, path, _ in stub.seen] == ["/v1/models"]


def test_the_key_is_sent_and_never_said(stub: Stub, monkeypatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    drawn(stub, requests(1), api_key_env="MY_KEY")
    assert {key for _, _, key in stub.seen} == {f"Bearer {KEY}"}
    stub.models = error(401, f"Incorrect API key provided: {KEY}")
    with pytest.raises(
        ConfigError, match=r"not authorised.*MY_KEY: the key in it is not"
    ) as caught:
        drawn(stub, requests(1), api_key_env="MY_KEY")
    assert KEY not in str(caught.value)
    for garbage in (f"<html>{KEY}".encode(), {"choices": KEY}):
        stub.models, stub.tried = {"data": [VLLM]}, []
        stub.first = lambda body, garbage=garbage: Reply(body=garbage)
        with pytest.raises(EngineError, match=r"answered with.*\*\*\*") as caught:
            drawn(stub, requests(1), api_key_env="MY_KEY", retries=0)
        assert KEY not in str(caught.value)
    monkeypatch.setenv("MY_KEY", f"{KEY}\n{KEY}")
    with pytest.raises(ConfigError, match="MY_KEY") as caught:
        drawn(stub, requests(1), api_key_env="MY_KEY")
    assert KEY not in str(caught.value)


def test_without_a_key_none_is_sent(stub: Stub) -> None:
    drawn(stub, requests(1))
    assert {key for _, _, key in stub.seen} == {None}
    stub.models = error(401, "no key")
    with pytest.raises(ConfigError, match=r"OPENAI_API_KEY: it is not set"):
        drawn(stub, requests(1))


MANY = {"data": [{"id": f"model-{i}"} for i in range(20)]}


@pytest.mark.parametrize(
    ("models", "served", "kind", "says"),
    [
        ({"data": [VLLM]}, "tony", ConfigError, r"serves no 'tony'; there are: tiny"),
        (MANY, None, ConfigError, r"which model\? .*model-0, .*model-11 and 8 more"),
        ({"data": []}, None, ConfigError, r"there are: nothing"),
        (error(404), None, ConfigError, r"does not list its models.*ends in /v1"),
        ({"hello": 1}, None, ConfigError, r"does not list its models"),
        (error(403, "no"), None, ConfigError, r"not authorised \(403: no\)"),
        (error(302, Location="/"), None, ConfigError, r"sends elsewhere \(302\)"),
        (error(502, "bad gateway"), None, EngineError, r"cannot be used now \(502: bad gateway\)"),
        (Reply(body=b"<html>"), None, EngineError, r"no JSON"),
        (Reply(drop=True), None, EngineError, r"cannot be used now"),
    ],
)
def test_an_endpoint_that_cannot_be_opened(stub: Stub, models, served, kind, says) -> None:
    stub.models = models
    with pytest.raises(kind, match=says) as caught:
        open_sampler("server", Endpoint(stub.url, served), settings())
    assert stub.url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_is_believed_where_nothing_is_listed(stub: Stub) -> None:
    stub.models = error(404)
    sampler = open_sampler("server", Endpoint(stub.url, "mine"), settings())
    assert len(list(sampler.sample(requests(2)))) == 2
    assert stub.asked[0]["model"] == "mine"


def test_no_answer_in_time_says_how_long_it_was(stub: Stub) -> None:
    stub.first = lambda body: Reply(body=answer().body, delay_s=1)
    with pytest.raises(EngineError, match=r"no answer in 0\.2 s"):
        drawn(stub, requests(1), timeout_s=0.2, retries=0)


def test_a_host_that_no_name_can_have(stub: Stub) -> None:
    with pytest.raises(EngineError, match="cannot be used now"):
        open_sampler("server", "http://a..b/v1", settings())


def test_nobody_there(stub: Stub) -> None:
    with serving(Stub()) as gone:
        url = gone.url
    with pytest.raises(EngineError, match=r"cannot be used now \(Connection refused\); is it up"):
        open_sampler("server", url, settings())


@pytest.mark.parametrize(
    ("first", "kind", "says"),
    [
        (error(404, "chat model"), ConfigError, r"no /completions for 'tiny' \(404: chat model\)"),
        (error(405), ConfigError, r"only /chat/completions cannot be asked"),
        (error(400, "top_k is new"), ConfigError, r"refuses these settings .*top_k is new"),
        (error(401, "who"), ConfigError, r"not authorised"),
        (error(500, "oops"), EngineError, r"cannot be used now \(500: oops\)"),
    ],
)
def test_what_no_request_would_survive_is_said_once(stub: Stub, first, kind, says) -> None:
    stub.first = stub.reply = lambda *_: first
    with pytest.raises(kind, match=says):
        drawn(stub, requests(20), retries=0)
    assert stub.asked == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("localhost:8000", "expected an address like"),
        ("http://", "expected an address like"),
        ("https://host/v1?key=x", "expected an address like"),
        ("http://me:pass@host/v1", "password"),
        ("http://host:port/v1", "ort"),
        ("http://host/v1/chat/completions", "/chat/completions cannot take"),
    ],
)
def test_an_address_that_is_none(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        open_sampler("server", url, settings())
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize("end", ["", "/", "/completions", "/completions/"])
def test_the_same_address_however_it_is_written(end: str) -> None:
    assert client.normal(f"http://host:1/v1{end}") == "http://host:1/v1"


def test_an_endpoint_is_no_model_of_another_engine(stub: Stub) -> None:
    with pytest.raises(ConfigError, match="use 'server'"):
        open_sampler("hf", Endpoint(stub.url), settings())
