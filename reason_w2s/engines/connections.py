"""Connections to one HTTP host, kept open between requests and ended from outside.

Only the standard library, whose sockets another thread can shut: the server then stops generating.
Proxies are not used, and no redirect is followed: it would take the key along.
"""

from __future__ import annotations

import http.client
import select
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

LARGEST_ANSWER_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. body: what is posted; None: it is a GET."""

    path: str
    body: bytes | None
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one."""

    status: int
    headers: http.client.HTTPMessage
    data: bytes


class Connections:
    """To the host of one address; safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._idle: list[http.client.HTTPConnection] = []
        self._busy: set[socket.socket] = set()
        self._ended = 0
        self._lock = threading.Lock()

    def exchange(self, asked: Asked, timeout_s: float) -> Answered:
        """The answer, over a connection that waits or over a new one.

        Raises:
            TimeoutError: it was not whole in that time.
            OSError, HTTPException, UnicodeError: there is none, or `end` ended it.
        """
        deadline, ended = time.monotonic() + timeout_s, self._ended
        waiting = self._waiting()
        if waiting is not None:
            try:
                return self._over(waiting, asked, deadline)
            except ConnectionError:
                # a server may close what waits in the very moment in which it is asked
                if ended != self._ended:
                    raise
        return self._over(self._new(deadline), asked, deadline)

    def end(self) -> None:
        """End the requests under way, which fail where they wait, and close what waits."""
        with self._lock:
            self._ended += 1
            busy, idle = list(self._busy), self._idle
            self._idle = []
        for line in busy:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                # it has ended by itself
                continue
        for connection in idle:
            connection.close()

    def _waiting(self) -> http.client.HTTPConnection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                found = self._idle.pop()
            if _silent(found.sock):
                return found
            found.close()

    def _new(self, deadline: float) -> http.client.HTTPConnection:
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        host, left = self._parts.hostname or "", _left(deadline)
        connection = kind(host, self._parts.port, timeout=left)
        connection.connect()
        return connection

    def _over(
        self, connection: http.client.HTTPConnection, asked: Asked, deadline: float
    ) -> Answered:
        line: socket.socket = connection.sock
        with self._lock:
            self._busy.add(line)
            ended = self._ended
        reusable = False
        try:
            line.settimeout(_left(deadline))
            method = "GET" if asked.body is None else "POST"
            connection.request(method, asked.path, asked.body, asked.headers)
            response = connection.getresponse()
            data = _read(response, line, deadline)
            # a response that says it closes has taken the socket along
            more = asked.headers.get("Connection") != "close"
            reusable = more and connection.sock is not None
            response.close()
            return Answered(response.status, response.headers, data)
        finally:
            with self._lock:
                self._busy.discard(line)
                kept = reusable and ended == self._ended
                if kept:
                    self._idle.append(connection)
            if not kept:
                connection.close()


def _silent(line: socket.socket) -> bool:
    """Whether a connection that waits is open, and said nothing that nobody asked for."""
    # one call, and no limit on the socket's number
    seen = select.poll()
    seen.register(line, select.POLLIN)
    return not seen.poll(0)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read(response: http.client.HTTPResponse, line: socket.socket, deadline: float) -> bytes:
    """The whole body, or a TimeoutError: a socket's own timeout begins again with every byte."""
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read1(2**16):
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_ANSWER_BYTES:
            raise http.client.HTTPException(f"an answer of more than {size:,} bytes")
        line.settimeout(_left(deadline))
    if response.length:
        raise http.client.HTTPException("the answer ended early")
    return b"".join(chunks)
