"""Answers of a response that marks none: the closing line, the last number, formula or letter."""

from __future__ import annotations

import re

from reason_w2s.answers.finding.phrase import (
    WINDOW_CHARS,
    answer_in,
    clean,
    formulas_of,
    inner,
    is_bare,
    last_number,
    option,
    right_side,
    says_nothing,
)
from reason_w2s.answers.finding.statements import LETTER
from reason_w2s.answers.normalize import normalize
from reason_w2s.answers.reading.numbers import read_number
from reason_w2s.answers.verdict import MAX_ANSWER_CHARS, Extracted, Kind, Rule

_NOTE = re.compile(r"\((?:[^()\n]|\([^()\n]*\))*\)\.?$|\W{0,4}Note\b")
_PLAIN_WORD = re.compile(r"(?<![\\A-Za-z{])(?!(?:and|or|pi)\b)[A-Za-z]{2,}")
# No prompt format asks for it: chat models close so in Markdown of their own accord.
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
# No sentence ends in one of these.
_CUT_WORD = re.compile(
    r"(?:\s(?:a|an|the|of|to|and|or|but|so|if|that|then|which|than|by|at|in|on|for|from|with|is|are|was"
    r"|because|since|as|when)|print\([^\n()]*\)|[=+/({\[<\\,^&\u00d7\u00f7:]|<<[^<>\n]{0,60})$"
)
_LIST_NUMBER = re.compile(r"\n\s?(\d{1,2})\.$")
_OPEN_SENTENCE = re.compile(
    r"(?:Therefore|Thus|So|Hence|Finally|Next|Now|Then|Since)\b[^\d.!?]*"
    r"|[-*\s]*[A-Z][\w',-]*(?:\s[\w',-]+){2,60}"
)
_AND = re.compile(r"\s?(?:,|,?\s?(?:and|or))\s")
_A_NAME = re.compile(r"\\?[a-zA-Z]{1,8}(?:\([a-z]\))?")
LOOP_CHARS = 40
"""A response whose last so many characters stand four times in its end goes round in circles."""


def unmarked(text: str, kind: Kind) -> Extracted | None:
    """The answer of a text without any mark; None where it was cut off or repeats itself."""
    tail = text[-WINDOW_CHARS:].rstrip()
    if not tail or _unfinished(text, tail):
        return None
    tail = _closing(tail)
    return _whole(text, kind) or _bold(tail, kind) or _guess(tail, kind)


def _found(answer: str, rule: Rule) -> Extracted | None:
    return None if says_nothing(answer) else Extracted(answer, rule)


def _bold(closing: str, kind: Kind) -> Extracted | None:
    lines = closing.rsplit("\n", 1)
    matches = [match[1] for match in _BOLD.finditer(lines[-1])] if "**" in lines[-1] else []
    if not matches:
        return None
    last = matches[-1].rstrip(":")
    if kind == "choice":
        letter = option(last)
        return _found(letter, "bold") if letter else None
    answer = answer_in(last).answer
    words = kind in ("text", "latex") and last == matches[-1]
    told = words or any(char.isdigit() for char in answer)
    return _found(answer, "bold") if answer and told else None


def _whole(text: str, kind: Kind) -> Extracted | None:
    """A response that is nothing but an answer."""
    line = clean(text)
    if says_nothing(line) or len(line) > MAX_ANSWER_CHARS or "\n\n" in line:
        return None
    if "\n" in line and line[0] not in "$\\":
        return None
    if kind == "choice":
        letter = option(clean(line))
        return _found(letter, "whole") if letter else None
    words = len(_PLAIN_WORD.findall(line))
    if (words == 0 and "\\begin{align" not in line) or is_bare(line):
        return _found(right_side(answer_in(line).answer), "whole")
    if kind == "text" and words <= 4 and line[-1:].isalpha():
        return _found(clean(line), "whole")
    return None


