"""Intervals that are called 95% hold the true value about that often."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def bench():
    # by its path: a folder of programs is no package, and `coverage` is another's name
    spec = importlib.util.spec_from_file_location(
        "interval_coverage", ROOT / "eval" / "bench" / "coverage.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COVERAGE = bench()


@pytest.mark.parametrize("measure", [COVERAGE.accuracy, COVERAGE.difference])
@pytest.mark.parametrize(("n", "samples"), [(100, 1), (100, 4), (500, 1)])
def test_mean_coverage(measure, n, samples):
    size = COVERAGE.Size(n, samples, repeats=300, draws=500)
    shares = (0.1, 0.3, 0.5, 0.7, 0.9)
    assert 0.93 <= np.mean([measure(share, size)["ours"] for share in shares]) <= 0.97


def test_the_kept_table_meets_the_requirement():
    found = json.loads((ROOT / "eval" / "baselines" / "coverage.json").read_text("utf-8"))
    large = [row for row in found["mean"] if row["n"] >= 100]
    assert {row["of"] for row in large} == {"accuracy", "difference"}
    assert {(row["n"], row["samples"]) for row in large} == {
        (n, samples) for n in (100, 500, 1319) for samples in (1, 4, 16)
    }
    assert all(0.93 <= row["ours"] <= 0.97 for row in large)


def test_the_simulation_finds_an_interval_that_is_too_narrow(monkeypatch):
    ours = COVERAGE.mean_interval
    monkeypatch.setattr(COVERAGE, "mean_interval", lambda *given: ours(*given, level=0.8))
    assert COVERAGE.accuracy(0.5, COVERAGE.Size(100, 4, repeats=300, draws=0))["ours"] < 0.9


def test_models_share_what_is_hard():
    size = COVERAGE.Size(4000, 1, 0, 0)
    first, second = COVERAGE.drawn([0.5, 0.5], size, np.random.default_rng(0))
    assert 0.2 < np.corrcoef(first, second)[0, 1] < 0.7
    assert first.mean() == pytest.approx(COVERAGE.truth(0.5), abs=0.03)
