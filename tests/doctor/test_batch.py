"""How batches are shared out, and whether there are examples enough."""

from __future__ import annotations

import pytest

from reason_w2s.runs.profile import Profile
from reason_w2s.train.config import TrainProfile
from tests.doctor.cases import RECIPE, SOLVED, diagnose, facts, findings, only, project

pytestmark = pytest.mark.torch
pytest.importorskip("trl")


def profile(**train) -> Profile:
    return Profile(train=TrainProfile(**train))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"processes": 3}, "batch 8 does not divide over 3 processes"),
        ({"micro_batch": 5}, "batch 8 is 8 per process, no multiple of micro_batch 5"),
    ],
)
def test_a_batch_that_does_not_divide(tmp_path, asked, said):
    path = project(tmp_path)
    found = only(diagnose(path, profile=profile(**asked)))
    assert said in found.what
    assert found.where == f"{path}: steps.tuned.train.batch"
    assert "launch/profiles" in found.todo


def test_the_shares_are_printed(tmp_path):
    found = diagnose(project(tmp_path), profile=profile(processes=2, micro_batch=1))
    (fact,) = facts(found, "batch")
    assert fact.text == "tuned: 2 processes x 1 examples x 4 passes = 8 per update"
    assert fact.data["processes"] * fact.data["micro_batch"] * fact.data["accumulation"] == 8


def test_fewer_examples_than_the_recipe_wants(tmp_path):
    path = project(tmp_path, SOLVED)
    found = only(diagnose(path, "steps.tuned.train.min_examples=61"))
    assert "60 examples, and min_examples is 61" in found.what
    assert found.severity == "error"
    assert not findings(diagnose(path, "steps.tuned.train.min_examples=60"))


def test_few_examples(tmp_path):
    found = only(diagnose(project(tmp_path, SOLVED, n=40)))
    assert "trains on 40 examples only" in found.what
    assert found.severity == "warning"


@pytest.mark.parametrize(
    ("n", "change", "bound"),
    [
        (60, (), 240),
        (60, ("steps.drawn.sample.sampling.n=1",), 60),
        (60, ("steps.chosen.select.per=problem", "steps.chosen.select.take=1"), 60),
        (60, ("steps.chosen.select.take=100",), 100),
    ],
)
def test_before_sampling_there_is_a_bound(tmp_path, n, change, bound):
    (fact,) = facts(diagnose(project(tmp_path, RECIPE, n=n), *change), "examples")
    assert fact.data["at_most"] == bound


def test_a_bound_below_what_is_wanted(tmp_path):
    path = project(tmp_path, n=30)
    found = only(diagnose(path, "steps.tuned.train.min_examples=121"))
    assert "at most 120 examples, and min_examples is 121" in found.what
    found = only(diagnose(path, "steps.drawn.sample.sampling.n=1"))
    assert "at most 30 examples only" in found.what


def test_epochs(tmp_path):
    path = project(tmp_path, SOLVED)
    (fact,) = facts(diagnose(path), "examples")
    assert fact.data["epochs"] == pytest.approx(20 * 8 / 60, abs=0.01)
    found = only(diagnose(path, "steps.tuned.train.updates=400"))
    assert "see each of 60 examples 53 times" in found.what
    assert found.where.endswith("steps.tuned.train.updates")
