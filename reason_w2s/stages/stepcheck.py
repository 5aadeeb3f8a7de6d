"""Look at each trace without any gold answer: its steps, arithmetic, format, repetition, noise.

Never reads `problem.gold` or `problem.solution`: what it finds may be used where no labels are
allowed. The noise rules are those of an independent W2SR replication (stray CJK text, URLs, HTML
entities). Its degeneracy rules (a 6/8/10-gram of words four times in the last 800 characters; over
200 words of which under 30% are different) flagged 1,477 of 24,696 right traces of published
models: what a solution says of each of its cases repeats. Here such runs must make up most of the
end, nearly all of it where an answer still follows, and only the last 200 words are counted, as
long traces repeat words anyway. How often each flag is wrong was read by eye: eval/steps.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.answers import form
from reason_w2s.answers.arithmetic import Equation, equations
from reason_w2s.answers.finding.extract import extract, unclosed_box
from reason_w2s.answers.steps import By, Step, holding, split
from reason_w2s.answers.verdict import GUESSES, Kind
from reason_w2s.records import Row, Trace

FLAGS = (
    "empty",
    "truncated",
    "unfinished",
    "no_answer",
    "unclosed_box",
    "unclosed_think",
    "wrong_arithmetic",
    "repetition",
    "foreign_script",
    "noise",
)


class StepcheckConfig(BaseModel):
    """Thresholds of the checks.

    steps: what a step is (`answers.steps.split`).
    kind: how an answer is looked for (`auto`: any; `choice`: a letter).
    accept_guesses: an answer that no mark points to (the last number of the text) counts as one
    even where the last sentence draws no conclusion.
    ngrams, repeats, max_repeated, tail_chars: runs of that many words, seen `repeats` times in the
    last `tail_chars` characters, are repetition where they are at least the share `max_repeated` of
    its words; `max_repeated_answered` where the text states an answer, which loops seldom do.
    min_words, min_unique: so is a trace of more than `min_words` words, without an answer, where of
    the last `min_words` a share below `min_unique` are different.
    max_foreign_share: letters of scripts that the question has not may make up this share of the
    characters that are not blank.
    max_wrong_equations: more wrong equations than this raise `wrong_arithmetic`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: By = "auto"
    kind: Kind = "auto"
    accept_guesses: bool = False
    ngrams: tuple[int, ...] = (6, 8, 10)
    repeats: int = Field(default=4, ge=2)
    max_repeated: float = Field(default=0.6, gt=0, le=1)
    max_repeated_answered: float = Field(default=0.85, gt=0, le=1)
    tail_chars: int = Field(default=800, ge=1)
    min_words: int = Field(default=200, ge=0)
    min_unique: float = Field(default=0.20, ge=0, le=1)
    max_foreign_share: float = Field(default=0.0, ge=0, le=1)
    max_wrong_equations: int = Field(default=0, ge=0)


def stepcheck(rows: Iterable[Row], cfg: StepcheckConfig) -> Iterator[dict[str, Any]]:
    """What each trace looks like from the inside: `key` and columns, one dict per row, in order.

    `flags` is a tuple in the order of `FLAGS`; `reasons` says, for each of them, what was seen.
    `ends` is where each step ends, in characters, `n_steps` how many there are, and `verdicts` says
    of each: True, all its equations that could be decided hold; False, one is wrong; None, it has
    none. `first_error` is the first wrong step, from 0, and `wrong_share` the share of wrong steps
    of all (the step-wise error rate, SWER, of arXiv 2410.20533 as far as arithmetic shows it; there
    a strong model judges each step); both None where there is none. `n_equations` counts the
    equations that could be decided. `think` says how the thinking marks stand: `whole`, `unopened`
    (</think> alone, as behind a prompt that opens the thought), `unclosed`, or None without any.
    Must not use gold, and does not.
    """
    for row in rows:
        yield {"key": row.trace.key, **_look(row.trace, row.problem.question, cfg)}


def _look(trace: Trace, question: str, cfg: StepcheckConfig) -> dict[str, Any]:
    decided = [one for one in equations(trace.text) if one.holds is not None]
    wrong = [one for one in decided if not one.holds]
    steps = split(trace.text, cfg.steps)
    verdicts = step_verdicts(steps, decided)
    think = _think(trace.text)
    found = _reasons(trace, question, wrong, think, cfg)
    seen = [name for name in FLAGS if found[name] is not None]
    return {
        "flags": tuple(seen),
        "reasons": tuple(found[name] for name in seen),
        "n_steps": len(steps),
        "ends": tuple(step.end for step in steps),
        "verdicts": verdicts,
        "n_equations": len(decided),
        "n_wrong_equations": len(wrong),
        "first_error": verdicts.index(False) if wrong else None,
        "wrong_share": verdicts.count(False) / len(steps) if steps else None,
        "think": think,
    }


def step_verdicts(steps: list[Step], decided: Iterable[Equation]) -> tuple[bool | None, ...]:
    """Of each step, whether all decided equations that begin in it hold; None without any."""
    found: list[bool | None] = [None] * len(steps)
    for one in decided:
        place = holding(steps, one.start)
        found[place] = found[place] is not False and one.holds
    return tuple(found)


def _reasons(
    trace: Trace, question: str, wrong: Sequence[Equation], think: str | None, cfg: StepcheckConfig
) -> dict[str, str | None]:
    """Each flag with what raises it, None where nothing does."""
    text = trace.text
    blank = not text.strip()
    answered = _answered(text, cfg)
    return {
        "empty": "nothing is written" if blank else None,
        "truncated": "the token limit ended it" if trace.finish_reason == "length" else None,
        "unfinished": None if blank else form.unfinished(text),
        "no_answer": None if answered else "no answer is stated",
        "unclosed_box": "a box is not closed" if unclosed_box(text) else None,
        "unclosed_think": "the thought is not closed" if think == "unclosed" else None,
        "wrong_arithmetic": wrong[0].text if len(wrong) > cfg.max_wrong_equations else None,
        "repetition": repeats(text, answered, cfg),
        "foreign_script": form.foreign(text, question, max_share=cfg.max_foreign_share),
        "noise": form.markup(text, question),
    }


def repeats(text: str, answered: bool, cfg: StepcheckConfig) -> str | None:
    """How the text goes round in circles at its end, None where it does not."""
    found = form.loop(
        text,
        ngrams=cfg.ngrams,
        repeats=cfg.repeats,
        max_repeated=max(cfg.max_repeated_answered, cfg.max_repeated)
        if answered
        else cfg.max_repeated,
        tail_chars=cfg.tail_chars,
    )
    if found or answered:
        return found
    return form.monotone(text, min_words=cfg.min_words, min_unique=cfg.min_unique)


def _think(text: str) -> str | None:
    if text.rfind("<think>") > text.rfind("</think>"):
        return "unclosed"
    first, end = text.find("<think>"), text.find("</think>")
    if end < 0:
        return None
    return "whole" if 0 <= first < end else "unopened"


def _answered(text: str, cfg: StepcheckConfig) -> bool:
    found = extract(text, cfg.kind)
    if found is None or found.rule not in GUESSES:
        return found is not None
    return cfg.accept_guesses or form.concludes(text)
