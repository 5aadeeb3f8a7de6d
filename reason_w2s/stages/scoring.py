"""Traces as the token sequences that a model scores, and where in the text each token ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from reason_w2s.engines import measures, model_folder, vocabulary
from reason_w2s.engines.measures import Measure
from reason_w2s.engines.scorer import HfScorer
from reason_w2s.errors import ConfigError
from reason_w2s.prompts import Prompt
from reason_w2s.records import Row
from reason_w2s.stages.score import Measured, Opening, ScoreConfig
from reason_w2s.stages.train import answer
from reason_w2s.train.examples import answer_ids, prompt_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WINDOW = 8
"""Tokens before one that are decoded with it: what decides whether it begins with a blank."""
MEASURES: Mapping[str, Callable[[ScoreConfig], Measure]] = {
    "logprobs": lambda cfg: measures.logprobs,
    "ranks": lambda cfg: measures.ranks,
    "contrast": lambda cfg: measures.contrast(cfg.factor),
    "implicit": lambda cfg: measures.logprobs,
}


def open_tokens(models: Sequence[Opening], asked: Opening, cfg: ScoreConfig) -> TokenScorer:
    """A scorer of tokens; `asked` is the model whose prompt and tokenizer are used.

    Raises:
        ConfigError: the models do not share a vocabulary, or one is not there.
        EngineError: a model cannot be loaded.
    """
    tokenizer = model_folder.load_tokenizer(asked.folder)
    for model in models:
        other = model_folder.load_tokenizer(model.folder)
        check_vocabularies(tokenizer, other, asked.name, model.name)
    return TokenScorer(models, asked.prompt, tokenizer, MEASURES[cfg.kind](cfg))


def check_vocabularies(
    one: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase, name: str, others: str
) -> None:
    """Refuse models that number tokens differently.

    Raises:
        ConfigError: how many do, and what to do.
    """
    apart = vocabulary.apart(one, other)
    if apart:
        raise ConfigError(
            f"'{name}' and '{others}' do not share a vocabulary ({apart:,} tokens differ), and are "
            f"compared token by token; take models of one family"
        )


class TokenScorer:
    """One measure of each token of a response, under one model or several at once."""

    def __init__(
        self,
        models: Sequence[Opening],
        prompt: Prompt,
        tokenizer: PreTrainedTokenizerBase,
        measure: Measure,
    ) -> None:
        first, *others = [(model.folder, model.settings) for model in models]
        self._scorer = HfScorer(*first, *others)
        self._prompt, self._tokenizer, self._measure = prompt, tokenizer, measure
        limits = [model_folder.max_positions(folder) for folder in self._scorer.folders]
        self._limit = min((limit for limit in limits if limit is not None), default=None)
        self.vocabulary: str | None = vocabulary.fingerprint(tokenizer)

    def measured(self, rows: Sequence[Row]) -> Iterator[tuple[int, Measured | None]]:
        """None for a failed or empty response, and for one longer than a model takes."""
        fit, asked = [], []
        for place, row in enumerate(rows):
            ids = self.ids(row)
            if ids is None:
                yield place, None
            else:
                fit.append(place)
                asked.append(ids)
        for at, values in self._scorer.measured(asked, self._measure):
            row = rows[fit[at]]
            ends = ends_of(asked[at][1], row.trace.text, self._tokenizer, self._prompt.separator)
            yield fit[at], Measured(values, ends)

    def ids(self, row: Row) -> tuple[list[int], list[int]] | None:
        """The ids that ask and those that are scored, as in training; None: it cannot be scored."""
        if unscored(row):
            return None
        asked = prompt_ids(row.problem, self._prompt, self._tokenizer)
        said = answer_ids(answer(row.trace), self._prompt, self._tokenizer, row.problem.id)
        fits = self._limit is None or len(asked) + len(said) <= self._limit
        return (asked, said) if fits and asked else None

    def close(self) -> None:
        """Give the memory back."""
        self._scorer.close()


def unscored(row: Row) -> bool:
    """Whether a trace has nothing to score: it failed, or was cut before it said anything."""
    reason = row.trace.finish_reason
    return reason == "error" or (reason == "length" and not row.trace.text.strip())


def ends_of(
    ids: Sequence[int], text: str, tokenizer: PreTrainedTokenizerBase, separator: str = ""
) -> list[int]:
    """Where in `text` each of the ids ends, in characters, never going back; an end token ends with
    the text. By the tokenizer's own offsets where it gives these ids for the text, else by
    decoding, which may be off by a blank."""
    said = list(ids)
    if said and said[-1] == tokenizer.eos_token_id:
        said = said[:-1]
    by_offsets = (_offsets(said, text, tokenizer, lead) for lead in ("", separator))
    found = next((ends for ends in by_offsets if ends is not None), None)
    if found is None:
        found = _decoded(said, text, tokenizer)
    bounded = [min(max(end, 0), len(text)) for end in found] + [len(text)] * (len(ids) - len(said))
    return list(accumulate(bounded, max))


def _offsets(
    ids: list[int], text: str, tokenizer: PreTrainedTokenizerBase, lead: str
) -> list[int] | None:
    if not tokenizer.is_fast:
        return None
    made: Any = tokenizer(lead + text, add_special_tokens=False, return_offsets_mapping=True)
    if made["input_ids"] != ids:
        return None
    return [end - len(lead) for _, end in made["offset_mapping"]]


def _decoded(ids: list[int], text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Each token's length is what it adds to the few before it."""

    def texts(past: int) -> list[str]:
        windows = [ids[max(0, at - WINDOW) : at + past] for at in range(len(ids))]
        return list(tokenizer.batch_decode(windows, skip_special_tokens=True))

    added = [len(new) - len(old) for new, old in zip(texts(1), texts(0), strict=True)]
    whole = str(tokenizer.decode(ids, skip_special_tokens=True))
    lead = len(whole) - len(whole.lstrip()) - (len(text) - len(text.lstrip()))
    return [end - lead for end in accumulate(added)]
