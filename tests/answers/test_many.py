"""Many rows at once: as one by one, in order, whatever a row does to the process that checks it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy
import pytest

from reason_w2s.answers import check, many
from reason_w2s.answers.many import check_many
from reason_w2s.answers.workers import pool
from reason_w2s.answers.workers.pool import _workers
from reason_w2s.errors import ConfigError

ROWS = [(f"So it is {n}.\n#### {n}", n if n % 3 else n + 1) for n in range(600)]
RESPONSES, GOLDS = [row[0] for row in ROWS], [row[1] for row in ROWS]
EXPECTED = [bool(n % 3) for n in range(600)]

ODD = [
    None, b"#### 5", 5, 5.0, True, float("nan"), float("inf"), 10**5000, [], {}, object(), "",
    "#### \x00", "#### \ud800", "#### \ud83d\ude00", numpy.int64(5), numpy.float64(5),
    numpy.str_("#### 5"), numpy.array([5]), "#### 5",
]  # fmt: skip


@pytest.mark.parametrize("workers", [None, 1, 2, 3])
def test_in_order(workers):
    verdicts = check_many(RESPONSES, GOLDS, workers=workers)
    assert [verdict.correct for verdict in verdicts] == EXPECTED
    assert verdicts[5] == check(*ROWS[5])


@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_a_row_holds_it_gets_the_verdict_of_check(workers):
    golds = ["5", 5, 5.0, ["7", "5"], ("5",), None, [], float("nan"), numpy.float64(5), {}]
    rows = [(response, gold) for response in ODD for gold in golds]
    found = check_many([row[0] for row in rows], [row[1] for row in rows], workers=workers)
    assert [repr(verdict) for verdict in found] == [repr(check(*row)) for row in rows]


def test_workers_are_started_where_they_pay(monkeypatch):
    # 10,000 rows of a millisecond, but not of 20 microseconds on two cores, nor on one
    assert many._worth(10_000, 1e-3, 2)
    assert many._worth(10_000, 2e-5, 64) is False
    assert many._worth(10**6, 2e-5, 1) is False
    monkeypatch.setattr(many, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(many, "START_SECONDS", -1e9)
    assert [one.correct for one in check_many(RESPONSES, GOLDS)] == EXPECTED


def test_what_says_how_to_check_is_passed_on():
    options = [["3", "4"], None, ("4", "3")]
    found = check_many(["(B)", "(B)", "(B)"], ["4", "4", "4"], options=options, workers=2)
    alone = [check("(B)", "4", options=one) for one in options]
    assert found == alone
    assert found[0].correct is not found[2].correct
    loose = check_many(["#### 1.001"] * 3, ["1"] * 3, rel_tol=0.01, workers=2)
    assert [verdict.correct for verdict in loose] == [True] * 3
    strict = check_many(["It is 5"] * 3, ["5"] * 3, "lm_eval_gsm8k_strict", workers=2)
    assert [verdict.correct for verdict in strict] == [False] * 3


@pytest.mark.parametrize("workers", [None, 2])
def test_nothing_to_check(workers):
    assert check_many([], [], workers=workers) == []
    assert check_many(iter(["#### 2"]), (one for one in [2]), workers=workers)[0].correct is True


@pytest.mark.parametrize(
    "given, said",
    [
        ((["a"], ["b", "c"]), "1 responses, 2 golds"),
        ((["a"], ["b"], "auto", []), "0 options"),
        (("a", ["b"]), "responses: one per response expected, got a str"),
        ((["a"], "b"), "golds: one per response"),
        ((["a"], 5), "got a int"),
        ((["a"], ["b"], "no kind"), "kind: unknown"),
        ((["a"], ["b"], "auto", None, 0), "workers: 0 is below 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        check_many(*given)


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_progress_rises_to_all(workers):
    seen: list[int] = []
    check_many(RESPONSES, GOLDS, workers=workers, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 600
    assert len(seen) > 2


@pytest.fixture
def misbehaving(monkeypatch):
    monkeypatch.setattr(many, "_SERVICE", "tests.answers.misbehaving:check_rows")


@pytest.mark.parametrize(
    "deed, status",
    [("abort", "error"), ("leave", "error"), ("memory", "error"), ("hang", "timeout")],
)
def test_only_the_row_that_kills_pays(misbehaving, monkeypatch, deed, status):
    monkeypatch.setattr(many, "ROW_SECONDS", 1.0 if deed == "hang" else 60.0)
    monkeypatch.setattr(pool, "WORKER_MEMORY_BYTES", 1 << 28)
    rows = [*RESPONSES]
    rows[100] = rows[101] = rows[599] = deed
    verdicts = check_many(rows, GOLDS, workers=2)
    killed = {100, 101, 599}
    assert {n for n, one in enumerate(verdicts) if one.correct is None} == killed
    assert {verdicts[n].status for n in killed} == {status}
    assert all(verdicts[n].correct == EXPECTED[n] for n in range(600) if n not in killed)
    assert not [worker for worker in _workers if "check_rows" in str(worker.process.args)]


def test_long_chunks_are_handed_over_in_parts(monkeypatch):
    monkeypatch.setattr(many, "CHUNK_SECONDS", -1.0)
    given = [("#### 2", "2", None)] * 5
    assert len(many.answer(["auto", 0.0, given])) == 1
    monkeypatch.setattr(many, "CHUNK_CHARS", 30)
    assert [one.correct for one in check_many(RESPONSES, GOLDS, workers=2)] == EXPECTED


def test_where_no_process_can_be_started_the_rows_are_checked_here(monkeypatch):
    for program in ("/bin/false", "/no/such/program"):
        monkeypatch.setattr(sys, "executable", program)
        found = check_many(RESPONSES, GOLDS, workers=2)
        assert [verdict.correct for verdict in found] == EXPECTED


def test_an_error_in_progress_ends_the_workers():
    def stop(done):
        raise KeyboardInterrupt

    before = set(_workers)
    with pytest.raises(KeyboardInterrupt):
        check_many(RESPONSES, GOLDS, workers=2, on_progress=stop)
    assert set(_workers) == before


def test_a_file_of_long_responses(monkeypatch):
    rows = ["x" * 300_000 + f" {n}\n#### {n}" for n in range(20)]
    found = check_many(rows, range(20), workers=2)
    assert [verdict.correct for verdict in found] == [True] * 20


def test_formulas_are_compared_below_the_workers():
    rows = [f"\\boxed{{\\ln(2x) + {n}}}" for n in range(12)]
    golds = [f"{n} + \\ln 2 + \\ln x" for n in range(12)]
    assert [one.correct for one in check_many(rows, golds, workers=2)] == [True] * 12


def test_no_file_is_left_open():
    check_many(RESPONSES, GOLDS, workers=2)
    before = len(list(Path("/proc/self/fd").iterdir())) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(3):
        check_many(RESPONSES, GOLDS, workers=2)
    after = len(list(Path("/proc/self/fd").iterdir())) if before else 0
    assert after == before
