"""What the checker says about one answer, and the caps that keep any input cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

# The fixed rules of others: `parity`.
ParityKind = Literal[
    "lm_eval_gsm8k_strict", "lm_eval_gsm8k_flexible", "lm_eval_minerva", "hendrycks"
]
Kind = Literal["auto", "number", "latex", "choice", "text", ParityKind]
Status = Literal[
    "correct",
    "wrong",
    "no_answer",
    "unparseable_prediction",
    "unparseable_gold",
    "timeout",
    "error",
]
Rule = Literal[
    "boxed",
    "hashes",
    "final_answer",
    "the_answer_is",
    "a_colon",
    "bold",
    "whole",
    "last_math",
    "last_number",
    "last_letter",
    ParityKind,
]

# Rules that take what looks like an answer from a text that marks none.
GUESSES: frozenset[Rule] = frozenset({"last_math", "last_number", "last_letter"})

PARITY_KINDS: tuple[ParityKind, ...] = get_args(ParityKind)
KINDS: tuple[Kind, ...] = get_args(Kind)

# Only the end of a longer response is searched for an answer.
MAX_RESPONSE_CHARS = 400_000
# A longer answer is compared as text only.
MAX_ANSWER_CHARS = 500
MAX_ITEMS = 64
# More accepted answers than these are not looked at: without a match the rest is undecided.
MAX_GOLDS = 1_000


@dataclass(frozen=True, slots=True)
class Extracted:
    """The final answer as written in a response, and the rule that found it."""

    answer: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer matches its gold answer.

    `correct` is None where that was not decided; `status` and `reason` say why. A response without
    a final answer is `no_answer`, with `correct` False. `rule` is None where nothing was extracted.
    """

    status: Status
    correct: bool | None
    answer: str | None = None
    rule: Rule | None = None
    reason: str = ""
