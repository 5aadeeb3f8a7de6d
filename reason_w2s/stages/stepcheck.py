"""Look at each trace without any gold answer: arithmetic, format, repetition, noise.

Never reads `problem.gold` or `problem.solution`: what it finds may be used where no labels are
allowed. The noise rules are those of an independent W2SR replication (stray CJK text, URLs, HTML
entities). Its degeneracy rules (a 6/8/10-gram of words four times in the last 800 characters; over
200 words of which under 30% are different) flagged 1,477 of 24,696 right traces of published
models: what a solution says of each of its cases repeats. Here such runs must make up most of the
end, and only the last 200 words are counted, as long traces repeat words anyway. That flags 32 of
them, six of which are no loops.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.answers.arithmetic import equations
from reason_w2s.answers.finding.extract import extract, unclosed_box
from reason_w2s.answers.verdict import GUESSES, Kind
from reason_w2s.records import Row, Trace

FLAGS = (
    "empty",
    "truncated",
    "no_answer",
    "unclosed_box",
    "unclosed_think",
    "wrong_arithmetic",
    "repetition",
    "noise",
)

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_URL = re.compile(r"https?://|\bwww\.[a-zA-Z0-9]")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_REPLACEMENT = "\ufffd"
# digits or letters without a blank, which counting words does not see: 0.727272727272...
_RUN = re.compile(r"(\S{1,12}?)\1{9,}")
_RUN_SHARE = 0.25


class StepcheckConfig(BaseModel):
    """Thresholds of the checks.

    kind: how an answer is looked for (`auto`: any; `choice`: a letter).
    accept_guesses: an answer that no mark points to (the last number of the text) counts as one.
    ngrams, repeats, max_repeated, tail_chars: runs of that many words, seen `repeats` times in the
    last `tail_chars` characters, are repetition where they are at least the share `max_repeated` of
    its words.
    min_words, min_unique: so is a trace of more than `min_words` words where of the last
    `min_words` a share below `min_unique` are different.
    max_cjk_share: of the characters that are not spaces; checked only where the question has none.
    max_wrong_equations: more wrong equations than this raise `wrong_arithmetic`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = "auto"
    accept_guesses: bool = False
    ngrams: tuple[int, ...] = (6, 8, 10)
    repeats: int = Field(default=4, ge=2)
    max_repeated: float = Field(default=0.6, gt=0, le=1)
    tail_chars: int = Field(default=800, ge=1)
    min_words: int = Field(default=200, ge=0)
    min_unique: float = Field(default=0.20, ge=0, le=1)
    max_cjk_share: float = Field(default=0.0, ge=0, le=1)
    max_wrong_equations: int = Field(default=0, ge=0)


def stepcheck(rows: Iterable[Row], cfg: StepcheckConfig) -> Iterator[dict[str, Any]]:
    """What each trace looks like from the inside: `key` and columns, one dict per row, in order.

    `flags` is a tuple in the order of `FLAGS`. `n_steps` counts lines that are not empty,
    `n_equations` the equations that could be decided, and `first_error` is the step, from 0, of the
    first wrong one, None where there is none. `think` says how the thinking marks stand: `whole`,
    `unopened` (</think> alone, as behind a prompt that opens the thought), `unclosed`, or None
    without any. Must not use gold, and does not.
    """
    for row in rows:
        yield {"key": row.trace.key, **_look(row.trace, row.problem.question, cfg)}


def _look(trace: Trace, question: str, cfg: StepcheckConfig) -> dict[str, Any]:
    found = equations(trace.text)
    wrong = [equation for equation in found if equation.holds is False]
    think = _think(trace.text)
    raised = {
        "empty": not trace.text.strip(),
        "truncated": trace.finish_reason == "length",
        "no_answer": not _answered(trace.text, cfg),
        "unclosed_box": unclosed_box(trace.text),
        "unclosed_think": think == "unclosed",
        "wrong_arithmetic": len(wrong) > cfg.max_wrong_equations,
        "repetition": repeats(trace.text, cfg),
        "noise": noisy(trace.text, question, cfg),
    }
    return {
        "flags": tuple(name for name in FLAGS if raised[name]),
        "n_steps": len(step_lines(trace.text)),
        "n_equations": sum(1 for equation in found if equation.holds is not None),
        "n_wrong_equations": len(wrong),
        "first_error": _step_of(trace.text, wrong[0].start) if wrong else None,
        "think": think,
    }


def step_lines(text: str) -> list[int]:
    """Which of the text's lines, from 0, are its steps: those that are not empty."""
    return [number for number, line in enumerate(text.split("\n")) if line.strip()]


def _think(text: str) -> str | None:
    if text.rfind("<think>") > text.rfind("</think>"):
        return "unclosed"
    first, end = text.find("<think>"), text.find("</think>")
    if end < 0:
        return None
    return "whole" if 0 <= first < end else "unopened"


def _answered(text: str, cfg: StepcheckConfig) -> bool:
    found = extract(text, cfg.kind)
    return found is not None and (cfg.accept_guesses or found.rule not in GUESSES)


def repeats(text: str, cfg: StepcheckConfig) -> bool:
    """Whether the text goes round in circles at its end."""
    tail = text[-cfg.tail_chars :]
    if any(len(run[0]) >= _RUN_SHARE * cfg.tail_chars for run in _RUN.finditer(tail)):
        return True
    words = tail.split()
    if any(_repeated(words, size, cfg.repeats) >= cfg.max_repeated for size in cfg.ngrams):
        return True
    last = text.split()[-cfg.min_words - 1 :]
    return len(last) > cfg.min_words and len(set(last)) / len(last) < cfg.min_unique


def _repeated(words: list[str], size: int, times: int) -> float:
    """The share of words in runs of `size` words that come up at least `times` times."""
    grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    seen = Counter(grams)
    inside = {
        at + step for at, gram in enumerate(grams) if seen[gram] >= times for step in range(size)
    }
    return len(inside) / len(words) if words else 0.0


def noisy(text: str, question: str, cfg: StepcheckConfig) -> bool:
    """Whether the text holds what no solution does: URLs, HTML entities, lost bytes, stray CJK."""
    if _REPLACEMENT in text or _ENTITY.search(text):
        return True
    if _URL.search(text) and not _URL.search(question):
        return True
    cjk = len(_CJK.findall(text))
    visible = sum(1 for char in text if not char.isspace()) if cjk else 0
    return cjk > cfg.max_cjk_share * visible and not _CJK.search(question)


def _step_of(text: str, position: int) -> int:
    """Which of the steps holds `position`."""
    return sum(1 for line in text[:position].split("\n")[:-1] if line.strip())
