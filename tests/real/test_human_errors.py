"""The step check beside people and GSM8K's own notes: the figures of eval/steps.md, made again."""

# ruff: noqa: RUF001 - the annotators' signs.

from __future__ import annotations

import importlib
import json
from itertools import islice
from pathlib import Path

import pytest

from tests.answers.shared_data import SHARED, rows

EVAL = Path(__file__).parents[2] / "eval"
KEPT = EVAL / "baselines" / "steps"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(EVAL / "bench" / "steps"))
    return importlib.import_module("measure")


@pytest.fixture(scope="module")
def kept():
    return json.loads((KEPT / "found.json").read_text(encoding="utf-8"))


def test_beside_people_who_marked_the_first_wrong_step(bench, kept):
    found = bench.marked(rows("traces/mr_gsm8k_annotated_subset.jsonl.gz"))
    assert found == kept["human"]
    assert found["alarms"] == []
    assert found["at"]["sum"]["wrong"] >= 43 and found["at"]["sum"]["steps"] == 46


def test_what_an_annotator_says_decides_the_kind(bench):
    """Never our own verdict: the same step, wrong or right, is of the kind its reason says."""
    kind = importlib.import_module("marked").kind

    def said(reason, step):
        return kind({"error_reason": reason, "steps": ["", step], "first_error_step": 2})

    step = "Step 2: So he pays 2 * (3 + 4) = $16 in all"
    assert said("计算错误，2 *（3 + 4）= 14美元而不是16美元", step) == "sum"
    assert said("it is 2*(3+4)=14 not 16.", step) == "sum"
    assert said("计算错误，应该是3 * 4 = 12", step) == "called"
    assert said("calculation error", step) == "called"
    assert said("理解错误，2 * (3 + 4) = 16", step) == "other"
    assert said("He pays for 4 of them.", step) == "other"
    assert said("计算错误，2x * 3 = 6x", "Step 2: 2x * 3 = 5x") == "called"


def test_gsm8ks_notes_hold(bench, kept):
    rows("sets/gsm8k_train.jsonl.gz")
    found = bench.notes(SHARED / "data")
    assert found == kept["notes"]
    assert (found["marks"], found["holds"], found["undecided"]) == (27_998, 27_995, 3)


@pytest.mark.slow
def test_the_rows_read_by_eye_are_those_that_are_drawn(bench):
    rows("traces/rho_math.jsonl.gz")
    found = list(bench.looked(SHARED / "data"))
    lines = (KEPT / "judged.jsonl").read_text(encoding="utf-8").splitlines()
    read: dict[str, list[str]] = {}
    for one in map(json.loads, lines):
        read.setdefault(one["flag"], []).append(one["id"])
    assert len(found) == 40_749
    for flag in {flag for _, _, columns in found for flag in columns["flags"]}:
        drawn = (row["id"] for name, row, _ in bench.drawn(found, 100) if name == flag)
        flagged = sum(flag in columns["flags"] for _, _, columns in found)
        assert len(read[flag]) >= min(30, flagged)
        assert list(islice(drawn, len(read[flag]))) == read[flag]
