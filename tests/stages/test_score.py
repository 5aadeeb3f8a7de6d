"""Scores of a trace, its steps and its tokens, worked out by hand; and where tokens end."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reason_w2s.answers.steps import pieces
from reason_w2s.records import Row
from reason_w2s.runs.tables import ANNOTATIONS
from reason_w2s.stages.score import COLUMNS, KINDS, Measured, ScoreConfig, score
from reason_w2s.stages.table import STAGES
from tests.conftest import make_tokenizer
from tests.stages.traces import group

TEXT = "1 + 2\n= 3"
ENDS = [1, 3, 6, 7, 9, 9]
"""Of the tokens `1`, ` +`, ` 2` with its new line, `=`, ` 3` and the end."""


def row(text: str = TEXT) -> Row:
    return group("p", 1, texts=[text])[0]


def scored(kind: str, *passes: list[list[float]], ends: list[int] = ENDS, **more: object) -> dict:
    cfg = ScoreConfig(kind=kind, split="lines", **more)
    return score(row(), [Measured(values, ends) for values in passes], cfg, "v")


def test_the_text_has_two_lines() -> None:
    assert pieces(TEXT, "lines") == ["1 + 2\n", "= 3"]


def test_log_probabilities_are_summed() -> None:
    found = scored("logprobs", [[-1.0, -2.0, -0.5, -0.25, -4.0, -1.0]])
    assert found["value"] == -8.75
    assert found["steps"] == [-3.5, -5.25]
    assert found["tokens"] == [-1.0, -2.0, -0.5, -0.25, -4.0, -1.0]
    assert (found["ends"], found["vocabulary"], found["key"]) == (ENDS, "v", "p-0")


def test_ranks_are_set_against_surprisal() -> None:
    """Mean rank 18 / 6 over mean surprisal 9 / 6; of the first line 6 / 3, of the second 12 / 6."""
    found = scored("ranks", [[1, 2, 3, 4, 4, 4], [0.5, 1.5, 1.0, 3.0, 2.0, 1.0]])
    assert found["tokens"] == [1, 2, 3, 4, 4, 4]
    assert found["value"] == 2.0
    assert found["steps"] == [2.0, 2.0]
    far = scored("ranks", [[1, 2, 3, 4, 4, 5000], [0.5, 1.5, 1.0, 3.0, 2.0, 1.0]])
    assert (far["tokens"][-1], far["value"]) == (5000, 114 / 9)
    sure = scored("ranks", [[1] * 6, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])
    assert sure["steps"] == [None, 1.0]


def test_a_contrast_is_averaged() -> None:
    found = scored("contrast", [[1.0, 0.5, 0.0, 0.25, 0.25, 1.0]])
    assert found["value"] == 0.5
    assert found["steps"] == [0.5, 0.5]


@pytest.mark.parametrize(("beta", "factor"), [(None, 0.05), (2.0, 2.0)])
def test_implicit_rewards_are_summed_log_ratios(beta: float | None, factor: float) -> None:
    policy, reference = [-1.0, -2.0, -3.0, -1.0, -1.0, -1.0], [-2.0, -1.0, -1.0, -2.0, -3.0, -1.5]
    found = scored("implicit", [policy], [reference], beta=beta)
    assert found["tokens"] == pytest.approx([factor * x for x in (1, -1, -2, 1, 2, 0.5)])
    assert found["steps"] == pytest.approx([-2 * factor, 3.5 * factor])
    assert found["value"] == pytest.approx(1.5 * factor)


def test_a_token_is_of_the_step_that_holds_its_last_character() -> None:
    """A token of a line's end and the next one's beginning is the next one's."""
    found = scored("logprobs", [[-1.0, -2.0, -4.0]], ends=[5, 7, 9])
    assert found["steps"] == [-1.0, -6.0]
    whole = scored("contrast", [[0.5]], ends=[9])
    assert whole["steps"] == [None, 0.5]


