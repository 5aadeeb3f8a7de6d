"""avg@k, pass@k and maj@k, by hand and by enumeration."""

import random
from dataclasses import replace
from itertools import combinations

import pytest

from reason_w2s.evaluate import curves
from reason_w2s.evaluate.curves import (
    average_at_k,
    majority_at_k,
    majority_curve,
    pass_curve,
    powers,
)
from reason_w2s.evaluate.metrics import score
from reason_w2s.evaluate.statistics import pass_at_k, wilson
from reason_w2s.evaluate.votes import Class, classes
from tests.evaluate.test_metrics import graded


def samples(problem, *answers, right="7"):
    """One sample per answer; None has no answer, "?" could not be decided."""
    made = []
    for answer in answers:
        correct = None if answer == "?" else (answer or "").strip() == right
        made.append(replace(graded(problem, correct), answer=answer))
    return made


TWO = samples("a", "7", "1", "2", "3") + samples("b", "7", "7", "1", "1")


def test_powers():
    assert powers(samples("a", *"7" * 16)) == (1, 2, 4, 8, 16)
    assert powers(samples("a", *"7" * 10) + samples("b", *"7" * 6)) == (1, 2, 4, 6)
    assert powers(samples("a", "7")) == (1,)


def test_pass_curve_by_hand():
    points = pass_curve(TWO, seed=0, ks=[1, 2, 4])
    # one right of 4 and two right of 4: pass@2 is 1/2 and 1 - 1/6
    assert [one.value for one in points] == pytest.approx([3 / 8, (1 / 2 + 5 / 6) / 2, 1.0])
    assert points[0].value == score(TWO).accuracy
    assert points[2].low == pytest.approx(wilson(2, 2).low)  # all right is not certainty


def test_a_curve_stops_at_the_fewest_samples():
    with pytest.raises(ValueError, match=r"got 3; expected 1\.\.2"):
        pass_curve(samples("a", "7", "1") + samples("b", "7", "1", "7"), seed=0, ks=[3])
    with pytest.raises(ValueError, match="no graded traces"):
        pass_curve([], seed=0)


def test_average_at_k():
    point = average_at_k(TWO, 4)
    found = score(TWO)
    assert (point.value, point.low, point.high) == (found.accuracy, found.low, found.high)
    assert average_at_k(TWO, 1).value == 1.0  # the first of each is right


VOTES = [(1, 1 / 2), (2, 4 / 6), (3, 3 / 4), (4, 1.0)]


@pytest.mark.parametrize(("k", "value"), VOTES)
def test_majority_by_hand(k, value):
    # Of 2 pairs {7, 1} each is a tie worth 1/2; {7, none} is right, {1, none} is not.
    (point,) = majority_curve(samples("a", "7", "7", "1", None), seed=0, ks=[k])
    assert point.value == pytest.approx(value)


def test_a_tie_is_worth_what_its_answers_are_on_average():
    assert majority_at_k([Class("7", 2, 1.0), Class("1", 2, 0.0), Class("2", 1, 0.0)], 5, 5) == 0.5
    assert (
        majority_at_k([Class("7", 1, 1.0)] + [Class(str(at), 1, 0.0) for at in range(3)], 4, 4)
        == 0.25
    )


def test_no_votes_is_not_right():
    assert [one.value for one in majority_curve(samples("a", None, "?"), seed=0)] == [0.0, 0.0]


def test_undecided_samples_do_not_vote():
    # three undecided with the same text are outvoted by one that was graded
    assert majority_curve(samples("a", "7", "?", "?", "?"), seed=0)[-1].value == 1.0


def test_answers_vote_by_meaning():
    some = [replace(one, correct=True) for one in samples("a", "1/2", "0.5", r"\frac{1}{2}")]
    some += samples("a", "2", "2")
    assert [(one.answer, one.votes, one.right) for one in classes(some)] == [
        ("1/2", 3, 1.0),
        ("2", 2, 0.0),
    ]
    assert majority_curve(some, seed=0)[-1].value == 1.0


def test_the_same_text_is_not_compared():
    def never(first, second):
        raise AssertionError(f"{first} compared with {second}")

    assert classes(samples("a", "7", " 7", "7 "), same=never) == (Class("7", 3, 1.0),)


