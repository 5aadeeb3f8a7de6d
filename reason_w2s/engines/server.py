"""A model at an OpenAI-compatible endpoint: `vllm serve`, SGLang, a provider's.

Prompts are rendered here and sent to /completions, so that template, prefill and stop strings are
ours: as token ids where the model's tokenizer is known, else as text. /chat/completions puts the
server's template around what it is sent and is not used.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Literal

from reason_w2s.engines import endpoint as endpoints
from reason_w2s.engines import model_folder
from reason_w2s.engines.client import Client, Refused, Unavailable, clean
from reason_w2s.engines.endpoint import BAD_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND, Endpoint
from reason_w2s.engines.protocols import Completion, Request
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError, EngineError
from reason_w2s.prompts import encode
from reason_w2s.records import FinishReason

FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length", "repetition": "length"}
Fields = Literal["vllm", "sglang", "openai"]


@dataclass(frozen=True, slots=True)
class Asking:
    """A request with what is sent for it. ids: the prompt's; None: only the server knows them."""

    request: Request
    ids: list[int] | None
    max_tokens: int

    @property
    def prompt(self) -> list[int] | str:
        """What the endpoint continues."""
        return self.request.rendered.text if self.ids is None else self.ids


class ServerSampler:
    """A model at an endpoint.

    Each request carries its seed; whether the endpoint heeds it is its own business (vLLM does, and
    a batch of another shape rounds differently). `token_ids` come from vLLM; elsewhere they are
    None, and `n_prompt` and `n_tokens` are what the endpoint counts, its end token included.
    A request that no retry helps is an answer ("error") where others are answered meanwhile; where
    none are, the endpoint is down.
    """

    def __init__(self, model: Path | str | Endpoint, settings: EngineSettings) -> None:
        """Raises ConfigError (no such endpoint or model) or EngineError (not to be reached)."""
        place = model if isinstance(model, Endpoint) else Endpoint(str(model))
        self.settings = settings
        self._client = Client(place.url, settings.server)
        self.url = self._client.url
        self.card = endpoints.card(self._client, place.served)
        self._fields = _fields(settings, self.card.owned_by)
        self._tokenizer = (
            None if place.tokenizer is None else model_folder.load_tokenizer(Path(place.tokenizer))
        )
        self._answered = 0.0
        self._closed = False

    def sample(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Completions as they finish; at most `concurrency` requests are read ahead.

        The endpoint is first asked for one token under the first request's settings: what it will
        never do is then said once, and not by every request.

        Raises:
            ConfigError: it refuses the settings, or has no /completions.
            EngineError: it stopped answering; what it had answered has been given.
        """
        if self._closed:
            raise EngineError(f"{self.url}: this sampler is closed; open another one")
        waiting = iter(requests)
        first = next(waiting, None)
        if first is None:
            return
        try:
            self._try(first)
            flight = _Flight(self._draw, self.settings.server.concurrency)
            yield from flight.run(chain([first], waiting))
        finally:
            self._client.abort()

    def close(self) -> None:
        """Ask nothing more; connections end with each `sample`. Safe to call twice."""
        self._closed = True

    def _try(self, first: Request) -> None:
        ids = None if self._tokenizer is None else encode(first.rendered, self._tokenizer)[:1]
        body = self._body(Asking(first, ids, 1)) | ({} if ids else {"prompt": "1"})
        try:
            self._client.ask("/completions", body, _text, threading.Event())
        except Unavailable as error:
            raise EngineError(endpoints.unreachable(self.url, error)) from error
        except Refused as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Refused) -> ConfigError:
        if error.status in (NOT_FOUND, METHOD_NOT_ALLOWED):
            return ConfigError(
                f"{self.url}: has no /completions for '{self.card.id}' ({error}); prompts are sent "
                "as they are rendered here, so an endpoint or model with only /chat/completions "
                "cannot be asked"
            )
        what = f"these settings for '{self.card.id}'"
        return endpoints.refusal(self._client, error, what)

    def _draw(self, request: Request, stopping: threading.Event) -> Completion:
        """One response, or why there is none."""
        try:
            asking = self._fitted(request)
            if isinstance(asking, Completion):
                return asking
            return self._asked(asking, stopping)
        except Unavailable as error:
            alone = error.since is None or self._answered < error.since
            if error.limited or alone:
                raise EngineError(endpoints.unreachable(self.url, error)) from error
            return _failed(request, f"the endpoint gave no answer: {error}")
        except Refused as error:
            if error.status in (endpoints.UNAUTHORISED, endpoints.FORBIDDEN):
                raise self._refusal(error) from error
            return _failed(request, f"the endpoint refused it ({error})")

    def _asked(self, asking: Asking, stopping: threading.Event) -> Completion:
        def read(answer: Any) -> Completion:
            return _completion(asking.request, answer)

        try:
            found = self._client.ask("/completions", self._body(asking), read, stopping)
        except Refused as error:
            shorter = self._shortened(asking) if error.status == BAD_REQUEST else None
            if shorter is None:
                raise
            if isinstance(shorter, Completion):
                return shorter
            found = self._client.ask("/completions", self._body(shorter), read, stopping)
        self._answered = time.monotonic()
        return found

    def _fitted(self, request: Request) -> Asking | Completion:
        """The request, its response no longer than what fits after the prompt."""
        if self._tokenizer is None:
            return Asking(request, None, request.sampling.max_tokens)
        ids = encode(request.rendered, self._tokenizer)
        return self._within(Asking(request, ids, request.sampling.max_tokens), len(ids))

    def _within(self, asking: Asking, n_prompt: int) -> Asking | Completion:
        limit = self.card.max_model_len
        if n_prompt and limit is None:
            return asking
        if not n_prompt or (limit is not None and n_prompt >= limit):
            most = "any number" if limit is None else f"1 to {limit - 1}"
            message = f"the prompt has {n_prompt} tokens, the endpoint takes {most} and a response"
            return _failed(asking.request, message, n_prompt)
        assert limit is not None
        return Asking(asking.request, asking.ids, min(asking.max_tokens, limit - n_prompt))

    def _shortened(self, asking: Asking) -> Asking | Completion | None:
        """For a text whose prompt and response do not fit: vLLM refuses it, and can count it."""
        if asking.ids is not None or self._fields != "vllm" or self.card.max_model_len is None:
            return None
        body = {
            "model": self.card.id,
            "prompt": asking.prompt,
            "add_special_tokens": asking.request.rendered.special,
        }
        try:
            fitted = self._within(asking, int(self._client.once("/tokenize", body)["count"]))
        except (Refused, Unavailable, KeyError, TypeError, ValueError):
            return None
        return None if fitted == asking else fitted

    def _body(self, asking: Asking) -> dict[str, Any]:
        """Every setting, so that no default of the server or of its model decides anything."""
        asked, request = asking.request.sampling, asking.request
        self._expressible(request)
        body = {
            "model": self.card.id,
            "prompt": asking.prompt,
            "n": 1,
            "max_tokens": asking.max_tokens,
            "temperature": asked.temperature,
            "top_p": asked.top_p,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "stop": list(asked.stop) or None,
            "seed": request.seed % 2**63 if asked.temperature > 0 else None,
            "stream": False,
        }
        if self._fields == "openai":
            return body
        body |= {
            # 0 means off in vLLM only
            "top_k": asked.top_k or -1,
            "min_p": asked.min_p,
            "repetition_penalty": asked.repetition_penalty,
            "min_tokens": 0,
            "skip_special_tokens": True,
        }
        if self._fields == "sglang":
            return body
        return body | {
            "add_special_tokens": request.rendered.special,
            "return_token_ids": True,
            "repetition_detection": {"max_pattern_size": 64, "min_pattern_size": 1, "min_count": 8}
            if self.settings.stop_loops
            else None,
        }

    def _expressible(self, request: Request) -> None:
        """Settings that the endpoint has no field for are refused, not left out."""
        asked = request.sampling
        wished = {
            "top_k": asked.top_k > 0,
            "min_p": asked.min_p > 0,
            "repetition_penalty": asked.repetition_penalty != 1,
        }
        lost = [name for name, set_ in wished.items() if set_ and self._fields == "openai"]
        if self.settings.stop_loops and self._fields != "vllm":
            lost.append("stop_loops")
        if not request.rendered.special and self._tokenizer is None and self._fields != "vllm":
            lost.append("a prompt in chat turns without its tokenizer")
        if lost:
            raise ConfigError(
                f"{self.url}: cannot be sent {', '.join(lost)}: it is asked in {self._fields}'s "
                "fields; leave that out, or say whose it takes (engine.server.fields in a profile)"
            )


class _Flight:
    """Requests under way in threads of their own, at most `width` at once."""

    def __init__(self, draw: Callable[[Request, threading.Event], Completion], width: int) -> None:
        self.draw, self.width = draw, width
        self.todo: SimpleQueue[Request | None] = SimpleQueue()
        self.done: SimpleQueue[Completion | Exception] = SimpleQueue()
        self.stopping = threading.Event()
        self.threads = 0

    def run(self, waiting: Iterator[Request]) -> Iterator[Completion]:
        """Completions as they finish, also those that are there when one request ends it all."""
        flying = 0
        try:
            while True:
                for request in islice(waiting, self.width - flying):
                    flying += 1
                    self._start(request, flying)
                if not flying:
                    return
                outcome = self.done.get()
                flying -= 1
                if isinstance(outcome, Exception):
                    yield from self._finished()
                    raise outcome
                yield outcome
        finally:
            self._end()

    def _start(self, request: Request, flying: int) -> None:
        if self.threads < flying:
            self.threads += 1
            # a daemon: leaving the process must not wait for an endpoint
            threading.Thread(target=self._work, daemon=True, name="endpoint").start()
        self.todo.put(request)

    def _work(self) -> None:
        while (request := self.todo.get()) is not None and not self.stopping.is_set():
            try:
                self.done.put(self.draw(request, self.stopping))
            except Exception as error:
                self.done.put(error)

    def _finished(self) -> Iterator[Completion]:
        while True:
            try:
                outcome = self.done.get_nowait()
            except Empty:
                return
            if isinstance(outcome, Completion):
                yield outcome

    def _end(self) -> None:
        self.stopping.set()
        for _ in range(self.threads):
            self.todo.put(None)


def _fields(settings: EngineSettings, owned_by: str | None) -> Fields:
    """Whose fields the endpoint takes: OpenAI refuses the others', and many ignore them."""
    said = settings.server.fields
    if said != "auto":
        return said
    return "vllm" if owned_by == "vllm" else "sglang" if owned_by == "sglang" else "openai"


def _text(answer: Any) -> str:
    text = answer["choices"][0]["text"]
    if not isinstance(text, str):
        raise TypeError("no text")
    return clean(text)


def _completion(request: Request, answer: Any) -> Completion:
    """The response in an answer; a KeyError, TypeError or ValueError where there is none."""
    text, choice, usage = _text(answer), answer["choices"][0], answer["usage"]
    n_prompt, n_tokens = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    said = choice["finish_reason"]
    if said == "abort":
        raise ValueError("the server ended it")
    reason = FINISH.get(said or "")
    if reason is None:
        return _failed(request, f"the endpoint ended it: {said}", n_prompt)
    if choice.get("token_ids") is None:
        return Completion(request.key, text, None, reason, n_prompt, n_tokens)
    ids = tuple(int(one) for one in choice["token_ids"])
    # a stop string leaves no end token; an end token is named by nothing or by its id
    if reason == "stop" and not isinstance(choice.get("stop_reason"), str):
        ids = ids[:-1]
    return Completion(request.key, text, ids, reason, n_prompt, len(ids))


def _failed(request: Request, message: str, n_prompt: int = 0) -> Completion:
    return Completion(request.key, message, None, "error", n_prompt, 0)
