"""What eval/bench/noisy_labels.py makes of traces, by hand."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def bench():
    # by its path: a folder of programs is no package
    path = ROOT / "eval" / "bench" / "noisy_labels.py"
    spec = importlib.util.spec_from_file_location("bench_noisy_labels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NOISY = bench()


def trace(name, answer, recorded, question="q", checked=None):
    key = NOISY.key_of(answer)
    return NOISY.Trace(
        name, "rho_math", question, recorded, answer, key, 10, answer,
        recorded if checked is None else checked,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("7", "\\$7.00", True),
        ("1,200 dollars", "$1200", True),
        ("7", "7.5", False),
        ("\\frac{1}{2}", "\\frac{ 1}{2}", True),
        ("\\frac{1}{2}", "12", False),
        ("Even", '"even"', False),
    ],
)
def test_answers_that_are_the_same_at_a_glance(one, other, same):
    assert (NOISY.key_of(one) == NOISY.key_of(other)) is same


def test_features_by_hand():
    rows = [trace("a", "7", True), trace("b", "7.0", False), trace("c", "8", None)]
    first, _, third = NOISY.features(rows)
    # of two others one says the same, which is among the commonest; it is recorded wrong
    assert first[:6] == pytest.approx([1 / 2, 1.0, np.log(3), 0.0, 1.0, 0.0])
    # nobody says what the third does; of the others, one of two is recorded right
    assert third[:6] == pytest.approx([0.0, 0.0, np.log(3), 0.5, 0.0, 0.5])


def test_a_question_is_never_judged_by_a_model_that_saw_it():
    """The label is the question's own number: a model of the other questions cannot know it."""
    dice = np.random.default_rng(0)
    questions = [f"q{at // 4}" for at in range(400)]
    own = {name: dice.normal(size=30) for name in dict.fromkeys(questions)}
    truth = {name: dice.integers(0, 2) for name in own}
    x = np.array([own[name] for name in questions])
    y = np.array([truth[name] for name in questions])
    p = NOISY.out_of_fold(x, y, questions)
    assert abs(np.mean((p > 0.5) == y) - 0.5) < 0.2
    seen = NOISY.fitted(x, y)
    assert np.mean((np.c_[x, np.ones(400)] @ seen > 0) == y) > 0.7


def test_the_regression_is_the_known_one():
    """Without features the offset is the log-odds of the labels."""
    y = np.array([1, 1, 1, 0])
    assert NOISY.fitted(np.zeros((4, 1)), y) == pytest.approx([0.0, np.log(3)], abs=1e-4)


def test_wrong_verdicts_on_agreed_answers_are_found():
    rows = [
        trace(
            f"{q}-{m}", str(q) if m < 4 else str(q + 100), (m < 4) != (q == m == 3), f"q{q}", m < 4
        )
        for q in range(60)
        for m in range(5)
    ]
    found = NOISY.measure(rows, {"3-3": True, "4-3": True})
    assert found["by_person"]["checker"]["hits"] == 1
    assert found["by_person"]["checker"]["precision"]["value"] == 1.0
    assert found["by_checker"]["confident"]["wrong"] == 1
    assert found["by_checker"]["doubted"]["hits"] == 1


def test_scores_of_nothing():
    none = NOISY.scored(np.array([False, False]), np.array([False, False]))
    assert (none["precision"], none["recall"], none["n"]) == (None, None, 2)
