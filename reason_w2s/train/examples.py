"""From problems and answers to token ids: what a trainer sees, decided here and nowhere else.

Prompt ids are those of `prompts.encode`, as in sampling. An answer's ids are the sampled ones where
they are known and spell its text, else the text's; the end token follows if the answer ended by
itself. Nothing is ever cut: what is too long is an error that says what to set.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reason_w2s.engines import vocabulary
from reason_w2s.errors import DataError
from reason_w2s.prompts import Prompt, encode, render
from reason_w2s.records import Problem
from reason_w2s.train.config import (
    Answer,
    Data,
    Example,
    PairExample,
    TokenScores,
    ValueExample,
    VerdictExample,
)
from reason_w2s.train.objectives import Learns

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100


def rows(
    data: Data, learns: Learns, prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> list[dict[str, Any]]:
    """What the trainer sees of examples of this sort.

    Raises:
        DataError: as the function for the sort.
    """
    return MAKERS[learns](data, prompt, tokenizer)


def sft_rows(
    examples: Sequence[Example], prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> list[dict[str, list[int]]]:
    """`input_ids` and `labels`, both [T]; labels are -100 on the prompt, so it carries no loss.

    Raises:
        DataError: an answer without tokens, or one that ends under a tokenizer without end token.
    """
    rows = []
    for example in examples:
        asked = prompt_ids(example.problem, prompt, tokenizer)
        answer = answer_ids(example.answer, prompt, tokenizer, example.problem.id)
        rows.append({"input_ids": asked + answer, "labels": [IGNORED] * len(asked) + answer})
    return rows


def dpo_rows(
    pairs: Sequence[PairExample], prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> list[dict[str, Any]]:
    """`prompt_ids`, `chosen_ids` and `rejected_ids`, the columns of TRL's preference collator; of
    pairs with scores also `rejected_weights`, one for each of `rejected_ids`.

    Raises:
        DataError: as `sft_rows`, or a pair whose two sides are the same or whose scores are of
            other tokens.
    """
    rows = []
    own = vocabulary.fingerprint(tokenizer) if any(pair.scores for pair in pairs) else ""
    for pair in pairs:
        name = pair.problem.id
        chosen = answer_ids(pair.chosen, prompt, tokenizer, name)
        rejected = answer_ids(pair.rejected, prompt, tokenizer, name)
        if chosen == rejected:
            raise DataError(
                f"problem {name}: chosen and rejected are the same tokens; drop the pair"
            )
        asked = prompt_ids(pair.problem, prompt, tokenizer)
        row: dict[str, Any] = {"prompt_ids": asked, "chosen_ids": chosen, "rejected_ids": rejected}
        if pair.scores is not None:
            row["rejected_weights"] = _weights(pair.scores, rejected, own, name)
        rows.append(row)
    return rows


def _weights(scores: TokenScores, ids: list[int], own: str, name: str) -> list[float]:
    """1 less each token's score."""
    if scores.vocabulary != own or len(scores.values) != len(ids):
        raise DataError(
            f"problem {name}: the {len(scores.values)} token scores of the rejected answer are not "
            f"of the {len(ids)} tokens that are trained on; score under models of the student's "
            f"family, asked with its prompt"
        )
    return [1 - value for value in scores.values]


