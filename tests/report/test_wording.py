from __future__ import annotations

import pytest

from reason_w2s.report import wording
from tests.report.results import gap, lengths, refused


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (wording.percent(None), "not measured"),
        (wording.percent(0.0), "0.0"),
        (wording.percent(0.6234), "62.3"),
        (wording.interval({"low": 0.1, "high": 0.25}), "[10.0, 25.0]"),
        (wording.interval({"low": None, "high": 0.25}), "[not measured]"),
        (wording.count(12480), "12,480"),
        (wording.count(None), "not measured"),
        (wording.number(1234.567, 2), "1,234.57"),
        (wording.duration(None), "not measured"),
        (wording.duration(6.31), "6.3 s"),
        (wording.duration(154.6), "2 min 35 s"),
        (wording.duration(7260), "2 h 1 min"),
        (wording.labels(None), "not known"),
        (wording.labels({"answers": 0, "solutions": 0}), "none"),
        (wording.labels({"answers": 1000, "solutions": 1}), "1,000 answers, 1 solution"),
        (wording.p_value(1e-12), "< 0.001"),
        (wording.p_value(0.824), "0.82"),
        (wording.percent(0.01234, 2), "1.23"),
        (wording.size({"n": 500, "samples": 500}), "500"),
        (wording.size({"n": 1319, "samples": 1319 * 32}), "1,319x32"),
        (wording.size({"n": 30, "samples": 119}), "30 (119)"),
        (wording.size({"n": None}), "not measured"),
        (wording.gap(gap()), "0.63 [0.50, 0.75]"),
        (wording.gap(gap(measure="gain", ceiling=None)), "62.9 points [50.0, 75.0]"),
        (wording.gap(refused()), "not measured"),
        (wording.setting([True, None, 0.5, "x"]), "[true, null, 0.5, x]"),
        (wording.setting("a\nb"), "'a\\nb'"),
    ],
)
def test_a_value_is_said_as_expected(said: str, expected: str):
    assert said == expected


@pytest.mark.parametrize(
    ("auc", "said"),
    [(0.61, "the longer one tends"), (0.39, "the shorter one tends"), (0.52, "no better than")],
)
def test_what_lengths_say_of_pairs(auc: float, said: str):
    text = wording.auc(lengths(auc))
    start = "A length-only classifier predicts chosen with AUC"
    assert text.startswith(f"{start} {auc:.2f} [{auc - 0.04:.2f}, {auc + 0.04:.2f}]: {said}")
