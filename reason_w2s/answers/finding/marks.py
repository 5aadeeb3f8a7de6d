r"""Answers that stand behind a mark of their own: `\\boxed{x}`, `#### x`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from reason_w2s.answers.finding.phrase import WINDOW_CHARS, answer_in, clean
from reason_w2s.answers.normalize import key, normalize
from reason_w2s.answers.reading.numbers import read_number
from reason_w2s.answers.verdict import MAX_ANSWER_CHARS, Rule

# `\fbox` and `\boxed 5` are read by MATH's own last_boxed_only_string (Hendrycks et al. 2021).
# `\x08oxed` is `\boxed` that went through a string literal. `\boxed\frac12` is TeX.
_BOX = re.compile(r"(?:\\f?box(?:ed)?|\x08oxed)\s{0,3}(?:(\{)|(?<=[ d])(?=[-\d\\.]))")
_UNBRACED = re.compile(r"\\[a-z]{1,20}(?:\s?\{[^{}]{0,200}\}|\s?\d){0,2}|[-+]?[\w.,/]{1,60}")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BETWEEN_BOXES = re.compile(
    r"(?:[\s$,;()\[\]\\]|\\quad|\\text\{|\}|\band\b|\bor\b|\b[a-z](?:_\{?\d\}?)?\s?=)*"
)
# `\boxed{204}_5`, `\boxed{28}\%`: the base, the degree and the percent sign are the answer's.
_AFTER_BOX = re.compile(r"_\s?(?:\{\d{1,2}\}|\d)|\^\s?(?:\{\\circ\}|\\circ)|\s?\\?%(?![a-zA-Z])")
# `c = -\boxed{37}`: so is the sign.
_MINUS_BEFORE = re.compile(r"(?:=|\$|\\\(|\bis)\s?-\s?$")
_HASHES = re.compile(r"(?:^|(?<=[\s;:.>$*]))#{4}(?!#)[ \t]*([^\n#]*)", re.MULTILINE)
_HEADING = re.compile(
    r"^(?:step|part|case|section|phase|day|week|for)\b|^\d{1,2}[.)]\s+\S|:\**$", re.IGNORECASE
)
_ANSWER_LABEL = re.compile(r"^(?:the )?(?:final )?answer(?: is)?\s?[:=]?\s?", re.IGNORECASE)
_NAMED = re.compile(r"^[a-zA-Z]\s?=\s?")
MAX_GAP_CHARS = 60
"""Two boxes at most so far apart, with only marks between them, are one answer."""
MAX_MENTIONS = 40
"""So many mentions of the answer are looked at, from the end; so many headings, boxes and lists."""
MAX_UNCLOSED = 8
"""After so many boxes that are never closed no first one is looked for."""


class Mark(NamedTuple):
    """An answer that a response marks, where its mark starts and its answer begins, and the rule.

    `plain`: it is an answer and no more, not a sentence that holds one somewhere.
    """

    start: int
    end: int
    answer: str
    rule: Rule
    plain: bool = True


def boxed(text: str) -> Mark | None:
    """The last box with those joined to it."""
    last = last_box(text)
    if last is None:
        return None
    box, end = last
    if end < 0:
        return Mark(box.start(), box.end(), "", "boxed")
    after = end + 1 if box[1] else end
    suffix = _AFTER_BOX.match(text, after)
    contents, start = [_inside(text, box, end) + (suffix[0] if suffix else "")], box.start()
    while len(contents) < MAX_MENTIONS and (previous := _box_before(text, start)) is not None:
        contents.insert(0, _inside(text, *previous))
        start = previous[0].start()
    if len(contents) == 1 and contents[0] and _MINUS_BEFORE.search(text, max(0, start - 8), start):
        contents[0] = "-" + contents[0]
    return Mark(box.start(), after, _joined(contents), "boxed")


def last_box(text: str) -> tuple[re.Match[str], int] | None:
    """The last box and where its content ends, -1 where it never does."""
    start = len(text)
    while (start := text.rfind("box", 0, start)) > 0:
        for back in (1, 2):
            match = _BOX.match(text, start - back) if start >= back else None
            if match:
                return match, _end_of(text, match)
    match = last_match(_BOX, text) if "\x08" in text else None
    return (match, _end_of(text, match)) if match else None


def _end_of(text: str, box: re.Match[str]) -> int:
    if box[1] is None:
        bare = _UNBRACED.match(text, box.end())
        return bare.end() if bare else -1
    return _close(text, box.end())


def _close(text: str, start: int, stop: int | None = None) -> int:
    r"""Index of the brace that closes the one before `start`, or -1. `\{` does not count."""
    depth = 1
    for match in _BRACE.finditer(text, start, len(text) if stop is None else stop):
        brace = match[0]
        if brace == "}":
            depth -= 1
            if depth == 0:
                return match.start()
        elif brace == "{":
            depth += 1
    return -1


def _inside(text: str, box: re.Match[str], end: int) -> str:
    return text[box.end() : end].strip()


def _box_before(text: str, start: int) -> tuple[re.Match[str], int] | None:
    """The box that ends so shortly before `start` that both are one answer."""
    closed = text.rfind("}", max(0, start - MAX_GAP_CHARS), start)
    low = max(0, start - MAX_GAP_CHARS - MAX_ANSWER_CHARS)
    if closed < 0 or text.find("box", low, start) < 0:
        return None
    for match in reversed(list(_BOX.finditer(text, low, start))):
        end = _close(text, match.end(), start) if match[1] else -1
        gap = text[end + 1 : start]
        joined = end > 0 and 0 < len(gap) <= MAX_GAP_CHARS and _BETWEEN_BOXES.fullmatch(gap)
        return (match, end) if joined else None
    return None


def _joined(contents: list[str]) -> str:
    """Several boxes as a list, without those that only repeat an answer in other words."""
    if len(contents) == 1:
        return contents[0]
    kept: dict[object, str] = {}
    for answer in contents:
        if answer:
            kept[value(answer)] = answer
    return ", ".join(kept.values())


def value(answer: str) -> object:
    """What two boxes share that say the same: a number, or the text without its spaces."""
    normal = _NAMED.sub("", normalize(answer), count=1)
    number = read_number(normal)
    return number.value if number and not number.percent else key(normal)


def hashes(text: str, start: int) -> Mark | None:
    """The last `#### x` behind `start`."""
    at = len(text)
    for _ in range(MAX_MENTIONS):
        at = text.rfind("####", start, at)
        if at < 0:
            return None
        match = _HASHES.match(text, at)
        if match and _is_answer(match):
            return Mark(at, match.end(), _hashed(match[1]), "hashes")
    return None


def _hashed(line: str) -> str:
    line = clean(line)
    return answer_in(_ANSWER_LABEL.sub("", line, count=1) or line).answer


def hashes_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each `#### x`, from the beginning."""
    return (match.span() for match in _HASHES.finditer(text) if _is_answer(match))


