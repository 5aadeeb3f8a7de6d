"""A log says the same wherever checkpoints were written."""

from __future__ import annotations

import pytest

from reason_w2s.train.curve import even


def entry(step: int, loss: float, **more: float) -> dict[str, float]:
    return {"step": step, "loss": loss, "learning_rate": step / 10, **more}


def test_entries_between_are_joined_with_the_next():
    # updates 1 to 10, losses 10 to 1; a checkpoint after 3 and one after 5
    whole = [entry(5, 8.0), entry(10, 3.0)]
    broken = [entry(3, 9.0), entry(5, 6.5), entry(10, 3.0)]
    assert even(broken, 5) == whole
    assert even(whole, 5) == whole
    broken = [entry(5, 8.0), entry(6, 5.0), entry(8, 3.5), entry(10, 1.5)]
    assert even(broken, 5) == whole


def test_what_only_a_checkpoint_wrote_at_the_end_is_left_out():
    assert even([entry(5, 8.0), entry(7, 4.5)], 5) == [entry(5, 8.0)]


def test_what_is_said_now_and_then_is_the_mean_of_what_was_said():
    broken = [entry(2, 1.0, reward=0.5), entry(3, 1.0), entry(4, 2.0, reward=1.0)]
    (joined,) = even(broken, 4)
    assert joined["reward"] == pytest.approx((2 * 0.5 + 1.0) / 3)
    assert joined["loss"] == pytest.approx(1.25)
    assert joined["learning_rate"] == 0.4
