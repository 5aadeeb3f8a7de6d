"""A text cut into its steps: by lines, "Step N" marks, sentences or equations.

The one splitter of this package: what counts steps, judges them or shows them uses it. Nothing is
lost: the pieces put together are the text. Blanks belong to the step before them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from operator import attrgetter
from typing import Literal

from reason_w2s.answers.sentences import Span, blocks, sentences

Step = Span
By = Literal["auto", "lines", "marks", "sentences", "equations"]

MAX_SENTENCES_PER_LINE = 3
"""`auto` takes lines as steps where they hold at most this many sentences on average."""


def split(text: str, by: By = "auto") -> list[Step]:
    """The steps of a text in order, without gaps: `"".join(pieces(text)) == text`.

    lines: each line that is not empty; a display block (`\\[...\\]`, `$$...$$`, `\\begin...\\end`,
    a code fence) is part of the line it begins in.
    marks: from one "Step N" to the next, or, without any, each item of a list counted from 1 (it
    ends before a paragraph that is not indented); what stands between them is a step.
    sentences: a new line ends one too, unless what follows goes on.
    equations: one equation, or chain of them, each, cut at the next comma, semicolon or full stop.
    auto: what the text itself uses, the thinking before `</think>` and the rest each for itself:
    marks where there are two (of a list: which makes up most of it), lines of at most
    `MAX_SENTENCES_PER_LINE` sentences on average, sentences, else equations.
    Only "" has no steps; a blank text has one.
    """
    if not text:
        return []
    cuts = sorted({cut for cut in _CUTS[by](text) if 0 < cut < len(text)})
    return [Step(start, end) for start, end in pairwise(_joined(text, [0, *cuts, len(text)]))]


def pieces(text: str, by: By = "auto") -> list[str]:
    """The texts of the steps."""
    return [text[step.start : step.end] for step in split(text, by)]


def holding(steps: list[Step], position: int) -> int:
    """Which step, from 0, holds the character at `position`; the last for one behind the end."""
    return min(bisect_right(steps, position, key=attrgetter("end")), len(steps) - 1)


def _joined(text: str, bounds: list[int]) -> list[int]:
    """Bounds without those that would make a blank piece."""
    kept = [0]
    for start, end in pairwise(bounds):
        if start and not text[start:end].isspace() and not text[kept[-1] : start].isspace():
            kept.append(start)
    return [*kept, len(text)]


def _outside(cuts: Iterable[int], inside: list[Step]) -> Iterator[int]:
    """The cuts that lie inside no block. Both are in order."""
    place = 0
    for cut in cuts:
        while place < len(inside) and inside[place].end <= cut:
            place += 1
        if place == len(inside) or cut <= inside[place].start:
            yield cut


_LINE = re.compile(r"\n(?=[^\n])")


def _lines(text: str) -> list[int]:
    return list(_outside((match.end() for match in _LINE.finditer(text)), blocks(text)))


# These two begin with the line break, which is found at once; `^` is tried at every letter.
_STEP = re.compile(r"\n[ \t>*#_(\[]*step\s{0,2}#?(\d{1,3})\b", re.IGNORECASE)
_ITEM = re.compile(r"\n([ \t>*_]*)(?:#{1,6} )?\(?(\d{1,3})[.)](?!\d)")
# Found by a fixed string and then looked at backwards: a pattern tried at every letter is slow.
_STEP_INSIDE = re.compile(r"tep (\d{1,3})(?=[*_]{0,2}[:.)\]])")
_STEP_BEGINS = re.compile(r"\s([*_(\[]{0,3}[Ss])\Z")
_PARAGRAPH = re.compile(r"\n[ \t]*\n(?=[^\s\\$`])")


def _marks(text: str) -> list[int]:
    return _steps_named(text) or _bounds(_items(text))


def _bounds(found: list[Step]) -> list[int]:
    return sorted({bound for one in found for bound in one})


def _steps_named(text: str) -> list[int]:
    """Where "Step N" begins a line, or goes on counting inside one."""
    if "tep" not in text and "TEP" not in text:
        return []
    at = {match.start(): int(match[1]) for match in _STEP.finditer("\n" + text)}
    inside = dict(_named_inside(text))
    cuts, last = [], 0
    for place in sorted(at | inside):
        number = at.get(place, inside.get(place, 0))
        if place in at or number == last + 1:
            cuts.append(place)
            last = number
    return cuts


def _named_inside(text: str) -> Iterator[tuple[int, int]]:
    """Where "Step N:" stands behind a blank, and its number."""
    for match in _STEP_INSIDE.finditer(text):
        begins = _STEP_BEGINS.search(text, max(0, match.start() - 5), match.start())
        if begins:
            yield begins.start(1), int(match[1])


def _items(text: str) -> list[Step]:
    """The items of lists counted from 1, as far in as the first; none where there is only one.

    An item ends where a paragraph begins that is not indented.
    """
    starts: list[int] = []
    last, indent = 0, 0
    for match in _ITEM.finditer("\n" + text):
        number = int(match[2])
        if number in (1, last + 1) and (not starts or len(match[1]) <= indent):
            indent = indent if starts else len(match[1])
            starts.append(match.start())
            last = number
    if len(starts) < 2:
        return []
    ends = [_item_end(text, start, end) for start, end in pairwise([*starts, len(text)])]
    return [Step(start, end) for start, end in zip(starts, ends, strict=True)]


def _item_end(text: str, start: int, end: int) -> int:
    found = _PARAGRAPH.search(text, start, end)
    return found.end() if found else end


_EQUALS = re.compile(r"(?<![=<>!:~\\])=(?![=>])|\\approx|≈")
_BRACKETS = re.compile(r"\([^()\n]{0,200}\)")
_BREAK = re.compile(r"[;,.]\s+|\n\s*|;(?=\S)|\s(?=####)|\s(?=(?:and|so|then)\s)")


def _equations(text: str) -> list[int]:
    """At the first break behind each equation that another, or `####`, follows."""
    signs = [match.start() for match in _EQUALS.finditer(text)]
    breaks = list(_outside((one.end() for one in _BREAK.finditer(text)), _closed(text)))
    cuts, place = [], 0
    for sign, following in pairwise([*signs, len(text)] if signs else []):
        while place < len(breaks) and breaks[place] <= sign:
            place += 1
        if place < len(breaks) and breaks[place] <= following < len(text):
            cuts.append(breaks[place])
    return [*cuts, *(match.start() for match in re.finditer("####", text))]


def _closed(text: str) -> list[Step]:
    """Blocks and brackets, where they do not overlap."""
    found: list[Step] = []
    brackets = [Step(*match.span()) for match in _BRACKETS.finditer(text)]
    for one in sorted([*blocks(text), *brackets]):
        if not found or one.start >= found[-1].end:
            found.append(one)
    return found


def _auto(text: str) -> list[int]:
    thought = text.rfind("</think>")
    if thought < 0:
        return _own(text)
    cut = thought + len("</think>")
    return [*_own(text[:cut]), cut, *(cut + place for place in _own(text[cut:]))]


def _own(text: str) -> list[int]:
    """The cuts a text itself makes."""
    marks = _steps_named(text)
    if len(marks) > 1:
        return marks
    items = _items(text)
    if 2 * sum(one.end - one.start for one in items) > len(text):
        return _bounds(items)
    lines = _lines(text)
    limit = MAX_SENTENCES_PER_LINE * (len(lines) + 1)
    if lines and (_full_stops(text) < limit or len(sentences(text)) < limit):
        return lines
    return sentences(text) or _equations(text)


def _full_stops(text: str) -> int:
    """At least as many as there are cuts between sentences."""
    return sum(map(text.count, (".", "!", "?", "\n", "。", "！", "？")))  # noqa: RUF001


_CUTS: dict[By, Callable[[str], list[int]]] = {
    "auto": _auto,
    "lines": _lines,
    "marks": _marks,
    "sentences": sentences,
    "equations": _equations,
}
