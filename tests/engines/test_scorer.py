"""What models say of given tokens: by hand, against one plain pass a sequence, in any company."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from reason_w2s.engines import EngineSettings, measures, scorer
from reason_w2s.errors import EngineError

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

SETTINGS = EngineSettings(dtype="float32", threads=1)
SEQUENCES = [
    ([3, 34, 35], [19, 26, 20, 1]),
    ([5], [6, 7]),
    ([4, 4, 4, 4], [23]),
    ([3, 34, 35, 19, 20, 27, 21, 36], [9] * 30),
    ([7, 7], [8, 1]),
]
POSITIVE = torch.tensor([[1.0, 2.0, 5.0]]).log()
NEGATIVE = torch.tensor([[4.0, 2.0, 2.0]]).log()


def test_log_probabilities_by_hand() -> None:
    said = measures.logprobs([POSITIVE.expand(3, 3)], torch.arange(3))
    assert said[0].exp().tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8])


def test_ranks_and_surprisals_by_hand() -> None:
    ranks, surprisals = measures.ranks([POSITIVE.expand(3, 3)], torch.arange(3))
    assert ranks.tolist() == [3, 2, 1]
    assert surprisals.tolist() == pytest.approx([math.log(8), math.log(4), math.log(8 / 5)])
    tied, _ = measures.ranks([NEGATIVE.expand(3, 3)], torch.arange(3))
    assert tied.tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    ("beta", "wanted"), [(1.0, [1 / 59, 8 / 59, 50 / 59]), (2.0, [1 / 533, 32 / 533, 500 / 533])]
)
def test_contrast_by_hand(beta: float, wanted: list[float]) -> None:
    """With beta 1 the weights are 1/4, 4/2 and 25/2; with beta 2: 1/16, 8/4 and 125/4."""
    logits = [POSITIVE.expand(3, 3), NEGATIVE.expand(3, 3)]
    said = measures.contrast(beta)(logits, torch.arange(3))
    assert said[0].tolist() == pytest.approx(wanted)


def test_padding_of_a_vocabulary_plays_no_part_in_a_contrast() -> None:
    padded = torch.cat((NEGATIVE, torch.tensor([[9.0]])), dim=-1)
    said = measures.contrast(1.0)([POSITIVE, padded], torch.tensor([1]))
    assert said.item() == pytest.approx(8 / 59)


def plain(model, measure, others=()) -> list[list[list[float]]]:
    """One forward pass for each sequence."""
    told = []
    for asked, said in SEQUENCES:
        at = slice(len(asked) - 1, len(asked) + len(said) - 1)
        ids = torch.tensor([[*asked, *said]])
        logits = [one(ids).logits.detach()[0, at] for one in (model, *others)]
        told.append(measure(logits, torch.tensor(said)).tolist())
    return told


@pytest.mark.parametrize("piece", [2**28, 4 * 41 * 5 * 7, 1])
@pytest.mark.parametrize("batch", [8192, 60, 1])
def test_values_do_not_depend_on_batch_padding_or_pieces(
    tiny_model: Path, other_tiny_model: Path, monkeypatch, piece: int, batch: int
) -> None:
    monkeypatch.setattr(scorer, "LOGITS_BYTES", piece)
    monkeypatch.setattr(scorer, "BATCH_TOKENS", batch)
    both = scorer.HfScorer(tiny_model, SETTINGS, (other_tiny_model, SETTINGS))
    one = scorer.HfScorer(tiny_model, SETTINGS)
    asked = [
        (one, measures.logprobs, ()),
        (one, measures.ranks, ()),
        (both, measures.contrast(1.0), both._models[1:]),
    ]
    for opened, measure, others in asked:
        wanted = plain(opened._models[0], measure, others)
        found = dict(opened.measured(SEQUENCES, measure))
        assert sorted(found) == list(range(len(SEQUENCES)))
        for place, values in found.items():
            for line, right in zip(values, wanted[place], strict=True):
                assert line == pytest.approx(right, abs=2e-5)


def test_log_probabilities_come_in_the_order_asked(tiny_model: Path) -> None:
    opened = scorer.HfScorer(tiny_model, SETTINGS)
    together = opened.logprobs(SEQUENCES)
    assert [len(line) for line in together] == [4, 2, 1, 30, 2]
    logps = opened._models[0](torch.tensor([[5, 6, 7]])).logits.detach().log_softmax(-1)
    assert together[1] == pytest.approx([float(logps[0, 0, 6]), float(logps[0, 1, 7])], abs=1e-5)


def test_batches_hold_like_lengths_and_no_more_than_they_may(monkeypatch) -> None:
    monkeypatch.setattr(scorer, "BATCH_TOKENS", 20)
    assert list(scorer.batches([4, 30, 5, 10, 9])) == [[1], [3, 4], [2, 0]]


def test_a_closed_scorer_says_so(tiny_model: Path) -> None:
    opened = scorer.HfScorer(tiny_model, SETTINGS)
    opened.close()
    with pytest.raises(EngineError, match="this scorer is closed; open another one"):
        opened.logprobs(SEQUENCES)
