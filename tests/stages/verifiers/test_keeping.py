"""Which verifiers are left out, and why."""

import numpy as np
import pytest

from reason_w2s.stages.verifiers.keeping import independent, left_out
from reason_w2s.stages.verifiers.patterns import Patterns, patterns
from reason_w2s.stages.verifiers.settings import Drop
from tests.stages.verifiers.exact import drawn
from tests.stages.verifiers.test_moments import RATES


def says_yes(*rates):
    """Verifiers that say yes to so many of 100 traces."""
    votes = np.array([[float(at < 100 * rate) for rate in rates] for at in range(100)])
    return patterns(votes)[0]


def test_what_always_says_the_same_is_out_whatever_is_asked():
    votes = np.array([[1.0, 1.0, np.nan], [1.0, 0.0, np.nan]])
    assert left_out(Patterns(votes, np.ones(2)), None, None) == [
        "always says the same",
        None,
        "gives no votes",
    ]


@pytest.mark.parametrize(
    ("balance", "stay"),
    [
        (None, [False, True, True, True, False]),
        (0.5, [False, True, True, True, False]),
        (0.1, [True, True, False, False, False]),
        (0.9, [False, False, False, True, True]),
    ],
)
def test_one_sided_verifiers_go_by_how_rare_right_traces_are(balance, stay):
    seen = says_yes(0.05, 0.3, 0.5, 0.7, 0.95)
    assert [why is None for why in left_out(seen, Drop(), balance)] == stay
    assert left_out(seen, Drop(one_sided=False), balance) == [None] * 5


def test_of_a_pair_that_depends_one_goes():
    together = np.full((4, 4), 0.3)
    together[0, 1] = together[1, 0] = 0.9
    np.fill_diagonal(together, 1.0)
    stay = independent(together, 3)
    assert len({0, 1} & set(stay)) == 1
    assert {2, 3} <= set(stay)


def test_many_verifiers_lose_the_same_ones_without_trying_all_subsets(monkeypatch):
    votes = drawn(RATES._replace(hit=np.full(6, 0.8), fooled=np.full(6, 0.2)), 2000, 1, copied=0.8)[
        1
    ]
    seen = patterns(votes)[0]
    whole = left_out(seen, Drop(keep=5), None)
    monkeypatch.setattr("reason_w2s.stages.verifiers.keeping._MANY", 0)
    assert [why is None for why in whole].count(False) == 1
    assert whole[0] or whole[1]
    assert sum(why is not None for why in left_out(seen, Drop(keep=5), None)[:2]) == 1
