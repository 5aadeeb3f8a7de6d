"""Traces as the texts that a reward model scores, prompt and response together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reason_w2s.engines import model_folder
from reason_w2s.engines.reward import RewardScorer
from reason_w2s.prompts import turns
from reason_w2s.records import Row
from reason_w2s.stages.score import Measured, Opening, ScoreConfig
from reason_w2s.stages.scoring import unscored
from reason_w2s.stages.train import answer
from reason_w2s.train.examples import answer_ids, prompt_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def open_rewards(models: Sequence[Opening], asked: Opening, cfg: ScoreConfig) -> WholeScorer:
    """A scorer of whole responses.

    Raises:
        ConfigError: the model gives no score, or several.
        EngineError: it cannot be loaded.
    """
    return WholeScorer(asked)


class WholeScorer:
    """A reward model's one output for each trace.

    A model that was trained here reads what it read in training: its prompt, the response's tokens,
    and the end token where the response ended. Another one that is asked in chat turns reads the
    whole conversation as its chat template writes it.
    """

    def __init__(self, model: Opening) -> None:
        self._scorer = RewardScorer(model.folder, model.settings)
        self._tokenizer: PreTrainedTokenizerBase = model_folder.load_tokenizer(model.folder)
        self._prompt = model.prompt
        self._limit = model_folder.max_positions(model.folder)
        self._turns = model.prompt.chat and model_folder.find_prompt(model.folder) is None
        self.vocabulary: str | None = None

    def measured(self, rows: Sequence[Row]) -> Iterator[tuple[int, Measured | None]]:
        """None for a failed or empty response, and for one longer than the model takes."""
        fit, texts = [], []
        for place, row in enumerate(rows):
            ids = None if unscored(row) else self.ids(row)
            if ids is None or (self._limit is not None and len(ids) > self._limit):
                yield place, None
            else:
                fit.append(place)
                texts.append(ids)
        for at, value in self._scorer.scores(texts):
            yield fit[at], Measured([[value]])

    def ids(self, row: Row) -> list[int]:
        """What the model reads of a trace."""
        if self._turns:
            said = {"role": "assistant", "content": row.trace.text}
            asked = [*turns(self._prompt, row.problem.question), said]
            kwargs = self._prompt.chat_template_kwargs
            text = self._tokenizer.apply_chat_template(asked, tokenize=False, **kwargs)
            return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        asking = prompt_ids(row.problem, self._prompt, self._tokenizer)
        given = answer(row.trace)
        return asking + answer_ids(given, self._prompt, self._tokenizer, row.problem.id)

    def close(self) -> None:
        """Give the memory back."""
        self._scorer.close()