def test_a_trace_that_a_pass_cannot_score_has_no_scores() -> None:
    cfg = ScoreConfig(kind="implicit")
    found = score(row(), [Measured([[-1.0]], [9]), None], cfg, "v")
    assert found == {"key": "p-0", **dict.fromkeys(COLUMNS)}


def test_a_scorer_of_whole_traces_gives_a_value_alone() -> None:
    found = score(row(), [Measured([[0.75]])], ScoreConfig(kind="logprobs"), None)
    assert found == {"key": "p-0", **dict.fromkeys(COLUMNS), "value": 0.75}


def test_an_empty_text_that_ended_has_a_token_and_no_step() -> None:
    found = score(row(""), [Measured([[-2.0]], [0])], ScoreConfig(kind="logprobs"), "v")
    assert (found["value"], found["steps"], found["tokens"]) == (-2.0, [], [-2.0])


def test_beta_is_for_kinds_that_have_one() -> None:
    with pytest.raises(ValidationError, match="beta: kind: ranks has none; remove it"):
        ScoreConfig(kind="ranks", beta=1.0)
    assert ScoreConfig(kind="contrast").factor == 1.0


def test_kinds_name_roles_of_the_stage() -> None:
    roles = {role for kind in KINDS.values() for role in kind.roles}
    assert roles == set(STAGES["score"].roles)
    assert COLUMNS == STAGES["score"].columns == tuple(ANNOTATIONS["score"].names[2:])


@pytest.mark.torch
class TestEnds:
    """Against a tokenizer of whole words."""

    @pytest.fixture(scope="class")
    def tokenizer(self):
        pytest.importorskip("transformers")
        return make_tokenizer()

    def test_by_offsets(self, tokenizer) -> None:
        from reason_w2s.stages.scoring import ends_of

        ids = [*tokenizer("3 + 4 =\n 7", add_special_tokens=False)["input_ids"], 1]
        assert ends_of(ids, "3 + 4 =\n 7", tokenizer) == [1, 3, 5, 7, 10, 10]

    def test_by_decoding_where_the_tokenizer_would_cut_otherwise(self, tokenizer) -> None:
        from reason_w2s.stages.scoring import ends_of

        text = "3 + 4 = 7"
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids = [*ids[:2], tokenizer.pad_token_id, *ids[2:]]  # a token that spells nothing
        assert ends_of(ids, text, tokenizer) == [1, 3, 3, 5, 7, 9]
        assert ends_of([*ids, 1], " " + text, tokenizer) == [2, 4, 4, 6, 8, 10, 10]

    def test_behind_a_separator(self, tokenizer) -> None:
        from reason_w2s.stages.scoring import ends_of

        ids = tokenizer("Answer: 3 + 4", add_special_tokens=False)["input_ids"]
        assert ends_of(ids, "3 + 4", tokenizer, "Answer: ") == [0, 1, 3, 5]

    def test_bytes_of_one_character(self, tmp_path) -> None:
        """A byte-level tokenizer spells one sign in several tokens."""
        from reason_w2s.stages.scoring import ends_of
        from reason_w2s.train.like import byte_level

        tokenizer = byte_level(["plain words only"], 300, positions=64)
        text = "a \u221a9 = 3"
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        for one in (ids, [*ids[:3], tokenizer.eos_token_id, *ids[3:]]):
            found = ends_of(one, text, tokenizer)
            assert found[-1] == len(text)
            assert found == sorted(found)
        spelled = [tokenizer.decode([token]) for token in ids]
        assert len(ids) > len(text)
        assert sum(len(one) for one in spelled) > len(text)


def test_scores_follow_the_row() -> None:
    """The text that is split is the trace's own."""
    other = row("1\n2\n3")
    cfg = ScoreConfig(kind="logprobs", split="lines")
    found = score(other, [Measured([[-1.0, -2.0, -3.0]], [1, 3, 5])], cfg, "v")
    assert found["steps"] == [-1.0, -2.0, -3.0]
