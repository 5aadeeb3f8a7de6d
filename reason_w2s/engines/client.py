"""Asking an HTTP endpoint for JSON, asking it again, and saying in one line why not."""

from __future__ import annotations

import email.utils
import http.client
import json
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

from reason_w2s.engines.connections import Answered, Asked, Connections
from reason_w2s.engines.settings import ServerSettings
from reason_w2s.errors import ConfigError
from reason_w2s.redaction import keep_secret, without_known

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 60.0
"""What the doubling of the wait between tries ends at."""
SHOWN = 300
"""Characters of an endpoint's own words in a message."""
BESIDE_V1 = ("/tokenize",)
"""Routes of vLLM's own, which lie beside OpenAI's."""
REQUEST_TIMEOUT, TOO_MANY, SERVER_ERROR = 408, 429, 500

Answer = TypeVar("Answer")


class Refused(Exception):
    """The endpoint understood and will not: asking again changes nothing."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}" if message else str(status))
        self.status = status


class Unavailable(Exception):
    """Nothing came of a request. `limited`: by a rate limit. `wait_s`: the wait it asked for.

    since: when the try before the last one had failed (time.monotonic); None: there was none.
    """

    def __init__(self, message: str, *, limited: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.limited = limited
        self.wait_s = wait_s
        self.since: float | None = None


def is_url(model: str) -> bool:
    """Whether a model's path is an endpoint's address."""
    return model.startswith(("http://", "https://"))


def host_of(url: str) -> str:
    """The host that an address names; "" where it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def normal(url: str) -> str:
    """The address that `/models` and `/completions` are appended to.

    Raises:
        ConfigError: it is none, holds a password, or is the chat route.
    """
    if not is_url(url) or not host_of(url):
        raise ConfigError(f"{url}: no endpoint; expected an address like http://localhost:8000/v1")
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ConfigError(f"{url}: no endpoint; expected an address like http://localhost:8000/v1")
    if parts.username is not None:
        raise ConfigError(
            f"{parts.scheme}://...@{parts.hostname}: an address with a password would be written "
            "into every run; put the key into the environment variable OPENAI_API_KEY"
        )
    try:
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"{url}: {error}") from error
    path = parts.path.rstrip("/")
    if path.endswith("/chat/completions"):
        raise ConfigError(
            f"{url}: prompts are sent as they are rendered here, which /chat/completions cannot "
            "take; give the address without it, of an endpoint that has /completions"
        )
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix('/completions')}"


class Client:
    """Asks one endpoint; safe to use from several threads. withheld: there is a key, and this
    host is none that may be sent it."""

    def __init__(self, url: str, settings: ServerSettings) -> None:
        """Raises ConfigError: the address or the key cannot be used."""
        self.url = normal(url)
        self.settings = settings
        key = _key(settings.api_key_env)
        keep_secret(key or "")
        self.withheld = key is not None and not _may_have_it(self.url, settings)
        self._key = None if self.withheld else key
        self._connections = Connections(self.url)

    def once(
        self, path: str, body: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> Any:
        """One try: the JSON that `path` answers with, a POST where there is a body.

        Raises:
            Refused, Unavailable: what came instead.
        """
        patience_s = timeout_s or self.settings.timeout_s
        try:
            answered = self._connections.exchange(self._asked(path, body), patience_s)
        except TimeoutError as error:
            raise Unavailable(f"no answer in {patience_s:g} s") from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise Unavailable(_reason(error)) from error
        return self._accepted(answered)

    def ask(
        self,
        path: str,
        body: Mapping[str, Any],
        read: Callable[[Any], Answer],
        stopping: threading.Event,
    ) -> Answer:
        """`read` of what `path` answers with, asked again after a wait until the retries are used.

        `read` says by an exception that an answer is garbage. `stopping` ends the waits.

        Raises:
            Refused: at once. Unavailable: after the last try.
        """
        before: float | None = None
        for attempt in count():
            try:
                return self._understood(read, self.once(path, body))
            except Unavailable as failure:
                failure.since, before = before, time.monotonic()
                wait_s = self._wait(attempt, failure.wait_s)
                if attempt >= self.settings.retries or failure.wait_s > self.settings.timeout_s:
                    raise
                level = logging.WARNING if wait_s > 10 else logging.INFO
                log.log(level, "%s: %s; asking again in %.0f s", self.url, failure, wait_s)
                if stopping.wait(wait_s):
                    raise
        raise AssertionError

    def abort(self) -> None:
        """End the requests under way, which fail where they wait, and close every connection."""
        self._connections.end()

    def _wait(self, attempt: int, asked_s: float) -> float:
        backoff = min(LONGEST_WAIT_S, self.settings.backoff_s * 2.0**attempt)
        jitter = random.uniform(0.5, 1.0)
        return max(backoff * jitter, asked_s + self.settings.backoff_s * (jitter - 0.5))

    def _asked(self, path: str, body: Mapping[str, Any] | None) -> Asked:
        under = urlsplit(self.url).path
        base = under.removesuffix("/v1") if path in BESIDE_V1 else under
        if body is None:
            # a listing comes alone
            return Asked(f"{base}{path}", None, self._headers() | {"Connection": "close"})
        return Asked(f"{base}{path}", json.dumps(body).encode(), self._headers())

    def _accepted(self, answered: Answered) -> Any:
        if answered.status == http.client.OK:
            return self._parsed(answered.data)
        message = without_known(_message(answered.data))[:SHOWN]
        if answered.status in (REQUEST_TIMEOUT, TOO_MANY) or answered.status >= SERVER_ERROR:
            wait_s = _retry_after(answered.headers.get("Retry-After"))
            limited = answered.status == TOO_MANY
            raise Unavailable(f"{answered.status}: {message}", limited=limited, wait_s=wait_s)
        raise Refused(answered.status, message)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        return headers | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    def _parsed(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            shown = without_known(data.decode("utf-8", "replace"))[:SHOWN]
            raise Unavailable(f"answered with no JSON: {shown!r}") from error

    def _understood(self, read: Callable[[Any], Answer], answer: Any) -> Answer:
        try:
            return read(answer)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            shown = without_known(json.dumps(answer))[:SHOWN]
            raise Unavailable(f"answered without what was asked for: {shown}") from error


def clean(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON may spell and no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _key(variable: str) -> str | None:
    key = os.environ.get(variable, "").strip()
    # http.client would quote a key with a newline inside in its error
    if not key.isascii() or not key.isprintable():
        raise ConfigError(f"{variable}: expected a key of printable ASCII characters")
    return key or None


def _may_have_it(url: str, settings: ServerSettings) -> bool:
    """Whether the key may be sent there: to this machine, and where the profile says."""
    host = host_of(url)
    here = host in {"localhost", "::1"} or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
    return here or host in settings.key_hosts


def _message(data: bytes) -> str:
    """An error's own words, in whichever of the usual places they are, on one line."""
    text = data.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    while isinstance(found, dict):
        inner = next((found[key] for key in ("error", "message", "detail") if found.get(key)), None)
        found = text if inner is None else inner
    return " ".join(clean(str(found)).split())


def _reason(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return said or type(error).__name__


def _retry_after(value: str | None) -> float:
    """Seconds; a date counts from now. What cannot be read asks for no wait."""
    if value is None:
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
