"""Connections that are kept: one for many requests, and what a server may do to one that waits."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from reason_w2s.engines.connections import Asked, Connections

Serve = Callable[[socket.socket], None]


def said(text: str) -> bytes:
    """A response as it comes over the line."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def request(line: socket.socket) -> bytes:
    """The next request's body; b"" where the line ends."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = line.recv(2**16)
        if not more:
            return b""
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    sizes = [row for row in head.lower().split(b"\r\n") if row.startswith(b"content-length")]
    while len(body) < int(sizes[0].split(b":")[1]):
        body += line.recv(2**16)
    return body


class Host:
    """Serves one line after another, each by the next of `serves`, the last one for all others."""

    def __init__(self, *serves: Serve) -> None:
        self.serves, self.accepted = list(serves), 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/v1"

    def run(self) -> None:
        """Until its listening socket is shut."""
        while True:
            try:
                line, _ = self.listening.accept()
            except OSError:
                return
            serve = self.serves[min(self.accepted, len(self.serves) - 1)]
            self.accepted += 1
            with line:
                serve(line)


@contextmanager
def host(*serves: Serve) -> Iterator[Host]:
    started = Host(*serves)
    thread = threading.Thread(target=started.run, daemon=True)
    thread.start()
    try:
        yield started
    finally:
        started.listening.shutdown(socket.SHUT_RDWR)
        started.listening.close()
        thread.join(5)


def echo(line: socket.socket) -> None:
    while body := request(line):
        line.sendall(said(f"to {body.decode()}"))


def once(line: socket.socket) -> None:
    """One answer, and the line ends without a word of it."""
    line.sendall(said(f"to {request(line).decode()}"))


def deaf(line: socket.socket) -> None:
    """One answer; the next request is read and not answered."""
    once(line)
    request(line)


def answers(connections: Connections, *bodies: str) -> list[str]:
    asked = [Asked("/v1/x", body.encode(), {}) for body in bodies]
    return [connections.exchange(one, 5.0).data.decode() for one in asked]


def test_requests_share_a_connection() -> None:
    with host(echo) as there:
        connections = Connections(there.url)
        assert answers(connections, "a", "b", "c") == ["to a", "to b", "to c"]
        connections.end()
        assert there.accepted == 1


@pytest.mark.parametrize("rude", [once, deaf])
def test_a_line_that_was_closed_while_it_waited_loses_nothing(rude: Serve) -> None:
    with host(rude, echo) as there:
        connections = Connections(there.url)
        assert answers(connections, "a", "b", "c") == ["to a", "to b", "to c"]
        connections.end()
        assert there.accepted == 2


def test_a_new_line_that_ends_without_an_answer_is_a_failure() -> None:
    with host(lambda line: None) as there, pytest.raises(ConnectionError):
        answers(Connections(there.url), "a")


def test_an_answer_that_nobody_asked_for_is_never_the_next_ones() -> None:
    read, sent = threading.Event(), threading.Event()

    def talkative(line: socket.socket) -> None:
        once(line)
        read.wait(5)
        line.sendall(said("to nobody"))
        sent.set()
        with suppress(OSError):
            request(line)

    with host(talkative, echo) as there:
        connections = Connections(there.url)
        assert answers(connections, "a") == ["to a"]
        read.set()
        assert sent.wait(5)
        assert answers(connections, "b") == ["to b"]
        connections.end()


def test_a_request_that_was_ended_is_not_asked_again() -> None:
    asked = threading.Event()

    def slow(line: socket.socket) -> None:
        once(line)
        line.recv(1)
        asked.set()
        line.recv(1)

    with host(slow, echo) as there:
        connections = Connections(there.url)
        failures: list[BaseException] = []

        def second() -> None:
            try:
                answers(connections, "b")
            except ConnectionError as error:
                failures.append(error)

        assert answers(connections, "a") == ["to a"]
        thread = threading.Thread(target=second)
        thread.start()
        assert asked.wait(5)
        connections.end()
        thread.join(5)
        assert len(failures) == 1
        assert there.accepted == 1
        assert answers(connections, "c") == ["to c"]
        connections.end()


def test_an_answer_that_trickles_is_out_of_time() -> None:
    def trickle(line: socket.socket) -> None:
        request(line)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(40):
            try:
                line.sendall(b"x")
            except OSError:
                return
            time.sleep(0.05)

    with host(trickle) as there, pytest.raises(TimeoutError):
        Connections(there.url).exchange(Asked("/v1/x", b"a", {}), 0.3)
