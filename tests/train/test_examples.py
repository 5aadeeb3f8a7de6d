"""What the trainers are given, token by token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reason_w2s.errors import DataError
from reason_w2s.prompts import Prompt
from reason_w2s.records import Problem
from reason_w2s.train import examples
from reason_w2s.train.config import Answer, Example, PairExample
from tests.conftest import make_tokenizer

pytestmark = pytest.mark.torch
pytest.importorskip("transformers")

PROMPT = Prompt(template="Question: {question} Answer:")
PROBLEM = Problem(id="p1", question="3 + 4")
ASKED = [3, 19, 26, 20, 4]  # Question: 3 + 4 Answer:
EOS = 1


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer()


@pytest.mark.parametrize(
    ("answer", "learned"),
    [
        (Answer("The answer is 7"), [5, 6, 7, 23, EOS]),
        (Answer("The answer is 7", ends=False), [5, 6, 7, 23]),
        # the sampled ids win where they spell the text, even if the text has other ids
        (Answer("The answer", token_ids=(5, 6)), [5, 6, EOS]),
        (Answer(" The answer", token_ids=(5, 6)), [5, 6, EOS]),
        # another tokenizer's ids are not used
        (Answer("The answer", token_ids=(9, 9)), [5, 6, EOS]),
        (Answer("The answer", token_ids=(5, 600)), [5, 6, EOS]),
        (Answer("", token_ids=()), [EOS]),
    ],
)
def test_sft_learns_the_answer_alone(tokenizer, answer, learned) -> None:
    (row,) = examples.sft_rows([Example(PROBLEM, answer)], PROMPT, tokenizer)
    assert row["input_ids"] == ASKED + learned
    assert row["labels"] == [-100] * len(ASKED) + learned


def test_the_separator_is_for_text_that_was_not_sampled(tokenizer) -> None:
    prompt = PROMPT.model_copy(update={"separator": "so "})
    written, sampled = Answer("7", ends=False), Answer("7", token_ids=(9,), ends=False)
    assert examples.answer_ids(written, prompt, tokenizer, "p") == [10, 23]
    assert examples.answer_ids(sampled, prompt, tokenizer, "p") == [23]


def test_pairs_share_the_prompts_ids(tokenizer) -> None:
    pair = PairExample(PROBLEM, Answer("7"), Answer("6 6", ends=False))
    (row,) = examples.dpo_rows([pair], PROMPT, tokenizer)
    assert row == {"prompt_ids": ASKED, "chosen_ids": [23, EOS], "rejected_ids": [22, 22]}
    assert examples.lengths([row]) == [7]
    assert examples.learned_tokens([row]) == 4


@given(count=st.integers(1, 30), wanted=st.integers(0, 90), seed=st.integers(0, 5))
def test_a_stream_shows_every_row_before_any_again(count, wanted, seed) -> None:
    order = examples.stream(count, wanted, seed)
    assert len(order) == wanted
    for start in range(0, wanted - count + 1, count):
        assert sorted(order[start : start + count]) == list(range(count))
    longer = examples.stream(count, wanted + 7, seed)
    assert longer[:wanted] == order, "a longer run begins as a shorter one"


def test_passes_and_seeds_differ_in_their_order() -> None:
    first, again = examples.stream(50, 50, 0), examples.stream(50, 100, 0)[50:]
    assert first != again
    assert first != examples.stream(50, 50, 1)


def test_a_pair_of_equals_is_refused(tokenizer) -> None:
    with pytest.raises(DataError, match="p1: chosen and rejected are the same"):
        examples.dpo_rows([PairExample(PROBLEM, Answer("7"), Answer("7 "))], PROMPT, tokenizer)


def test_an_empty_answer_that_was_cut_is_refused(tokenizer) -> None:
    with pytest.raises(DataError, match="p1: an answer without a single token"):
        examples.sft_rows([Example(PROBLEM, Answer("", ends=False))], PROMPT, tokenizer)
