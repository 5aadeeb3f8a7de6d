"""Which token of a wrong trace is critical, and whether scores find it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[2] / "eval" / "bench" / "critical.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_critical", BENCH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("successes", "place"),
    [
        ([60, 30, 0, 2, 0], 2),  # right by luck later on, at most 3 of 64
        ([60, 0, 40, 0, 0], 3),  # it came back from the first zero
        ([60, 50, 40], None),
        ([0, 0], 0),
        ([10, 1, 2, 0], 3),
        ([], None),
    ],
)
def test_the_critical_token_is_the_first_from_which_nothing_is_right(bench, successes, place):
    assert bench.critical(successes, 64) == place


def test_luck_is_a_share_of_the_rollouts(bench):
    assert bench.critical([5, 0, 1, 0], 16) == 3
    assert bench.critical([5, 0, 1, 0], 32) == 1


def test_agreement_is_how_often_the_critical_token_scores_higher(bench):
    assert bench.agreement([0.1, 0.9, 0.9, 0.3, 0.2], 1) == 0.875
    assert bench.agreement([0.5, 0.1], 1) == 0
    assert bench.agreement([0.5], 0) is None


def test_the_summary_counts_traces_and_gives_intervals(bench):
    found = [
        {"tokens": 4, "successes": [1], "auc": auc, "auc_of_place": 0.5, "greatest": auc == 1}
        for auc in (1.0, 0.5, 1.0, 0.75)
    ]
    found.append({"tokens": 4, "successes": None, "auc": None, "auc_of_place": None})
    found.append({"tokens": 4, "successes": [0], "auc": None, "auc_of_place": None})
    told = bench.summary(found)
    assert (told["traces"], told["other_tokens"], told["never_right"], told["n"]) == (6, 1, 1, 4)
    assert told["auc"]["mean"] == 0.8125
    assert told["auc"]["low"] < 0.8125 < told["auc"]["high"]
    assert told["greatest"]["mean"] == 0.5
    assert told["greatest"]["by_chance"] == 0.25


def to_ten_digits(found):
    """Processors differ in the last digit of a sum."""
    return json.loads(json.dumps(found), parse_float=lambda text: float(f"{float(text):.10g}"))


def test_what_is_kept_follows_from_its_traces(bench):
    kept = json.loads((BENCH.parents[1] / "baselines" / "critical.json").read_text("utf-8"))
    told = bench.summary(kept["of"])
    assert to_ten_digits({name: kept[name] for name in told}) == to_ten_digits(told)
    for one in kept["of"]:
        possible = one["successes"] and one["successes"][0] > 0
        place = bench.critical(one["successes"][1:], kept["rollouts"]) if possible else None
        assert one["critical"] == place