def _guess(tail: str, kind: Kind) -> Extracted | None:
    if kind == "choice":
        letters = [match[1] for match in LETTER.finditer(tail)]
        return _found(letters[-1], "last_letter") if letters else None
    formulas = formulas_of(tail) if "$" in tail or "\\" in tail else []
    if kind in ("latex", "text"):
        return _last_math(tail, [one for one in formulas if not _mentions_a_name(tail, one)])
    number = last_number(tail)
    if number is None or _breaks_off(tail, number.end()):
        return None
    if formulas and formulas[-1].end() > number.start() and "\\" in formulas[-1][0]:
        right = inner(formulas[-1]).rpartition("=")[2].strip(" .")
        if read_number(normalize(right)) is not None:
            return _found(right, "last_math")
    return _found(number[0].strip(), "last_number")


def _last_math(tail: str, formulas: list[re.Match[str]]) -> Extracted | None:
    if formulas and _breaks_off(tail, formulas[-1].end()):
        return None
    answer = _listed(tail, formulas) if formulas else _aligned(tail) or _closes_with(tail)
    return _found(answer, "last_math") if answer else None


def _listed(tail: str, formulas: list[re.Match[str]]) -> str:
    """The last formula, with those before it that are one list with it: `$x=2$ and $x=3$`."""
    first = len(formulas) - 1
    while first and _AND.fullmatch(tail, formulas[first - 1].end(), formulas[first].start()):
        first -= 1
    return ", ".join(right_side(inner(one)) for one in formulas[first:])


def _mentions_a_name(tail: str, formula: re.Match[str]) -> bool:
    """Whether a formula inside a sentence is only a name: `the sequence $f(n)$ of`."""
    behind = tail[formula.end() :].strip(" .*")
    return bool(behind) and _A_NAME.fullmatch(inner(formula)) is not None


def _breaks_off(tail: str, end: int) -> bool:
    """Whether a text goes on behind its last number with a sentence that does not end."""
    sentence = re.split(r"\n|(?<=[.!?])\s", tail[end:])
    return len(sentence) > 1 and _OPEN_SENTENCE.fullmatch(sentence[-1].strip()) is not None


def _aligned(tail: str) -> str:
    """The last right side of a text that closes with lines of equations."""
    if not tail.endswith("}") or not tail[:-1].endswith(("\\end{align*", "\\end{align")):
        return ""
    return tail[: tail.rfind("\\end")].rpartition("=")[2].strip(" .\n\\&")


def _unfinished(text: str, tail: str) -> bool:
    """Whether a text was cut off, never left its thought, or repeats itself to the end."""
    if "<think>" in text and "</think>" not in text:
        return True
    if len(tail) > 4 * LOOP_CHARS and tail.count(tail[-LOOP_CHARS:]) >= 4:
        return True
    for left, right in (("\\[", "\\]"), ("\\(", "\\)")):
        if tail.rfind(left) > tail.rfind(right):
            return True
    number = _LIST_NUMBER.search(tail, max(0, len(tail) - 8))
    if number and f"\n{int(number[1]) - 1}. " in tail:
        return True
    return _CUT_WORD.search(tail, max(0, len(tail) - 80)) is not None


def _closes_with(tail: str) -> str:
    """What the last sentence says that something is, where that is an expression, not words."""
    sentence = re.split(r"\n|(?<=[a-z])\.\s", tail[-300:])[-1].rstrip(" .")
    said = re.split(r"\s(?:is|are|equals|=)\s", sentence)[-1] if " " in sentence else ""
    expression = said != sentence and not _PLAIN_WORD.search(said)
    return said.strip() if expression and len(said) < len(sentence) else ""


def _closing(tail: str) -> str:
    """`tail` without the questions, offers and notes it closes with, unless that is all."""
    kept = clean(tail)
    for _ in range(3):
        line = kept.rfind("\n") + 1
        if kept.endswith("?"):
            start = max(kept.rfind(mark, 0, len(kept) - 1) for mark in (". ", "! ", "? ", "\n"))
        elif line and _NOTE.match(kept, line):
            start = line - 1
        else:
            break
        kept = kept[: start + 1].rstrip()
    return kept or tail
