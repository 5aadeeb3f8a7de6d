"""What is wrong with how a text is written, whatever it says: each found in words, or None.

loop: it goes round in circles at its end. foreign: letters of a script that the question has not.
markup: URLs, HTML, lost bytes. unfinished: it stops in the middle of something.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from reason_w2s.answers.sentences import sentences

RUN_SHARE = 0.25
"""Digits or letters repeated without a blank are a loop where they fill this share of the end."""

# Words do not show them: 0.727272727272...
_RUN = re.compile(r"(\S{1,12}?)\1{9,}")


def loop(
    text: str, *, ngrams: Sequence[int], repeats: int, max_repeated: float, tail_chars: int
) -> str | None:
    """Runs of words, seen `repeats` times, that make up `max_repeated` of the last `tail_chars`."""
    tail = text[-tail_chars:]
    words = tail.split()
    if not words:
        return None
    if max(map(len, words)) >= RUN_SHARE * tail_chars:
        run = max((match[0] for match in _RUN.finditer(tail)), key=len, default="")
        if len(run) >= RUN_SHARE * tail_chars:
            return f"{len(run)} characters of the same again and again"
    # a word of such a run is there as often as the run is; so many words differ at most
    if len(set(words)) > (1 - max_repeated + max_repeated / repeats) * len(words):
        return None
    often = sum(count for count in Counter(words).values() if count >= repeats)
    if often < max_repeated * len(words):
        return None
    for size in ngrams:
        share = _repeated(words, size, repeats)
        if share >= max_repeated:
            return f"{share:.0%} of its end are runs of {size} words that repeat"
    return None


def _repeated(words: list[str], size: int, times: int) -> float:
    """The share of words in runs of `size` words that come up at least `times` times."""
    grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    seen = Counter(grams)
    inside = {
        at + step for at, gram in enumerate(grams) if seen[gram] >= times for step in range(size)
    }
    return len(inside) / len(words)


def monotone(text: str, *, min_words: int, min_unique: float) -> str | None:
    """Whether of the last `min_words` words of a longer text too few are different."""
    last = text.split()[-min_words - 1 :]
    if len(last) <= min_words:
        return None
    unique = len(set(last)) / len(last)
    return f"{unique:.0%} of its last words are different" if unique < min_unique else None


# All letters but those of Latin, Greek and mathematics.
_FOREIGN = re.compile(
    "[\u0400-\u1cff\u2c00-\u2fff\u3040-\uabff\uac00-\ud7ff\uf900-\ufaff\ufb13-\ufdff\ufe70-\ufefc"
    "\uff66-\uffdc\U00010000-\U0001d3ff\U00020000-\U0003ffff]"
)
_SCRIPTS = {"CJK": "Han"}


def foreign(text: str, question: str, *, max_share: float) -> str | None:
    """Scripts of letters that the question has not, where they pass a share of what is not blank.

    Latin and Greek letters, and those of mathematics, are of no foreign script.
    """
    if text.isascii():
        return None
    found = Counter(map(_script, filter(str.isalpha, _FOREIGN.findall(text))))
    for script in {_script(char) for char in _FOREIGN.findall(question) if char.isalpha()}:
        del found[script]
    if not found or found.total() <= max_share * len("".join(text.split())):
        return None
    return ", ".join(f"{script} {count}" for script, count in found.most_common())


def _script(char: str) -> str:
    word = unicodedata.name(char, "unknown").split()[0].split("-")[0]
    return _SCRIPTS.get(word, word.capitalize())


_URL = re.compile(r"https?://|\bwww\.[a-zA-Z0-9]")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_TAGS = "br|hr|div|span|table|tr|td|th|li|ul|ol|img|script|style|iframe|font|html|body|sup|sub|p"
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>\n]{{0,200}}|\s?/)?>", re.IGNORECASE)
_WEB = (
    ("a URL", ("://", "www."), _URL),
    ("an HTML entity", ("&",), _ENTITY),
    ("an HTML tag", ("<",), _TAG),
)
_LOST = "\ufffd"


def markup(text: str, question: str) -> str | None:
    """What no solution holds, nor this question: a URL, an HTML entity or tag, a lost byte."""
    if _LOST in text:
        return "a lost byte"
    for name, signs, pattern in _WEB:
        if any(sign in text for sign in signs):
            found = pattern.search(text)
            if found and not pattern.search(question):
                return f"{name}: {found[0][:40]}"
    return None


_CLOSING_CHARS = 600
_CONCLUDES = re.compile(
    r"\W*(?:so|therefore|thus|hence|altogether|overall|in (?:total|conclusion|all)|finally)\b"
    r"(?!.*\b(?:if|need to|can|could|cannot|let|let's|no)\b)",
    re.IGNORECASE | re.DOTALL,
)


def concludes(text: str) -> bool:
    """Whether the last sentence draws a conclusion: `So she has 5 left.`, but not `So we need to`.

    Then its number answers the question, though no mark says so.
    """
    tail = text.rstrip()[-_CLOSING_CHARS:]
    begins = sentences(tail)
    closing = tail[begins[-1] :] if begins else tail
    return closing.endswith((".", "!", ".)", ".**")) and bool(_CONCLUDES.match(closing))


_OPEN = {"\\[": "\\]", "\\(": "\\)"}
_FENCE = "```"
_STOPS_IN = re.compile(r"[=+*/^({\[,:_&<\\-]$")
# A rule under the text, bold letters, an empty fence.
_ENDS_ITSELF = re.compile(r"(?:\*\*|^[-*=_]{3,}|\\\\)$", re.MULTILINE)


def unfinished(text: str) -> str | None:
    """Whether the text stops behind a sign that something must follow, or in a formula."""
    text = text.rstrip()
    if _STOPS_IN.search(text[-1:]) and not _ENDS_ITSELF.search(text[-200:]):
        return f"ends with {text[-1]}"
    for opener, closer in _OPEN.items():
        if text.rfind(opener) > text.rfind(closer) and text[text.rfind(opener) - 1] != "\\":
            return f"ends behind {opener}"
    return "ends in a code block" if text.count(_FENCE) % 2 else None
