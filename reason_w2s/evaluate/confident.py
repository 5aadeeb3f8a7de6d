"""Confident learning: which labels of a set are likely wrong, by what a model would say of them.

After Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset
Labels" (JAIR 70), as their published code has it; the names are ours. The probabilities must be of
a model that has not seen the item's own label, or it says what it was told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pruning = Literal["class", "noise_rate", "both"]
Floats = NDArray[np.float64]
_TINY = 1e-6
"""A probability that is its class's threshold but for a rounding error is at it."""


@dataclass(frozen=True, slots=True)
class Joint:
    """thresholds: t_j, [K]. counts: C[i][j], items labelled i that are confidently j, [K, K].
    share: the joint distribution of label and truth they stand for, [K, K], summing to 1."""

    thresholds: Floats
    counts: NDArray[np.int64]
    share: Floats

    @property
    def wrong(self) -> float:
        """The share of labels that are wrong, as estimated."""
        return float(1.0 - np.trace(self.share))


def confident_joint(labels: NDArray[np.int64], p: Floats) -> Joint:
    """Counts of items by label and by what they are confidently.

    labels [N] within 0..K-1, each at least once; p [N, K], out of sample. t_j is the mean p_j of
    the items labelled j. An item is confidently the class of greatest p_j among those with p_j >=
    t_j; where there is none it is not counted. Rows are scaled to how often each label stands, then
    all to 1; a label none of whose items is confidently anything is taken to be right.

    Raises:
        ValueError: shapes that do not fit, or a class that no item is labelled.
    """
    classes = p.shape[1] if p.ndim == 2 else 0
    stands = np.bincount(labels, minlength=classes) if len(labels) else np.zeros(classes)
    if len(labels) != len(p) or len(stands) != classes or not classes or not stands.all():
        raise ValueError(
            f"confident_joint: got {len(labels)} labels, probabilities {p.shape}; expected a row "
            f"of K for each, and every class as a label"
        )
    thresholds = np.array([p[labels == one, one].mean() for one in range(classes)])
    above = np.where(p >= thresholds - _TINY, p, -1.0)
    likely, counted = above.argmax(axis=1), above.max(axis=1) >= 0
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels[counted], likely[counted]), 1)
    scaled = counts.astype(np.float64)
    empty = counts.sum(axis=1) == 0
    scaled[empty, empty] = 1.0
    scaled *= (stands / scaled.sum(axis=1))[:, None]
    return Joint(thresholds, counts, scaled / scaled.sum())


def likely_wrong(
    labels: NDArray[np.int64], p: Floats, by: Pruning = "both", joint: Joint | None = None
) -> NDArray[np.bool_]:
    """Which labels to prune, [N].

    class: of each label i as many as the joint says are wrong, those with the least p_i.
    noise_rate: of each label i and truth j as many as the joint says, those with the greatest p_j -
    p_i. both: what both would prune. With two classes these are the same.

    Raises:
        ValueError: as `confident_joint`.
    """
    found = joint or confident_joint(labels, p)
    number = np.rint(found.share * len(labels)).astype(np.int64)
    by_class, by_rate = (np.zeros(len(labels), dtype=np.bool_) for _ in range(2))
    for label in range(p.shape[1]):
        own = np.flatnonzero(labels == label)
        others = [other for other in range(p.shape[1]) if other != label]
        by_class[_least(own, p[own, label], number[label, others].sum())] = True
        for other in others:
            by_rate[_least(own, p[own, label] - p[own, other], number[label, other])] = True
    pruned: dict[Pruning, NDArray[np.bool_]] = {
        "class": by_class,
        "noise_rate": by_rate,
        "both": by_class & by_rate,
    }
    return pruned[by]


def _least(items: NDArray[np.intp], values: Floats, number: int) -> NDArray[np.intp]:
    return items[np.argsort(values, kind="stable")[:number]]
