"""From chosen traces, pairs and solutions to training examples."""

from __future__ import annotations

import dataclasses

import pytest

from reason_w2s.errors import DataError
from reason_w2s.records import Pair
from reason_w2s.stages.train import TrainConfig, answer, from_pairs, from_solutions, from_traces
from reason_w2s.train.config import Answer
from tests.stages.traces import group


def test_traces_keep_their_order_ids_and_end():
    rows = group("p", 2)
    cut = dataclasses.replace(rows[1].trace, finish_reason="length", token_ids=(4, 5))
    rows[1] = dataclasses.replace(rows[1], trace=cut)
    found = list(from_traces(rows))
    assert [one.answer for one in found] == [
        Answer("text 0", None, ends=True),
        Answer("text 1", (4, 5), ends=False),
    ]
    assert found[0].problem is rows[0].problem


def test_an_error_is_no_end():
    (row,) = group("p", 1, ends="error")
    assert answer(row.trace).ends is False


def test_pairs_join_their_traces():
    rows = {row.trace.key: row for row in group("p", 2)}
    (found,) = from_pairs([Pair(problem_id="p", chosen="p-1", rejected="p-0")], rows)
    assert (found.chosen.text, found.rejected.text) == ("text 1", "text 0")


def test_solutions():
    problem = group("p", 1)[0].problem
    whole = dataclasses.replace(problem, solution="3 + 4 = 7")
    assert [one.answer.text for one in from_solutions([whole])] == ["3 + 4 = 7"]
    with pytest.raises(DataError, match=r"problem p has no gold solution.*columns\.solution"):
        list(from_solutions([whole, problem]))


def test_lora_by_one_word():
    lora = TrainConfig(objective="sft", lora="all_linear").lora
    assert lora is not None
    assert lora.targets == "all_linear"
    assert TrainConfig(objective="sft", lora={"r": 4}).lora.r == 4
