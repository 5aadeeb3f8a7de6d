"""Our loss terms against numbers worked out by hand, and their gradients."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from reason_w2s.train import losses
from tests.train.hand_losses import dpo_loss

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

LOG2 = math.log(2)


@pytest.mark.parametrize(
    ("logps", "beta", "flipped", "loss"),
    [
        # h = 3, beta h = 1.5: softplus(-1.5) = .2014, and .1 * 1.5 more
        ((-1.0, -4.0, -2.0, -2.0), 0.5, 0.1, 0.3514),
        # h = 0: ln 2 whoever is right
        ((-5.0, -7.0, -5.0, -7.0), 0.5, 0.3, LOG2),
        # h = -3: softplus(1.5) = 1.7014, and .1 * 1.5 less
        ((-4.0, -1.0, -2.0, -2.0), 0.5, 0.1, 1.5514),
    ],
)
def test_conservative_by_hand(
    logps: tuple[float, ...], beta: float, flipped: float, loss: float
) -> None:
    four = [torch.tensor([x]) for x in logps]
    assert losses.conservative_dpo(*four, beta=beta, flipped=flipped).item() == pytest.approx(
        loss, abs=1e-4
    )


def test_conservative_with_nothing_flipped_is_dpo() -> None:
    torch.manual_seed(0)
    four = [torch.randn(50, dtype=torch.float64) * 4 for _ in range(4)]
    assert torch.equal(
        losses.conservative_dpo(*four, beta=0.3, flipped=0.0), dpo_loss(*four, beta=0.3)
    )


def test_conservative_stops_where_the_pairs_are_as_sure_as_they_are_right() -> None:
    """The gradient is zero at sigmoid(beta h) = 1 - flipped, and nowhere else."""
    beta, flipped = 0.5, 0.2
    best = math.log((1 - flipped) / flipped) / beta
    for h, sign in ((best, 0), (best - 1, -1), (best + 1, 1)):
        chosen = torch.tensor([h], dtype=torch.float64, requires_grad=True)
        zero = torch.zeros(1, dtype=torch.float64)
        losses.conservative_dpo(chosen, zero, zero, zero, beta, flipped).backward()
        assert chosen.grad is not None
        assert sign * chosen.grad.item() > 0.01 if sign else abs(chosen.grad.item()) < 1e-12


def test_conservatives_gradient() -> None:
    torch.manual_seed(1)
    four = [torch.randn(6, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    assert torch.autograd.gradcheck(
        lambda *x: losses.conservative_dpo(*x, beta=0.7, flipped=0.15), four
    )


@pytest.mark.parametrize(
    ("own_weight", "loss"),
    [
        # p = 1/8, 1/8, 1/4, 1/2; the weak token is 2, the student's own 3
        (0.0, 2 * LOG2),
        (0.5, 1.5 * LOG2),
        (0.75, 1.25 * LOG2),
    ],
)
def test_confidence_by_hand(own_weight: float, loss: float) -> None:
    logits = torch.tensor([[0.0, 0.0, LOG2, 2 * LOG2]])
    got, own = losses.confidence(logits, torch.tensor([2]), own_weight)
    assert got.tolist() == pytest.approx([loss], abs=1e-6)
    assert own.tolist() == [3]


def test_where_the_student_agrees_its_weight_says_nothing() -> None:
    logits = torch.tensor([[0.0, 3.0, 1.0]])
    weak = torch.tensor([1])
    assert torch.equal(
        losses.confidence(logits, weak, 0.75)[0], losses.confidence(logits, weak, 0.0)[0]
    )


def test_confidences_gradient() -> None:
    torch.manual_seed(2)
    logits = torch.randn(3, 5, 7, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(7, (3, 5))
    assert torch.autograd.gradcheck(lambda z: losses.confidence(z, labels, 0.3)[0], (logits,))
    found, own = losses.confidence(logits, labels, 0.3)
    found.sum().backward()
    hard = [torch.nn.functional.one_hot(at, 7) for at in (labels, own)]
    assert logits.grad is not None
    expected = logits.detach().softmax(-1) - 0.7 * hard[0] - 0.3 * hard[1]
    assert torch.allclose(logits.grad, expected, atol=1e-12)


def test_confidence_is_computed_in_float32_at_least() -> None:
    logits = torch.randn(4, 50).to(torch.bfloat16)
    labels = torch.randint(50, (4,))
    found, _ = losses.confidence(logits, labels, 0.5)
    assert found.dtype == torch.float32
    assert torch.equal(found, losses.confidence(logits.float(), labels, 0.5)[0])


def test_the_warm_up_has_no_jump() -> None:
    weights = [losses.warmed(0.5, 0.1, done, 100) for done in range(100)]
    assert weights[:3] == pytest.approx([0.0, 0.05, 0.1])
    assert weights[9:12] == pytest.approx([0.45, 0.5, 0.5])
    steps = [after - before for before, after in pairwise(weights)]
    assert max(steps) == pytest.approx(0.05), "the published code jumps from .05 to .5 at once"
    assert losses.warmed(0.75, 0.0, 0, 100) == 0.75
    assert losses.warmed(0.5, 0.3, 0, 1) == 0.0


def test_critical_tokens_by_hand() -> None:
    """Chosen ratios 1 and .5, rejected -2 and 1 weighing .5 and .25: .5 (1.5 - (-1 + .25)) = 1.125,
    and -log sigmoid(1.125) = .2812. With weights of 1 it is .5 (1.5 + 1) = 1.25: .2519."""
    four = [
        torch.tensor([logps]) for logps in ([-1.0, -2], [-3.0, -1.0], [-2.0, -2.5], [-1.0, -2.0])
    ]
    for weights, loss in (([0.5, 0.25], 0.2812), ([1.0, 1.0], 0.2519)):
        got = losses.critical_tokens_dpo(*four, torch.tensor([weights]), beta=0.5)
        assert got.tolist() == pytest.approx([loss], abs=1e-4)


def test_critical_tokens_with_equal_weights_is_dpo_of_the_sums() -> None:
    torch.manual_seed(2)
    four = [torch.randn(8, 5, dtype=torch.float64) for _ in range(4)]
    found = losses.critical_tokens_dpo(*four, torch.ones(8, 5, dtype=torch.float64), beta=0.3)
    assert torch.allclose(found, dpo_loss(*(one.sum(-1) for one in four), beta=0.3))


def test_critical_tokens_gradient() -> None:
    torch.manual_seed(3)
    four = [torch.randn(4, 3, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    weights = torch.rand(4, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda *x: losses.critical_tokens_dpo(*x, weights, beta=0.7), four
    )


@pytest.mark.parametrize(("wanted", "loss"), [(True, 0.3133), (False, 1.3133)])
def test_cross_entropy_of_a_reward_by_hand(wanted: bool, loss: float) -> None:
    """A reward of .5 (-1 + 3) = 1: log(1 + e^-1), or log(1 + e)."""
    logps = torch.tensor([-1.0]), torch.tensor([-3.0])
    got = losses.reward_cross_entropy(*logps, torch.tensor([wanted]), beta=0.5)
    assert got.tolist() == pytest.approx([loss], abs=1e-4)
    plain = losses.unpaired_apo_zero(*logps, torch.tensor([wanted]), beta=0.5)
    assert plain.item() == pytest.approx(1 - math.exp(-loss), abs=1e-4)


def test_cross_entropy_is_that_of_a_coin_with_the_rewards_chance() -> None:
    torch.manual_seed(4)
    policy, reference = (torch.randn(50, dtype=torch.float64) * 9 for _ in range(2))
    wanted = torch.rand(50) < 0.4
    got = losses.reward_cross_entropy(policy, reference, wanted, beta=0.2)
    chance = torch.sigmoid(0.2 * (policy - reference))
    expected = torch.nn.functional.binary_cross_entropy(chance, wanted.double(), reduction="none")
    assert torch.allclose(got, expected)


def test_gradient_of_the_cross_entropy() -> None:
    torch.manual_seed(5)
    two = [torch.randn(6, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    wanted = torch.tensor([True, False, True, True, False, False])
    assert torch.autograd.gradcheck(
        lambda *x: losses.reward_cross_entropy(*x, wanted, beta=0.7), two
    )
