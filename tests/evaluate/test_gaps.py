"""PGR, RGR and the share of the gold-SFT gain, worked out by hand."""

import pytest

from reason_w2s.errors import DataError
from reason_w2s.evaluate.gaps import gold_gain_share, pgr, rgr, same_problems


def right(count, of=200):
    """The first `count` of the problems right."""
    return {f"p{at}": float(at < count) for at in range(of)}


def test_pgr_by_hand():
    found = pgr(floor=right(60), reached=right(150), ceiling=right(180), seed=0)
    # 0.3, 0.75, 0.9
    assert found.gap.value == pytest.approx((0.75 - 0.3) / (0.9 - 0.3))
    assert (found.measure, found.n) == ("PGR", 200)
    assert (found.start, found.reached, found.end) == pytest.approx((0.3, 0.75, 0.9))
    assert found.gap.low < 0.75 < found.gap.high


def test_rgr_by_hand():
    found = rgr(base=right(40), reached=right(100), rl_ceiling=right(120), seed=0)
    assert found.gap.value == pytest.approx((0.5 - 0.2) / (0.6 - 0.2))
    assert found.sentence.startswith("RGR 0.75 [")
    assert found.sentence.endswith("base 0.200, reached 0.500, RL ceiling 0.600, n = 200")


def test_share_of_the_gold_gain_by_hand():
    found = gold_gain_share(base=right(40), reached=right(100), gold_sft=right(90), seed=0)
    assert found.gap.value == pytest.approx(0.3 / 0.25)  # not clipped
    assert found.measure == "share of the gold-SFT gain"


def test_a_refusal_keeps_the_accuracies():
    found = rgr(base=right(100), reached=right(101), rl_ceiling=right(102), seed=0)
    assert found.gap.value is None
    assert "not given (RL ceiling - base is +0.010" in found.sentence
    assert "base 0.500, reached 0.505, RL ceiling 0.510" in found.sentence


def test_scores_are_matched_by_problem():
    floor, ceiling = right(60), right(180)
    turned = dict(reversed(list(ceiling.items())))
    assert pgr(floor, right(150), turned, seed=0) == pgr(floor, right(150), ceiling, seed=0)


def test_other_problems_are_refused():
    with pytest.raises(DataError, match=r"2 problems are not scored for every model \(p2, p3\)"):
        same_problems(right(1, of=4), right(1, of=2))
    with pytest.raises(DataError, match=r"4 problems .*\(p0, p1, p2, \.\.\.\)"):
        same_problems({}, right(1, of=4))
    with pytest.raises(DataError, match="no problems"):
        pgr({}, {}, {}, seed=0)
