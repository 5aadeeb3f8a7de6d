"""Answers that a response says are its answer: under a heading, behind a label, in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reason_w2s.answers.finding.marks import MAX_MENTIONS, Mark, last_match
from reason_w2s.answers.finding.phrase import (
    WINDOW_CHARS,
    Phrase,
    answer_in,
    content,
    is_short,
    says_nothing,
)
from reason_w2s.answers.verdict import Kind, Rule

# In `lm-eval`'s MATH prompts the last line reads `Final Answer: The final answer is X. I hope ...`.
_LABEL = re.compile(
    r"[\s#*_>\-\u2022\u2705\"'\[({<|\\.]*(?:(?:the|my|our|so|final|correct|short|thus|therefore|hence|and"
    r"|direct|numerical|numeric|exact|textbf\{|text\{|mathbf\{|boxed|best|\d{1,2}[.)])[\s*_,:\-]*)*",
    re.IGNORECASE,
)
_COLON = re.compile(
    r"s?[\s*_\"'}\])>]{0,6}(?:\s?(?:is|are)\s?)?[:\uff1a]\}?"
    r"(?:\s?\**(?:the final answer is|the answer is)\b)?:?",
    re.IGNORECASE,
)
_IS = re.compile(r"\b(?:is|are)\b")
_ALONE = re.compile(r"s?[\s*_#\"\]>}]*(?:\n|$)")
# `<answer>` is R1-Zero's template, `[ANSWER]` CRUXEval's (Gu et al. 2024).
_TAG_END = re.compile(r"[>\]]")
# ZeroEval (Lin 2024) asks for a JSON object with `reasoning` and `answer`.
_JSON_VALUE = re.compile(r"\s{0,9}(?:\"((?:[^\"\\\n]|\\.){0,500})\"|([^,}\n\"]{1,500}))")
_LABELS = ("final_answer", "a_colon")
_FORMULA_NEXT = re.compile(r"\s+(?:=\s?)?(?=\$|\\[(\[])")
_SAYS = re.compile(
    r"s?(?:\s+(?:to|for|of|in)\b[^.\n:]{1,80}?|\s\([^()\n]{1,40}\))?"
    r"\s+(?:is|are|was|would be|should be|must be|will be|comes out to(?: be)?|equals|=)"
    r"(?:\s(?:for sure|as follows))?(?=[\s:$*\\(])\s*:?"
)
_NO_ANSWER = re.compile(
    r"\W*(?:not|n't|correct|incorrect|wrong|reasonable|valid|consistent|verified|clear|supposed"
    r"|found|obtained|expressed|in the form|in terms|the same|close|still|either|expected|rounded"
    r"|likely to|always|based|given in|asking|what)\b",
    re.IGNORECASE,
)
# How MGSM's exemplars close (Shi et al. 2022): `La respuesta es 11.`, `答え 11`, `Jibu ni 11`.
_OTHER_WORDS = (
    *("答案", "答え", "respuesta", "réponse", "antwort", "ответ", "resposta", "risposta"),
    *("คำตอบ", "jibu", "উত্তর"),
)
_OTHER_SAYS = re.compile(
    r"[\w\s]{0,12}?(?:是|为|為|は|คือ|হল|\b(?:es|est|é|è|ist|lautet|ni)\b|[:\uff1a=\u2014\u2013])"
    r"\s?[:\uff1a]?\**"
)
# Multiple choice: `The answer is (B)` closes the chains of thought for AQuA (Wei et al. 2022).
# `Choice (D) is not possible` talks about an option.
_OPTION_IS = re.compile(
    r"\b(?i:option|choice)(?: is)?:?\s*\**\(?([A-J])\b(?!')"
    r"(?!\)?\**,?\s(?i:is(?! (?:correct|right|the))|are|has|does|cannot|can)\b)"
)
LETTER = re.compile(r"(?<![A-Za-z'])\(?([A-J])\)?(?![A-Za-z'])(?!\s[a-z])")
# `B because`, but not `A triangle`
_LETTER_FIRST = re.compile(r"([B-HJ])(?=\s[a-z])")
_LETTERS = re.compile(r"[A-J](?:\s?(?:,|&|\band\b|\bor\b)\s?[A-J]\b)+")


def said(text: str, start: int, kind: Kind, strict: bool) -> Mark | None:
    """The last statement of an answer behind `start`; `strict`: only a plain one, as a sentence.

    A heading with a plain answer is preferred to a later sentence that holds more than one.
    """
    loose: Mark | None = None
    for at in mentions(text, start):
        mark = mention(text, at, kind)
        if mark is None or not mark.answer or (strict and not _begins(text, mark.start)):
            continue
        if mark.plain or (not strict and loose is None and is_short(mark.answer)):
            if loose is None or mark.rule in _LABELS or not _several(loose, kind):
                return mark
        elif loose is None and not strict:
            loose = mark
    found = loose if loose and _several(loose, kind) else None
    return found or _a_colon(text, start, kind, strict) or _elsewhere(text, start, kind, strict)


def _several(mark: Mark, kind: Kind) -> bool:
    """Whether a mark states more than can be read as one answer, not just talks about it."""
    return kind in ("latex", "text") or not mark.answer[:1].isalpha()


def _begins(text: str, start: int) -> bool:
    """Whether a statement is a sentence, not a clause of one (`if n = 2, the answer is 3`)."""
    head = text[max(0, start - 60) : start]
    ends = max(head.rfind(mark) for mark in ("\n", ". ", ".$", "$.", "! ", "}.", ".**", "]"))
    return _LABEL.fullmatch(head[ends + 1 :].lstrip(" $})]*")) is not None


def mentions(text: str, start: int = 0, forward: bool = False) -> Iterator[int]:
    """Where `answer` stands, from the end, or from the beginning."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = text
    at = start - 1 if forward else len(lower)
    for _ in range(MAX_MENTIONS):
        at = lower.find("answer", at + 1) if forward else lower.rfind("answer", start, at)
        if at < 0:
            return
        yield at