def brute(answers, k):
    """Every subset, every tie."""
    values = []
    for subset in combinations(answers, k):
        votes = {one: subset.count(one) for one in subset if one is not None}
        top = [one for one, count in votes.items() if count == max(votes.values())]
        values.append(sum(one == "7" for one in top) / len(top) if top else 0.0)
    return sum(values) / len(values)


def test_majority_against_every_subset():
    rng = random.Random(0)
    for _ in range(40):
        answers = [rng.choice(["7", "7", "1", "2", None]) for _ in range(rng.randint(1, 9))]
        k = rng.randint(1, len(answers))
        (point,) = majority_curve(samples("a", *answers), seed=0, ks=[k])
        assert point.value == pytest.approx(brute(answers, k))


def test_resampled_votes_are_close_and_repeat(monkeypatch):
    votes, exact = [Class("7", 5, 1.0), Class("1", 4, 0.0), Class("2", 3, 0.0)], 0.0
    drawn = majority_at_k(votes, 14, 6, seed=1)
    assert drawn == majority_at_k(votes, 14, 6, seed=1)
    monkeypatch.setattr(curves, "_EXACT_SUBSETS", 10_000)
    exact = majority_at_k(votes, 14, 6)
    assert drawn == pytest.approx(exact, abs=0.04)
    assert drawn != exact


def test_the_order_of_problems_changes_nothing():
    some = [samples(str(at), *random.Random(at).choices("712", k=16)) for at in range(6)]
    turned = [one for part in reversed(some) for one in part]
    straight = [one for part in some for one in part]
    assert majority_curve(straight, seed=4) == majority_curve(turned, seed=4)
    assert pass_curve(straight, seed=4) == pass_curve(turned, seed=4)


def test_more_votes_than_samples_is_refused():
    with pytest.raises(ValueError, match="expected 1 <= k <= n"):
        majority_at_k([Class("7", 3, 1.0)], 2, 1)


def enumerated(samples, k):
    """Best of k over all choices of k, ties by the mean of the equals: the definition itself."""
    values = []
    for some in combinations(samples, k):
        ranks = [rank for rank, _ in some if rank is not None]
        best = [right for rank, right in some if ranks and rank == min(ranks)]
        values.append(sum(best) / len(best) if best else 0.0)
    return sum(values) / len(values)


def test_best_at_k_by_hand():
    # the best-scored is right, the second wrong, the third right: 2 of 3 draws, then 2 of 3 pairs
    ranked = [(0, True), (1, False), (2, True)]
    assert curves.best_at_k(ranked, 1) == pytest.approx(2 / 3)
    assert curves.best_at_k(ranked, 2) == pytest.approx(2 / 3)
    assert curves.best_at_k(ranked, 3) == pytest.approx(1.0)
    # a tie of one right and one wrong before all others is worth one half
    assert curves.best_at_k([(0, True), (0, False), (1, True)], 3) == pytest.approx(1 / 2)
    # one of two may not be chosen: alone it leaves nothing
    assert curves.best_at_k([(0, True), (None, True)], 1) == pytest.approx(1 / 2)
    assert curves.best_at_k([(None, True)], 1) == 0.0


def test_best_at_k_is_the_mean_over_all_choices():
    dice = random.Random(4)
    for _ in range(60):
        ranks = [None, 0, 1, 1, 2]
        some = [(dice.choice(ranks), dice.random() < 0.5) for _ in range(dice.randint(1, 8))]
        for k in range(1, len(some) + 1):
            assert curves.best_at_k(some, k) == pytest.approx(enumerated(some, k))


def test_a_perfect_score_is_pass_at_k():
    right = [True, False, False, True, False]
    perfect = [(0 if one else 1, one) for one in right]
    for k in range(1, 6):
        assert curves.best_at_k(perfect, k) == pytest.approx(pass_at_k(5, 2, k))


def test_best_curve():
    points = curves.best_curve([[(0, True), (1, False)], [(0, False), (1, True)]], seed=0)
    assert [(one.k, one.n, one.value) for one in points] == [(1, 2, 0.5), (2, 2, 0.5)]
    assert curves.best_curve([[(0, True)], []], seed=0) == ()
    with pytest.raises(ValueError, match="got no problems"):
        curves.best_curve([], seed=0)
    with pytest.raises(ValueError, match=r"k=3, n=2"):
        curves.best_at_k([(0, True), (1, True)], 3)
