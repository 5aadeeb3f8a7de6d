"""Dawid-Skene over open classes: by hand, against simulated truth, and where it cannot know."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reason_w2s.answers import dawid_skene
from reason_w2s.answers.dawid_skene import log_likelihood, posteriors, step

# one coin per worker unless a test says otherwise
fit = partial(dawid_skene.fit, spread=0.0)
ABLE = (0.3, 0.4, 0.5, 0.6, 0.7)


def simulated(right, coincidence, n, seed=0, missing=0.0, spread=0.0):
    """Votes of problems as the model has them, and the class of each that is right (None: none)."""
    logits = [math.log(one / (1 - one)) for one in right]
    rng = np.random.default_rng(seed)
    problems, truths = [], []
    for _ in range(n):
        classes: dict[int, list[float]] = {}
        harder = spread * rng.standard_normal() if spread else 0.0
        for worker, logit in enumerate(logits):
            chance = 1 / (1 + math.exp(-logit - harder))
            if rng.random() >= missing:
                wrong = 1 + int(rng.integers(round(1 / coincidence)))
                given_ = 0 if rng.random() < chance else wrong
                classes.setdefault(given_, [0.0] * len(right))[worker] = 1.0
        problems.append(tuple(tuple(one) for one in classes.values()))
        truths.append(list(classes).index(0) if 0 in classes else None)
    return problems, truths


def accuracy(chosen, truths):
    return sum(one is not None and one == true for one, true in zip(chosen, truths, strict=True))


def best(scores):
    return max(range(len(scores)), key=lambda one: scores[one], default=None)


TWO = [((1.0, 1.0, 0.0), (0.0, 0.0, 1.0)), ((1.0, 0.0, 0.0), (0.0, 1.0, 1.0))]
"""Problem 1: workers 0 and 1 agree against 2; problem 2: workers 1 and 2 agree against 0."""


def test_a_step_of_two_problems_by_hand():
    # p = 1/2 for all and c = 1/4: every label of five, wrong ones 1/8 each, right 1/2.
    # f(pair) = 1/2 1/2 1/8 = 1/32, f(lone) = 1/2 1/8 1/8 = 1/128,
    # f(none) = 3 unseen x 1/512: q = 16/23, 4/23, 3/23
    pair, lone, none = 16 / 23, 4 / 23, 3 / 23
    logits, coincidence = step(TWO, [0.0] * 3, 0.25, 0.0)
    right = [1 / (1 + math.exp(-logit)) for logit in logits]
    assert right[0] == pytest.approx((1 + pair + lone) / 4)
    assert right[1] == pytest.approx((1 + 2 * pair) / 4)
    assert right[2] == pytest.approx((1 + lone + pair) / 4)
    # pairs of wrong votes: none if the pair is right, 1 and it coincides if the lone one is, else
    # 3 of which 1 coincides
    assert coincidence == pytest.approx((0.5 + 2 * (lone + none)) / (1 + 2 * (lone + 3 * none)))


def test_posteriors_by_hand():
    found = fit(TWO, 3, draws=0)
    assert found.right[0] == pytest.approx(found.right[2])
    assert found.right[1] > found.right[0]
    odds = [p / (1 - p) / found.coincidence for p in found.right]
    unseen = max(1 + 1 / found.coincidence - 2, 1)
    whole = odds[0] * odds[1] + odds[2] + unseen
    assert posteriors(TWO[0], found) == pytest.approx((odds[0] * odds[1] / whole, odds[2] / whole))


def test_a_lone_answer_is_as_likely_as_its_worker_is_right():
    found = fit(simulated(ABLE, 0.2, 400)[0], 5, draws=0)
    assert posteriors(((0.0, 0.0, 1.0, 0.0, 0.0),), found) == pytest.approx([found.right[2]])
    assert posteriors((), found) == ()


@pytest.mark.parametrize(
    ("right", "coincidence", "missing"),
    [
        (ABLE, 0.2, 0.0),
        ((0.33, 0.42, 0.66), 0.1, 0.0),
        (ABLE, 0.1, 0.4),
        ((0.4, 0.9, 0.5, 0.6), 0.25, 0),
    ],
)
def test_known_abilities_are_recovered(right, coincidence, missing):
    found = fit(simulated(right, coincidence, 6000, missing=missing)[0], len(right), draws=0)
    assert found.converged and found.identified
    assert found.right == pytest.approx(right, abs=0.04)
    assert found.coincidence == pytest.approx(coincidence, abs=0.03)


def test_the_intervals_hold_the_truth_as_often_as_they_say():
    held = 0
    for seed in range(10):
        found = fit(simulated(ABLE, 0.2, 500, seed)[0], 5, draws=50, seed=seed)
        ends = zip(found.low, ABLE, found.high, strict=True)
        held += sum(low <= true <= high for low, true, high in ends)
        assert all(
            low <= p <= high
            for low, p, high in zip(found.low, found.right, found.high, strict=True)
        )
    assert 41 <= held <= 50  # of 50; 95% expected, less four standard deviations


def test_posteriors_are_calibrated_where_the_model_holds():
    problems, truths = simulated(ABLE, 0.2, 4000)
    found = fit(problems, 5, draws=0)
    told = [posteriors(votes, found) for votes in problems]
    tops = np.array([max(one) for one in told])
    hits = np.array([best(one) == true for one, true in zip(told, truths, strict=True)])
    for low in (0.2, 0.4, 0.6, 0.8):
        inside = (tops >= low) & (tops < low + 0.2)
        assert inside.sum() > 130
        assert hits[inside].mean() == pytest.approx(tops[inside].mean(), abs=0.05)


def test_better_than_a_majority_where_abilities_differ():
    problems, truths = simulated((0.9, 0.35, 0.35, 0.35), 0.5, 3000)
    found = fit(problems, 4, draws=0)
    ours = accuracy([best(posteriors(votes, found)) for votes in problems], truths)
    majority = accuracy([best([sum(one) for one in votes]) for votes in problems], truths)
    assert ours > majority + 300  # of 3,000


def test_a_majority_where_abilities_are_equal():
    problems, _ = simulated((0.5,) * 5, 0.2, 2000)
    # every permutation of the workers, so that no ability is estimated above another
    turned = [
        tuple(tuple(one[(worker + by) % 5] for worker in range(5)) for one in votes)
        for votes in problems
        for by in range(5)
    ]
    found = fit(turned, 5, draws=0)
    assert found.right == pytest.approx([found.right[0]] * 5)
    for votes in problems:
        sizes = [sum(one) for one in votes]
        told = posteriors(votes, found)
        for first in range(len(votes)):
            for second in range(len(votes)):
                assert (told[first] > told[second] + 1e-9) == (sizes[first] > sizes[second])


VOTES = st.lists(
    st.lists(st.sampled_from([None, 0, 1, 2, 3]), min_size=4, max_size=4), min_size=1, max_size=12
)


def votes_of(given_):
    return [
        tuple(
            tuple(float(one == name) for one in row)
            for name in dict.fromkeys(row)
            if name is not None
        )
        for row in given_
    ]


@settings(max_examples=25, deadline=None)
@given(VOTES, st.permutations(range(4)), st.randoms(use_true_random=False))
def test_no_order_matters(rows, order, dice):
    """Neither that of problems, nor of workers, nor of a problem's classes."""
    problems = votes_of(rows)
    found = fit(problems, 4, draws=0)
    moved = [tuple(tuple(one[at] for at in order) for one in votes) for votes in problems]
    shuffled = [tuple(dice.sample(votes, len(votes))) for votes in dice.sample(moved, len(moved))]
    again = fit(shuffled, 4, draws=0)
    assert again.right == pytest.approx([found.right[at] for at in order], abs=1e-6)
    assert again.coincidence == pytest.approx(found.coincidence, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(VOTES, st.sampled_from([0.0, 2.0, 4.0]))
def test_whatever_is_voted_gives_chances(rows, spread):
    problems = votes_of(rows)
    found = fit(problems, 4, draws=3, spread=spread)
    assert all(0 < p < 1 for p in (*found.right, found.coincidence))
    for votes in problems:
        told = posteriors(votes, found)
        assert all(0 < one < 1 for one in told)
        assert sum(told) < 1
        # nobody's vote counts against the answer it gives
        for mine in range(len(votes)):
            for theirs in range(len(votes)):
                if all(a >= b for a, b in zip(votes[mine], votes[theirs], strict=True)):
                    assert told[mine] >= told[theirs] - 1e-12


def test_weak_workers_of_one_ability_order_answers_as_a_majority_does():
    # so hard that most agreement is of wrong answers: a popular one must not lose by its votes
    problems, _ = simulated((0.15,) * 8, 0.2, 400, spread=1.0)
    found = fit([tuple((sum(one),) for one in votes) for votes in problems], 1, spread=3.0, draws=0)
    for votes in problems:
        sizes = [(sum(one),) for one in votes]
        told = posteriors(tuple(sizes), found)
        assert told[best(told)] == told[best(sizes)]


@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_each_round_is_likelier_than_the_last(spread):
    """Of what EM maximises over abilities: the likelihood and the prior p (1 - p), c held."""
    problems, _ = simulated((0.33, 0.42, 0.66), 0.1, 100)
    logits: tuple[float, ...] = (0.0, 0.0, 0.0)
    last = -math.inf
    for _ in range(15):
        prior = sum(-math.log(2 + math.exp(a) + math.exp(-a)) for a in logits)
        value = log_likelihood(problems, logits, 0.1, spread) + prior
        assert value >= last - 1e-9
        last = value
        logits, _ = step(problems, logits, 0.1, spread)
    assert len(set(logits)) == 3


def test_unequal_difficulty_is_what_makes_one_coin_too_sure():
    problems, truths = simulated((0.35, 0.4, 0.65), 0.1, 6000, spread=2.0)
    marginal = [sum(p) / 6000 for p in zip(*_right(problems, truths), strict=True)]
    found = fit(problems, 3, spread=2.0, draws=0)
    assert found.right == pytest.approx(marginal, abs=0.05)
    coins = fit(problems, 3, draws=0)
    assert min(np.subtract(coins.right, marginal)[:2]) > 0.05
    assert abs(_apart(problems, truths, found)) < 0.04
    assert _apart(problems, truths, coins) > 0.08


def _right(problems, truths):
    for votes, true in zip(problems, truths, strict=True):
        yield votes[true] if true is not None else (0.0,) * 3


def _apart(problems, truths, found):
    """How much surer the fit is than it is right, in the mean."""
    told = [posteriors(votes, found) for votes in problems]
    return np.mean([max(one) for one in told]) - accuracy(map(best, told), truths) / len(told)


def test_one_worker_is_unknown_unless_it_answers_again_and_again():
    found = fit([((1.0,),), ((2.0,),)] * 50, 1, draws=5)
    assert not found.identified
    often, _ = simulated((0.6,) * 6, 0.1, 2000)
    found = fit([tuple((sum(one),) for one in votes) for votes in often], 1, draws=5)
    assert found.identified
    assert found.right == pytest.approx([0.6], abs=0.03)


def test_two_workers_are_not_told_apart():
    problems, _ = simulated((0.9, 0.4), 0.1, 500)
    found = fit(problems, 2, draws=0)
    assert not found.identified
    assert found.right[0] == pytest.approx(found.right[1], abs=1e-6)


def test_all_agree():
    found = fit([((1.0, 1.0, 1.0),)] * 100, 3, draws=5)
    assert min(found.right) > 0.97
    assert posteriors(((1.0, 1.0, 1.0),), found)[0] > 0.99


def test_nobody_agrees():
    found = fit([((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))] * 100, 3, draws=5)
    assert max(found.right) < 0.5
    assert found.coincidence < 0.1


@pytest.mark.parametrize("problems", [[], [()], [(), ()]])
def test_nobody_answers(problems):
    found = fit(problems, 3, draws=5)
    assert found.right == pytest.approx((0.5, 0.5, 0.5))
    assert not found.identified


def test_those_who_abstain_are_missing_and_not_wrong():
    often, _ = simulated((0.8, 0.6, 0.6), 0.1, 4000)
    seldom = [
        tuple(one for one in ((0.0, *one[1:]) for one in votes) if any(one)) if at % 2 else votes
        for at, votes in enumerate(often)
    ]
    assert fit(seldom, 3, draws=0).right == pytest.approx((0.8, 0.6, 0.6), abs=0.04)


@pytest.mark.parametrize("votes", [((1.0, 0.0),), ((1.0, 0.0, -1.0),)])
def test_votes_that_are_none(votes):
    with pytest.raises(ValueError, match="expected 3 numbers >= 0"):
        fit([votes], 3)