def _is_answer(hashes: re.Match[str]) -> bool:
    """Whether `#### x` marks an answer and not a heading, which starts with a word."""
    line = hashes[1].strip().strip("*").strip()
    if not line or len(line) > MAX_ANSWER_CHARS or _HEADING.search(line):
        return False
    if not line[0].isalpha() or _ANSWER_LABEL.sub("", line, count=1) != line:
        return bool(_ANSWER_LABEL.sub("", line, count=1))
    behind = hashes.string[hashes.end() : hashes.end() + WINDOW_CHARS]
    return not behind.strip()


def closed_boxes(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the boxes that close, each with the boxes that continue it."""
    start, end, unclosed = -1, -1, 0
    for box in _BOX.finditer(text):
        closed = _end_of(text, box)
        if closed < 0:
            unclosed += 1
            if unclosed == MAX_UNCLOSED:
                break
            continue
        gap = text[end : box.start()] if end >= 0 else ""
        if 0 < len(gap) <= MAX_GAP_CHARS and _BETWEEN_BOXES.fullmatch(gap):
            end = closed + 1
            continue
        if end >= 0:
            yield start, end
        start, end = box.start(), closed + 1
    if end >= 0:
        yield start, end


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last match of a pattern in a text, or None."""
    last = None
    for match in pattern.finditer(text):
        last = match
    return last