def kto_rows(
    examples: Sequence[VerdictExample], prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> list[dict[str, list[int]]]:
    """`prompt_ids`, `completion_ids` and `label`, [1] where the answer is wanted and [0] where not.

    Raises:
        DataError: as `sft_rows`.
    """
    return [
        {
            "prompt_ids": prompt_ids(one.problem, prompt, tokenizer),
            "completion_ids": answer_ids(one.answer, prompt, tokenizer, one.problem.id),
            "label": [int(one.wanted)],
        }
        for one in examples
    ]


def value_rows(
    examples: Sequence[ValueExample], prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> list[dict[str, Any]]:
    """`prompt_ids`, `completion_ids` and `target`, the number to give.

    Raises:
        DataError: as `sft_rows`.
    """
    return [
        {
            "prompt_ids": prompt_ids(one.problem, prompt, tokenizer),
            "completion_ids": answer_ids(one.answer, prompt, tokenizer, one.problem.id),
            "target": float(one.value),
        }
        for one in examples
    ]


def problem_rows(
    problems: Sequence[Problem], prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> list[dict[str, Any]]:
    """`prompt`, the ids that ask, and what a reward reads: `gold` and `options`, lists of texts."""
    return [
        {
            "prompt": prompt_ids(problem, prompt, tokenizer),
            "gold": [problem.gold] if isinstance(problem.gold, str) else _listed(problem.gold),
            "options": _listed(problem.options),
        }
        for problem in problems
    ]


def _listed(texts: Sequence[str] | None) -> list[str] | None:
    return None if texts is None else list(texts)


MAKERS: Mapping[Learns, Callable[..., list[dict[str, Any]]]] = {
    "answers": sft_rows,
    "pairs": dpo_rows,
    "verdicts": kto_rows,
    "values": value_rows,
    "problems": problem_rows,
}


def prompt_ids(problem: Problem, prompt: Prompt, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The ids that ask, exactly as in sampling."""
    return encode(render(prompt, problem, tokenizer), tokenizer)


def answer_ids(
    answer: Answer, prompt: Prompt, tokenizer: PreTrainedTokenizerBase, name: str
) -> list[int]:
    """The ids to learn, with the end token if the answer ended by itself.

    Raises:
        DataError: there are none, or the tokenizer has no end token (`name` says whose).
    """
    if answer.token_ids is not None and _spell(answer.token_ids, answer.text, tokenizer):
        ids = list(answer.token_ids)
    else:
        text = answer.text if answer.token_ids is not None else prompt.separator + answer.text
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    if answer.ends:
        end = end_id(tokenizer)
        if end is None:
            raise DataError(f"problem {name}: the tokenizer has no end token to learn")
        ids.append(end)
    if not ids:
        raise DataError(
            f"problem {name}: an answer without a single token; drop it before training"
        )
    return ids


def end_id(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The id that ends a response: the end token, or an encoder's separator, which has none."""
    found = tokenizer.eos_token_id
    found = tokenizer.sep_token_id if found is None else found
    return None if found is None else int(found)


def lengths(rows: Sequence[dict[str, Any]]) -> list[int]:
    """Tokens per row; of a pair, the longer side with its prompt; of a problem, its prompt."""
    if rows and "prompt" in rows[0]:
        return [len(row["prompt"]) for row in rows]
    if rows and "completion_ids" in rows[0]:
        return [len(row["prompt_ids"]) + len(row["completion_ids"]) for row in rows]
    if rows and "prompt_ids" in rows[0]:
        return [
            len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))
            for row in rows
        ]
    return [len(row["input_ids"]) for row in rows]


def stream(count: int, wanted: int, seed: int) -> list[int]:
    """Which row comes when, for `wanted` draws from `count` rows.

    Every row comes once before any comes again, each pass in an order of its own. Batches are cut
    from this line, so each has as many rows as the next, whoever shares the work.
    """
    order: list[int] = []
    for turn in range(-(-wanted // count)):
        rows = list(range(count))
        # a string seed is hashed by random itself, the same in every process
        random.Random(f"order {seed} {turn}").shuffle(rows)
        order += rows
    return order[:wanted]


def learned_tokens(rows: Sequence[dict[str, list[int]]]) -> int:
    """Tokens with loss in one pass; of a pair, both sides."""
    if rows and "completion_ids" in rows[0]:
        return sum(len(row["completion_ids"]) for row in rows)
    if rows and "prompt_ids" in rows[0]:
        return sum(len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in rows)
    return sum(label != IGNORED for row in rows for label in row["labels"])


def _spell(ids: Sequence[int], text: str, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the ids, which may be another tokenizer's, are this text here.

    Blanks at the ends are not compared: what a first token's blank looks like depends on whether
    it was decoded with its prompt or alone.
    """
    if any(token >= len(tokenizer) for token in ids):
        return False
    return str(tokenizer.decode(list(ids), skip_special_tokens=True)).strip() == text.strip()
