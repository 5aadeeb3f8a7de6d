"""An endpoint in a thread that answers as it is told to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = "tiny"
VLLM = {"id": NAME, "owned_by": "vllm", "root": "org/tiny", "max_model_len": 100}


@dataclass
class Reply:
    """One answer; `drop`: the connection ends without any."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: bool = False


def answer(text: str = "hmm", **choice: Any) -> Reply:
    """A completion of one token and an end token."""
    told = {"text": text, "finish_reason": "stop", "stop_reason": None, "token_ids": [7, 1]}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return Reply(body={"choices": [{**told, **choice}], "usage": usage})


def error(status: int, message: str = "", **headers: str) -> Reply:
    """An error as OpenAI spells it."""
    return Reply(status, {"error": {"message": message}}, headers)


@dataclass
class Stub:
    """`reply`: what a request for a response is answered with, by its body and number from 0.

    asked: the bodies of those; the try with one token that comes first is not among them.
    """

    models: Any = field(default_factory=lambda: {"data": [VLLM]})
    reply: Callable[[dict[str, Any], int], Reply] = lambda body, number: answer(body_text(body))
    first: Callable[[dict[str, Any]], Reply] = lambda body: answer()
    tokens: int | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    tried: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    flying: int = 0
    most: int = 0
    dropped: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, method: str, path: str, key: str | None, body: Any) -> Reply:
        """What a request is answered with."""
        with self.lock:
            self.seen.append((method, path, key))
        if path == "/v1/models":
            return self.models if isinstance(self.models, Reply) else Reply(body=self.models)
        if path == "/tokenize":
            return error(404) if self.tokens is None else Reply(body={"count": self.tokens})
        if path != "/v1/completions":
            return error(404, "Not Found")
        with self.lock:
            trying = not self.tried
            (self.tried if trying else self.asked).append(body)
            number = len(self.asked) - 1
        return self.first(body) if trying else self.reply(body, number)


def body_text(body: dict[str, Any]) -> str:
    """A response that says what was asked."""
    return f"to {body['prompt']}"


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """The stub at an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        # as engines do: a connection is kept open
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Silent."""

        def do_GET(self) -> None:
            self.answer(None)

        def do_POST(self) -> None:
            self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def answer(self, body: Any) -> None:
            with stub.lock:
                stub.flying += 1
                stub.most = max(stub.most, stub.flying)
            reply = stub.respond(self.command, self.path, self.headers["Authorization"], body)
            time.sleep(reply.delay_s)
            with stub.lock:
                stub.flying -= 1
            if reply.drop:
                self.close_connection = True
            else:
                self.say(reply)

        def say(self, reply: Reply) -> None:
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            try:
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(data)), **reply.headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                stub.dropped += 1

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
