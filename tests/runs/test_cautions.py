"""What is said about results before they are believed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reason_w2s.runs.cautions import cautions


def score(**changed: Any) -> dict[str, Any]:
    well = {"trained": True, "stop_rate": 0.97, "truncation_rate": 0.03, "first_accuracy": 0.6}
    return {"model": "tuned", "suite": "gsm8k", "accuracy": 0.6, **well, **changed}


def said(**changed: Any) -> list[str]:
    nothing: dict[str, Any] = {"overlaps": [], "scores": [], "waterfall": [], "trained": []}
    return cautions({**nothing, "environment": {"sampler": "vllm"}, **changed})


def test_a_healthy_run_has_none():
    row = {"step": "chosen", "stage": "select", "in": 100, "out": 50}
    dropped = {"graded.correct is false": 45, "clean.flags has truncated": 5}
    drawn = {"step": "drawn", "stage": "sample", "in": 9, "out": 9, "dropped": {}}
    assert not said(
        scores=[score()],
        waterfall=[{**row, "dropped": dropped}, drawn],
        trained=[{"step": "tuned", "examples": 50}],
        overlaps=[{"suite": "gsm8k", "problems": 9, "overlapping": 0, "kinds": {}}],
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            # the figures of a published LoRA student that did not stop
            {"stop_rate": 396 / 500, "truncation_rate": 104 / 500},
            ["tuned on gsm8k", "79.2%", "cut on 20.8%", "max_tokens"],
        ),
        ({"stop_rate": 0.93, "truncation_rate": 0.07}, ["was cut on 7.0%"]),
        ({"undecided_rate": 0.031}, ["3.1%", "could not be compared", "gold column"]),
        ({"accuracy": 0.626, "first_accuracy": 0.67}, ["67.0%", "62.6%", "not learned to stop"]),
    ],
)
def test_a_student_that_does_not_stop(changed, words):
    (line,) = said(scores=[score(**changed)])
    assert all(word in line for word in words)


def test_untrained_models_may_run_on_but_are_told_by_their_first_answers():
    assert not said(scores=[score(trained=False, stop_rate=0.1, truncation_rate=0.9)])
    assert said(scores=[score(trained=False, first_accuracy=0.7)])


def test_a_first_answer_that_is_a_step_on_the_way_is_no_fault():
    assert not said(scores=[score(first_accuracy=0.5)])


def test_a_gold_or_two_that_are_words_are_no_fault():
    assert not said(scores=[score(undecided_rate=0.02)])


def test_what_was_dropped_for_its_length():
    dropped = {
        "clean.flags has truncated+no_answer": 15,
        "finish_reason is not stop": 5,
        "graded.correct is false": 30,
    }
    row = {"step": "chosen", "stage": "select", "in": 100, "out": 50, "dropped": dropped}
    (line,) = said(waterfall=[row])
    assert "chosen: dropped 20 of 100" in line


def test_few_examples_and_allowed_overlaps():
    row = {"suite": "math500", "problems": 5000, "overlapping": 12, "kinds": {"words": 12}}
    first, second = said(trained=[{"step": "tuned", "examples": 49}], overlaps=[row])
    assert first.startswith("math500: 12 of 5,000") and "words 12" in first
    assert second == "tuned: was trained on 49 examples only"


def judged(wanted: int, unwanted: int, *weights: float) -> list[str]:
    one, other = weights or (1.0, 1.0)
    verdicts = {"wanted": wanted, "unwanted": unwanted}
    verdicts |= {"desirable_weight": one, "undesirable_weight": other}
    return said(trained=[{"step": "tuned", "examples": wanted + unwanted, "verdicts": verdicts}])


@pytest.mark.parametrize(
    ("counts", "key"),
    [
        ((600, 200), "undesirable_weight"),
        ((200, 600), "desirable_weight"),
        ((300, 300, 1.0, 0.5), "undesirable_weight"),
        ((7, 900, 2.0, 0.5), "desirable_weight"),
    ],
)
def test_verdicts_far_apart_in_number_say_which_weight_evens_them(counts, key):
    """TRL's own bounds: wanted answers weigh from as much as unwanted ones to a third more."""
    (line,) = judged(*counts)
    wanted, unwanted, *weights = counts
    assert f"{wanted} wanted and {unwanted} unwanted" in line
    (told,) = re.findall(rf"trainer\.{key} to about ([\d.e+]+),", line)
    one, other = weights or (1.0, 1.0)
    one, other = (float(told), other) if key == "desirable_weight" else (one, float(told))
    assert 1 <= wanted * one / (unwanted * other) <= 4 / 3
    assert not judged(wanted, unwanted, one, other)


def test_verdicts_nearly_even_or_of_one_kind():
    assert not judged(900, 1, 1.0, 0.0), "a recipe that leaves one side out says so itself"
    assert not judged(310, 300)
    assert not judged(300, 310)
    (line,) = judged(300, 0)
    assert "300 wanted and 0 unwanted" in line and "needs both" in line


def test_the_fake_engine_is_never_taken_for_a_model():
    (line,) = said(environment={"sampler": "fake"}, scores=[score()])
    assert "accuracies mean nothing" in line
    assert not said(environment={"sampler": "fake"}), "without an accuracy there is none to doubt"
