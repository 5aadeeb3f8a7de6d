"""Which of two models is better, in a sentence."""

import pytest

from reason_w2s.errors import DataError
from reason_w2s.evaluate.comparison import compare
from reason_w2s.evaluate.statistics import mcnemar_exact, paired_bootstrap
from tests.evaluate.test_metrics import graded


def model(marks):
    """`marks`: each problem's samples as text, 1 right, 0 wrong, ? undecided."""
    named = {"1": True, "0": False, "?": None}
    return [graded(f"p{at}", named[mark]) for at, some in enumerate(marks) for mark in some]


BETTER = ["1"] * 12 + ["0"] * 1 + ["1"] * 40
WORSE = ["0"] * 12 + ["1"] * 1 + ["1"] * 40


def test_a_clear_difference():
    found = compare(model(BETTER), model(WORSE), seed=0, names=("tuned", "base"))
    assert found.difference == pytest.approx(11 / 53)
    assert found.p == mcnemar_exact(12, 1)
    assert found.wins == tuple(f"p{at}" for at in range(12))
    assert found.losses == ("p12",)
    assert found.sentence.startswith("tuned is above base by 20.8 points [")
    assert found.sentence.endswith("(12 won, 1 lost of 53, p = 0.0034)")


def test_the_other_way_round():
    found = compare(model(WORSE), model(BETTER), seed=0)
    assert (found.outcome, found.wins) == ("below", ("p12",))
    assert found.sentence.startswith("A is below B by 20.8 points [")


def test_few_flips_are_noise_though_the_interval_leaves_out_zero():
    # 5 won, none lost of 100: every resample with a flip is above 0, but p = 2 / 2^5.
    found = compare(model(["1"] * 100), model(["0"] * 5 + ["1"] * 95), seed=0)
    assert found.low > 0
    assert found.p == pytest.approx(2 / 32)
    assert found.outcome == "within noise"
    assert found.sentence.startswith("A against B: +5.0 points [")


def test_a_model_against_itself():
    found = compare(model(["1", "0", "?"]), model(["1", "0", "0"]), seed=0)
    assert (found.difference, found.p, found.wins, found.losses) == (0.0, 1.0, (), ())
    assert found.outcome == "within noise"


def test_all_samples_of_a_problem_go_together():
    first, second = ["1110", "1100", "1111"] * 8, ["0110", "0001", "1111"] * 8
    found = compare(model(first), model(second), seed=3)
    shares = ([0.75, 0.5, 1.0] * 8, [0.5, 0.25, 1.0] * 8)
    expected = paired_bootstrap(*shares, seed=3)
    assert (found.difference, found.low, found.high) == (
        expected.value,
        expected.low,
        expected.high,
    )
    # problems, not samples: more of the same samples say nothing new
    again = compare(model([some * 3 for some in first]), model([some * 3 for some in second]), 3)
    assert (again.low, again.high, again.p) == (found.low, found.high, found.p)


def test_different_numbers_of_samples():
    found = compare(model(["11", "10"]), model(["0", "1"]), seed=0)
    assert found.difference == pytest.approx(0.25)
    assert (found.wins, found.losses) == (("p0",), ("p1",))


def test_other_problems_are_refused():
    with pytest.raises(DataError, match="not scored for every model"):
        compare(model(["1", "0"]), model(["1"]), seed=0)
