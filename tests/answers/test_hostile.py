"""Hostile input ends in a verdict: nothing raises, hangs, runs, or spoils what comes after it.

A selection of `eval/bench/answers/hostile_cases.py`, which `hostile.py` there tries in full.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest

from reason_w2s.answers import check, equal
from reason_w2s.answers.workers import pool

BENCH = Path(__file__).parents[2] / "eval" / "bench" / "answers"
# Wall time of one call: the limit of the symbolic layer, its start, and a busy machine.
LIMIT_S = 20.0
# These reach sympy's limit in most positions; the benchmark tries them.
SLOW = (
    "endless",
    "endless formulas",
    "10,000 numbers",
    "10,000 formulas",
    "10,000 long texts",
    "slow",
    "slow to prove",
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH))
    try:
        import hostile
    finally:
        sys.path.remove(str(BENCH))
    yield hostile
    pool.close()


def groups():
    sys.path.insert(0, str(BENCH))
    try:
        import hostile_cases
    finally:
        sys.path.remove(str(BENCH))
    return hostile_cases


CASES = groups()
NAMES = sorted({case.group for case in CASES.all_cases(Path("unused"))})


def test_the_corpus_is_as_large_as_it_says():
    cases = CASES.all_cases(Path("unused"))
    assert len(NAMES) >= 15
    assert len({(case.group, case.label) for case in cases}) == len(cases)
    for name in NAMES:
        assert sum(case.group == name for case in cases) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_a_class_of_hostile_input(bench, name, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "VALUES_SECONDS", 0.2)
    monkeypatch.setattr(pool, "PROOF_SECONDS", 0.2)
    canary, valid = tmp_path / "canary", cycle(CASES.VALID)
    cases = [one for one in CASES.all_cases(canary) if one.group == name and one.label not in SLOW]
    faults = []
    for case in cases[:: max(1, len(cases) // 8)]:
        faults += tried(bench, case)
        one = next(valid)
        if check(one.response, one.gold).correct is not one.correct:
            faults.append(f"{case.label}: a valid answer after it")
    # texts only: pytest would print the cases themselves
    assert faults == []
    assert not canary.exists()


def tried(bench, case):
    """What is wrong with the verdicts on one case."""
    faults = []
    for position, call in bench.calls(case):
        start = time.monotonic()
        fault = bench.wrong_with(case, position, call())
        if time.monotonic() - start > LIMIT_S:
            fault = "slow"
        faults += [f"{case.label}, {position}: {fault}"] if fault else []
    return faults


def test_what_a_set_may_ask_of_sympy_is_bounded_together(monkeypatch):
    monkeypatch.setattr(pool, "VALUES_SECONDS", 0.2)
    monkeypatch.setattr(pool, "PROOF_SECONDS", 0.2)
    left, right = (", ".join(f"(x+9^{{9^{{9^9}}}})^{{{n}}}" for n in range(start, start + 15))
                   for start in (300, 400))  # fmt: skip
    start = time.monotonic()
    assert equal(left, right).correct in (None, False)
    assert time.monotonic() - start < LIMIT_S


HARD = ("\\boxed{(x+9^{9^{9^9}})(x+1)}", "x^2+x+9^{9^{9^9}}x+9^{9^{9^9}}")


def graded():
    """Statuses of a few pairs: text, numbers, forms, and one for the worker."""
    pairs = [("#### 18", "18"), ("#### 18", "19"), ("\\boxed{(x+1)^2}", "x^2+2x+1"), HARD]
    return [check(response, gold).status for response, gold in pairs]


EXPECTED = ["correct", "wrong", "correct", "correct"]


def test_check_off_the_main_thread():
    found = []
    threads = [threading.Thread(target=lambda: found.append(graded())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [EXPECTED] * 3


def test_check_under_asyncio():
    async def several():
        return [graded(), *await asyncio.gather(*(asyncio.to_thread(graded) for _ in range(2)))]

    assert asyncio.run(several()) == [EXPECTED] * 3


def in_a_child(queue):
    queue.put(graded())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_check_in_children(method):
    assert graded() == EXPECTED
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=in_a_child, args=(queue,))
    child.start()
    assert queue.get(timeout=120) == EXPECTED
    child.join(120)
    assert child.exitcode == 0


def test_no_child_is_left(bench):
    graded()
    workers = [worker.process.pid for worker in pool._workers]
    ours = workers + [one for worker in workers for one in bench.below(worker)]
    assert workers
    pool.close()
    assert not set(ours) & set(bench.below(os.getpid()))


def test_check_goes_on_after_close():
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: graded(), range(8))) == [EXPECTED] * 8
    pool.close()
    pool._remembered.cache_clear()
    assert graded() == EXPECTED
