"""What eval/bench/voting.py counts, by hand."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from reason_w2s.records import Problem

ROOT = Path(__file__).parents[2]


def bench():
    # by its path: a folder of programs is no package
    path = ROOT / "eval" / "bench" / "voting.py"
    spec = importlib.util.spec_from_file_location("bench_voting", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VOTING = bench()
CASES = [VOTING.Case(*one) for one in [(0.9, True), (0.6, True), (0.6, False), (-1.0, False)]]


def test_coverage_is_of_all_problems_and_accuracy_of_those_kept():
    points = VOTING.curve(CASES)
    assert [(one["kept"], one["coverage"], one["accuracy"]) for one in points] == [
        (1, 0.25, 1.0),
        (3, 0.75, pytest.approx(2 / 3)),
    ]


def test_the_area_takes_equals_in_the_mean_of_their_orders():
    confidence = np.array([one.confidence for one in CASES])
    right = np.array([one.right for one in CASES])
    # of the surest 1, 2, 3, 4: 1, 1.5, 2 and 2 are right
    assert VOTING.area(confidence, right) == pytest.approx((1 + 1.5 / 2 + 2 / 3 + 2 / 4) / 4)
    for order in ([2, 1, 0, 3], [3, 2, 1, 0]):
        assert VOTING.area(confidence[order], right[order]) == VOTING.area(confidence, right)


def test_the_calibration_error_is_by_bin():
    confidence = np.array([one.confidence for one in CASES])
    right = np.array([one.right for one in CASES])
    # in the bin of .6: one of two is right; in that of .9: one of one; what has no answer is out
    assert VOTING.error(confidence, right) == pytest.approx((abs(1 - 1.2) + abs(1 - 0.9)) / 3)
    table = VOTING.reliability(CASES)
    assert [(one["from"], one["n"], one["accuracy"]) for one in table] == [
        (0.6, 2, 0.5),
        (0.9, 1, 1.0),
    ]


def test_the_whole_on_few_problems():
    texts = {
        "gemma_2b": ["#### 1", "#### 2", "#### 3", "none"],
        "llama2_7b": ["#### 1", "#### 2", "#### 4", "none"],
        "mistral_7b": ["#### 1", "#### 9", "#### 4", "#### 5"],
    }
    rows = [
        VOTING._row(Problem(id=f"p{at}", question="?", gold=gold), name, some[at], f"p{at}/{name}")
        for at, gold in enumerate(["1", "9", "4", "5"])
        for name, some in texts.items()
    ]
    found = VOTING.measure(rows, draws=20)
    counts = {"two": [2, 0.5], "three": [1, 1.0], "majority": [3, pytest.approx(2 / 3)]}
    assert found["counts"] == {"published": counts, "ours": counts}
    assert [one["accuracy"] for one in found["abilities"]] == pytest.approx([1 / 3, 2 / 3, 1.0])
    # wrong answers of two to one problem: 2 and 2 coincide
    assert found["wrong_pairs"] == {"pairs": 1, "coincide": 1}
    assert found["methods"]["majority"]["accuracy"] == 0.75
