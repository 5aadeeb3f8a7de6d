"""Reward ensembles, by hand."""

import numpy as np
import pytest

from reason_w2s.stages.verifiers.ensemble import ensemble

NAN = np.nan
SCORES = np.array([[1.0, 2.0, 6.0], [4.0, NAN, 2.0], [NAN, NAN, NAN]])


def test_mean_worst_and_mean_less_disagreement():
    np.testing.assert_allclose(ensemble(SCORES, "mean", 0.5), [3, 3, NAN])
    np.testing.assert_allclose(ensemble(SCORES, "wco", 0.5), [1, 2, NAN])
    # variances by the number of scores: (4 + 1 + 9) / 3 and (1 + 1) / 2
    np.testing.assert_allclose(ensemble(SCORES, "uwo", 0.5), [3 - 0.5 * 14 / 3, 3 - 0.5 * 1, NAN])


def test_a_penalty_of_nought_is_nought():
    np.testing.assert_allclose(ensemble(SCORES, "uwo", 0.0), [3, 3, NAN])
    assert ensemble(SCORES, "uwo", 1.0)[1] == pytest.approx(2)
    assert ensemble(np.zeros((0, 3)), "mean", 0.5).tolist() == []
