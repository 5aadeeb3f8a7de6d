"""Where the sentences of a solution begin, and the display blocks that none is cut in."""

# ruff: noqa: RUF001 - full-width signs are what models write.

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """`text[start:end]`, in characters."""

    start: int
    end: int


_DISPLAY = re.compile(r"(?<!\\)\\[\[\]]|\$\$|\\(?:begin|end)\{([a-zA-Z]{1,20}\*?)\}|```")
_CLOSED_BY = {"\\[": "\\]", "$$": "$$", "```": "```"}


def blocks(text: str) -> list[Span]:
    """Display blocks (`\\[...\\]`, `$$...$$`, `\\begin...\\end`, code fences) that are closed.

    In order; of blocks in a block, the outer one.
    """
    if "$$" not in text and "```" not in text and "\\[" not in text and "\\begin" not in text:
        return []
    marks = [(match[0], match.start(), match.end()) for match in _DISPLAY.finditer(text)]
    left: dict[str, int] = {}
    for name, start, _ in marks:
        left[name] = start
    found: list[Span] = []
    closer, begun = "", 0
    for name, start, end in marks:
        if closer:
            if name == closer:
                found.append(Span(begun, end))
                closer = ""
            continue
        wanted = _CLOSED_BY.get(name, name.replace("\\begin", "\\end"))
        if name != "\\]" and not name.startswith("\\end") and left.get(wanted, -1) > start:
            closer, begun = wanted, start
    return found


_CLOSED = r"(?:[\"'”’)\]*_}]|\\[)\]]|\$(?!\$))"
_END = re.compile(
    r"[.!?]\s*(?:\\\]|\$\$|\\end\{[a-zA-Z]{1,20}\*?\})"
    rf"|([.!?]+){_CLOSED}{{0,4}}(?=\s|$)|[。！？]+[”’」』）]*|\n"
)
_NEXT = re.compile(r"\s*")
# Never the last word of a sentence.
_TITLE_WORDS = "mr mrs ms dr prof st mt e.g i.e vs cf fig eq eqs nos approx ca viz resp"
_TITLES = frozenset(_TITLE_WORDS.split())
# The last word where a capital letter follows: "at 3 p.m. Then", but "at 3 p.m. on Monday".
_SHORT_WORDS = (
    "a.m p.m a.d b.c u.s u.k etc jr sr inc ltd co oz lb lbs ft in yd mi hr hrs min mins sec secs sq"
    " dept est avg max jan feb mar apr jun jul aug sep sept oct nov dec tsp tbsp pt qt gal"
)
_SHORT = frozenset(_SHORT_WORDS.split())
_LIST_MARK = re.compile(r"(?:^|\n)[ \t>*_(#-]*(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]$")
_CARRIES_ON = frozenset("=+*/^<>,;:)]}|&×÷·")
_OPENERS = ("\\[", "$$", "\\begin", "```")
_GOES_ON = re.compile(r"(?:[a-z]{2,}|a)\b(?!\s*[=:(])")


def sentences(text: str) -> list[int]:
    """Where each sentence but the first begins, blanks left to the one before.

    A decimal point, a shortened word ("Mr.", "e.g.", "a.m."), the number of a list and whatever
    stands in a display block end none. A new line does, unless what follows goes on.
    """
    cuts, last, start = [], 0, 0
    for match in _sentence_marks(text):
        if match.start() < start:
            continue  # in the blanks behind a mark that was looked at
        start = _next(text, match.end())
        if start < len(text) and _ends(text, last, match, start):
            cuts.append(start)
            last = start
    return cuts


def _sentence_marks(text: str) -> Iterator[re.Match[str]]:
    """What may end a sentence: outside of blocks, or as the last of one."""
    found, place = blocks(text), 0
    for match in _END.finditer(text):
        while place < len(found) and found[place].end < match.end():
            place += 1
        inside = place < len(found) and match.start() >= found[place].start
        if not inside or match.end() == found[place].end:
            yield match


def _next(text: str, position: int) -> int:
    found = _NEXT.match(text, position)
    return found.end() if found else position


def _ends(text: str, last: int, match: re.Match[str], start: int) -> bool:
    """Whether a sentence that began at `last` ends at a mark, `start` being what comes next."""
    if match[0] == "\n":
        return _line_ends(text, last, match.start(), start)
    said, following = match[1], text[start]
    if said is None:
        return True
    lines = "\n" in text[match.end() : start]
    if following in _CARRIES_ON and not lines:
        return False
    if said == ".":
        return _full_stop_ends(text, last, match.end(1), "\n" if lines else following)
    if said == "!" and text[match.start() - 1 : match.start()].isdigit():
        return following.isupper() or lines  # else a factorial
    return "." not in said or following.isupper() or lines


def _full_stop_ends(text: str, last: int, end: int, following: str) -> bool:
    start = max(last, end - 20)
    if _LIST_MARK.search(("." if start > last else "") + text[start:end]):
        return False
    word = _word(text, start, end - 1)
    if word == "no":
        return not following.isdigit()
    if word in _TITLES:
        return False
    return word not in _SHORT or following.isupper() or following in "$#*\\\n"


def _word(text: str, low: int, end: int) -> str:
    """The word that ends at `end`, with the full stops in it and in small letters."""
    start = end
    while start > low and (text[start - 1].isalpha() or text[start - 1] == "."):
        start -= 1
    return text[start:end].lower()


def _line_ends(text: str, last: int, end: int, start: int) -> bool:
    """Whether a new line ends the sentence: not before a word in small letters or a formula."""
    if text.startswith(_OPENERS, start):
        return text[max(last, end - 20) : end].rstrip().endswith((".", "!", "?"))
    return not _GOES_ON.match(text, start)
