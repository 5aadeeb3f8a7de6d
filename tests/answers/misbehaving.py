"""Services of workers that hang, die and talk when asked to."""

import os
import sys

from reason_w2s.answers import many


def answer(request):
    """Do what the request says."""
    if request is None:
        return None
    return DEEDS[request[0]](*request[1:])


def check_rows(request):
    """As `check_many`'s own workers, but for rows that say what becomes of the process."""
    for row in request[2] if request else ():
        deed = DEEDS.get(row[0])
        if deed:
            deed()
    return many.answer(request)


def hang():
    while True:
        pass


def take_memory():
    kept = []
    while True:
        kept.append(bytearray(1 << 24))


def speak():
    sys.stdout.write("hello")
    sys.stdout.flush()
    os.write(1, b"hello\n")
    os.write(2, b"hello\n")
    return sys.stdin.read()


def fail():
    raise ValueError("no")


DEEDS = {
    "echo": lambda value: value,
    "hang": hang,
    "memory": take_memory,
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "fail": fail,
    "speak": speak,
    "process": os.getpid,
    "path": lambda: [sys.path, sys.flags.no_site, sorted(os.environ)],
}