def mention(text: str, at: int, kind: Kind) -> Mark | None:
    """The answer that a mention of it states, or None where it is only talked about."""
    end = at + len("answer")
    line_start = text.rfind("\n", max(0, at - 60), at) + 1
    prefix = text[max(line_start, at - 60) : at]
    if prefix.endswith("</"):
        return None
    at_start = (line_start > 0 or at <= 60) and _LABEL.fullmatch(prefix) is not None
    colon = _COLON.match(text, end)
    if colon is None and at_start:
        colon = _ALONE.match(text, end) or _FORMULA_NEXT.match(text, end)
        if colon is None and prefix.endswith(("<", "[")):
            colon = _TAG_END.match(text, end)
    if colon is not None and text.startswith('"', end):
        return _quoted(text, at, colon.end())
    if colon is not None:
        final = (
            "inal" in prefix[-12:].lower() or prefix.endswith(("<", "[")) or colon[0].endswith("\n")
        )
        rule: Rule = "the_answer_is" if _IS.search(colon[0]) else "a_colon"
        rule = "final_answer" if final or "final" in colon[0] else rule
        return _stated(text, line_start if at_start else at, colon.end(), rule, kind)
    says = _SAYS.match(text, end)
    if says is None or _NO_ANSWER.match(text, says.end()):
        return None
    rule = "final_answer" if "inal" in prefix[-8:].lower() else "the_answer_is"
    return _stated(text, at, says.end(), rule, kind)


def _quoted(text: str, start: int, end: int) -> Mark | None:
    """The value of a JSON object's `"answer"`."""
    value = _JSON_VALUE.match(text, end)
    answer = (value[1] or value[2] or "").replace("\\\\", "\\").strip() if value else ""
    return Mark(start, end, answer, "a_colon") if answer else None


def _stated(text: str, start: int, end: int, rule: Rule, kind: Kind) -> Mark | None:
    line = content(text, end)
    if kind == "choice":
        several = _LETTERS.match(line)
        letter = several or _LETTER_FIRST.match(line) or LETTER.search(line)
        return Mark(start, end, letter[several is None], rule) if letter else None
    phrase = answer_in(line)
    if says_nothing(phrase.answer):
        return None
    if rule in _LABELS and _goes_on(text, end, line, phrase):
        return None
    return Mark(start, end, phrase.answer, rule, phrase.plain)


def _goes_on(text: str, end: int, line: str, phrase: Phrase) -> bool:
    """Whether what a label opens is a solution of several lines, whose answer is further down."""
    if line.endswith(":"):
        return True
    if phrase.plain and len(line) <= len(phrase.answer) + 3:
        return False
    at = text.find(line, end)
    behind = text[at + len(line) : at + len(line) + WINDOW_CHARS].partition("\n\n")[0]
    return at >= 0 and any(char.isdigit() for char in behind.partition("</")[0])


def _a_colon(text: str, start: int, kind: Kind, strict: bool) -> Mark | None:
    """The last line that begins with `A:`, as GSM8K's fine-tuned GPT-3 ends, or `Ans:`."""
    at = len(text)
    for _ in range(MAX_MENTIONS):
        at = max(text.rfind("A:", start, at), text.rfind("\uff1a", start, at) - 1)
        if at < start:
            break
        prefix = text[max(text.rfind("\n", max(0, at - 8), at) + 1, at - 8) : at]
        if (
            text[at] == "A"
            and not prefix.strip(" \t>*_#")
            and (at < 8 or "\n" in text[at - 8 : at])
        ):
            mark = _stated(text, at, at + 2, "a_colon", kind)
            return mark if mark and mark.answer and (mark.plain or not strict) else None
    return None


def _elsewhere(text: str, start: int, kind: Kind, strict: bool) -> Mark | None:
    """An answer stated in another language, or as `the correct option is C`."""
    start = max(start, len(text) - WINDOW_CHARS)
    named = last_match(_OPTION_IS, text[start:]) if kind == "choice" and not strict else None
    if named:
        return Mark(start, start, named[1], "the_answer_is")
    lower = text[start:].lower()
    for word in _OTHER_WORDS:
        at = lower.rfind(word)
        says = _OTHER_SAYS.match(text, start + at + len(word)) if at >= 0 else None
        mark = _stated(text, start + at, says.end(), "the_answer_is", kind) if says else None
        if mark and mark.answer and (mark.plain or (not strict and is_short(mark.answer))):
            return mark
    return None
