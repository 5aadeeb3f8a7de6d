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


SURE = [math.log(3), 0.0]
"""Logits of p = (3/4, 1/4)."""


def remembered(*values: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([values]), torch.arange(len(values))[None]


@pytest.mark.parametrize(
    ("before", "loss", "after"),
    [
        # new: t = .3 p = (.225, .075), <t, p> = .1875: -ln .25 + 3 ln .8125
        ((0.0, 0.0), 0.7634, (0.225, 0.075)),
        # t = .7 (.5, .2) + .3 p = (.575, .215), <t, p> = .485: -ln .25 + 3 ln .515
        ((0.5, 0.2), -0.6045, (0.575, 0.215)),
    ],
)
def test_early_learning_by_hand(before, loss, after) -> None:
    found, values, ids = losses.early_learning(
        torch.tensor([SURE]), torch.tensor([1]), *remembered(*before), 0.7, 3.0
    )
    assert found.tolist() == pytest.approx([loss], abs=1e-4)
    assert values[0].tolist() == pytest.approx(list(after))
    assert ids.tolist() == [[0, 1]]


def test_early_learning_with_all_kept_is_the_published_code() -> None:
    """Three passes over 20 tokens, the target as a dense table (shengliu66/ELR, elr_loss)."""
    torch.manual_seed(3)
    table, labels = torch.zeros(20, 9, dtype=torch.float64), torch.randint(9, (20,))
    values, ids = torch.zeros(20, 9, dtype=torch.float64), torch.arange(9).expand(20, 9)
    few = torch.zeros(20, 3, dtype=torch.float64), torch.arange(3).expand(20, 3)
    for _ in range(3):
        logits = torch.randn(20, 9, dtype=torch.float64)
        p = logits.softmax(-1).clamp(1e-4, 1 - 1e-4)
        table = 0.7 * table + 0.3 * p / p.sum(-1, keepdim=True)
        cross = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        expected = cross + 3 * (1 - (table * p).sum(-1)).log()
        found, values, ids = losses.early_learning(logits, labels, values, ids, 0.7, 3.0)
        assert torch.allclose(found, expected, atol=1e-6)
        part, *few = losses.early_learning(logits, labels, *few, 0.7, 3.0)
        assert (part > found - 1e-9).all(), "what is dropped counts as 0"
        assert (few[0].sum(-1) < values.sum(-1)).all()


def test_early_learnings_gradient() -> None:
    torch.manual_seed(4)
    logits = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(7, (5,))
    values, ids = torch.rand(5, 4, dtype=torch.float64) / 8, torch.rand(5, 7).topk(4).indices

    def fixed(z: torch.Tensor) -> torch.Tensor:
        """What is remembered does not move with the logits."""
        return losses.early_learning(z, labels, values, ids, 1.0, 3.0)[0]

    assert torch.autograd.gradcheck(fixed, (logits,))
    found, new, at = losses.early_learning(logits, labels, values, ids, 0.7, 3.0)
    found.sum().backward()
    p = logits.detach().softmax(-1)
    t = torch.zeros_like(p).scatter_(-1, at, new)
    s = (t * p).sum(-1, keepdim=True)
    hard = torch.nn.functional.one_hot(labels, 7)
    # no gradient flows through t: of log(1 - <t, p>) it is -p (t - s) / (1 - s)
    assert logits.grad is not None
    assert torch.allclose(logits.grad, p - hard - 3 * p * (t - s) / (1 - s), atol=1e-12)


def test_what_was_likely_before_holds_against_another_label() -> None:
    """The label says 1, the student said 0 before: without the term the gradient pulls to 1."""
    pulls = []
    for weight in (1e-9, 3.0):
        logits = torch.tensor([SURE], requires_grad=True)
        early = losses.early_learning(
            logits, torch.tensor([1]), *remembered(0.9, 0.05), 0.7, weight
        )
        early[0].sum().backward()
        assert logits.grad is not None
        pulls.append(logits.grad[0, 1].item())
    assert pulls[0] < -0.7
    assert pulls[1] > pulls[0] + 0.5
