import random

import pytest
from scipy.stats import mannwhitneyu

from reason_w2s.evaluate.lengths import length_bias


def test_the_auc_is_that_of_mann_and_whitney() -> None:
    rng = random.Random(0)
    chosen = [rng.randint(10, 60) for _ in range(300)]
    rejected = [rng.randint(20, 70) for _ in range(300)]
    found = length_bias([str(i // 2) for i in range(300)], chosen, rejected, seed=0)
    expected = mannwhitneyu(chosen, rejected).statistic / 300**2
    assert found.auc == pytest.approx(expected)
    assert found.low < found.auc < found.high
    assert found.pairs == 300
    assert found.chosen.mean == pytest.approx(sum(chosen) / 300)


def test_the_longest_always_chosen_is_one_and_the_shortest_zero() -> None:
    assert length_bias(["a", "b"], [9, 8], [1, 2], seed=0).auc == 1.0
    assert length_bias(["a", "b"], [1, 2], [9, 8], seed=0).auc == 0.0
    assert length_bias(["a", "b"], [5, 5], [5, 5], seed=0).auc == 0.5


def test_pairs_of_one_problem_count_as_one_draw() -> None:
    rng = random.Random(1)
    chosen = [rng.randint(10, 60) for _ in range(40)]
    rejected = [rng.randint(10, 60) for _ in range(40)]
    apart = length_bias([str(i) for i in range(40)], chosen, rejected, seed=0)
    together = length_bias([str(i // 20) for i in range(40)], chosen, rejected, seed=0)
    assert apart.auc == together.auc
    assert (apart.low, apart.high) != (together.low, together.high)


def test_no_pairs_have_no_bias() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        length_bias([], [], [], seed=0)
