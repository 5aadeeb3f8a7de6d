"""Confident learning by hand, and on labels flipped at known rates."""

from __future__ import annotations

import numpy as np
import pytest

from reason_w2s.evaluate.confident import confident_joint, likely_wrong

# six items, three of each label; the third of label 0 looks like a 1, the last of label 1 like a 0
LABELS = np.array([0, 0, 0, 1, 1, 1])
P = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])


def test_by_hand():
    found = confident_joint(LABELS, P)
    # t_0 = (.9 + .8 + .1) / 3 = .6, t_1 = (.8 + .6 + .3) / 3 = .5667
    assert found.thresholds == pytest.approx([0.6, 17 / 30])
    assert found.counts.tolist() == [[2, 1], [1, 2]]
    assert found.share == pytest.approx(np.array([[2, 1], [1, 2]]) / 6)
    assert found.wrong == pytest.approx(1 / 3)
    for by in ("class", "noise_rate", "both"):
        assert np.flatnonzero(likely_wrong(LABELS, P, by)).tolist() == [2, 5]


def test_what_is_confidently_nothing_is_not_counted_and_rows_are_scaled_to_the_labels():
    labels = np.array([0, 0, 0, 0, 1, 1])
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0.1, 0.9], [0.1, 0.9]])
    found = confident_joint(labels, p)
    # t_0 = .7, t_1 = .9: the two in the middle are neither
    assert found.counts.tolist() == [[2, 0], [0, 2]]
    assert found.share == pytest.approx(np.array([[4, 0], [0, 2]]) / 6)
    assert not likely_wrong(labels, p).any()


def test_of_several_classes_above_their_thresholds_the_likeliest_counts():
    labels = np.array([0, 1, 2, 0])
    p = np.array([[0.5, 0.3, 0.2], [0.2, 0.4, 0.4], [0.1, 0.5, 0.4], [0.1, 0.5, 0.4]])
    found = confident_joint(labels, p)
    assert found.thresholds == pytest.approx([0.3, 0.4, 0.4])
    # items 2 and 3 are above the thresholds of 1 and 2, and likelier 1
    assert found.counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]


def test_prunings_differ_with_three_classes():
    labels = np.array([0] * 6 + [1] * 3 + [2] * 3)
    p = np.array(
        [[0.8, 0.1, 0.1]] * 4 + [[0.1, 0.8, 0.1], [0.3, 0.25, 0.45]]
        + [[0.1, 0.8, 0.1]] * 3 + [[0.2, 0.2, 0.6]] * 3
    )  # fmt: skip
    by_class = likely_wrong(labels, p, "class")
    by_rate = likely_wrong(labels, p, "noise_rate")
    assert np.flatnonzero(by_rate).tolist() == [4]
    assert (likely_wrong(labels, p, "both") == (by_class & by_rate)).all()


def test_flipped_labels_are_counted_and_found():
    """10% of the ones and 30% of the noughts are flipped; p is what a model that is right says."""
    dice = np.random.default_rng(0)
    truth = dice.integers(0, 2, 20_000)
    labels = np.where(dice.random(20_000) < np.where(truth == 1, 0.1, 0.3), 1 - truth, truth)
    # what the model sees of the truth, and the label's own chance given that
    sure = np.clip(dice.beta(8, 1, 20_000), 0, 1)
    one = np.where(truth == 1, sure, 1 - sure)
    p = one * 0.9 + (1 - one) * 0.3
    found = confident_joint(labels, np.stack([1 - p, p], axis=1))
    assert found.share == pytest.approx(np.array([[0.35, 0.05], [0.15, 0.45]]), abs=0.02)
    pruned = likely_wrong(labels, np.stack([1 - p, p], axis=1))
    wrong = labels != truth
    assert (pruned & wrong).sum() / pruned.sum() > 0.9
    assert (pruned & wrong).sum() / wrong.sum() > 0.9


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="every class as a label"):
        confident_joint(np.array([0, 0]), np.array([[0.5, 0.5], [0.5, 0.5]]))
    with pytest.raises(ValueError, match="got 1 labels"):
        confident_joint(np.array([0]), np.array([[0.5, 0.5], [0.5, 0.5]]))
    with pytest.raises(ValueError, match="got 0 labels"):
        confident_joint(np.array([], dtype=int), np.empty((0, 2)))
