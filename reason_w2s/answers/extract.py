r"""Where the final answer of a response is: named rules, most trusted first.

`boxed`, `hashes` (`#### x`) and `final_answer` are deliberate marks, and the last of them in the
response counts. Then `the_answer_is`, `a_colon` (`A: x`), `bold` (the closing line), and, by kind,
`last_number`, `last_math` or `last_letter`, which are guesses. `extract_first` reads up to the
first deliberate mark instead: what a model that does not stop had said by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from reason_w2s.answers.normalize import close, normalize
from reason_w2s.answers.numbers import read_number
from reason_w2s.answers.values import read_choice
from reason_w2s.answers.verdict import MAX_ANSWER_CHARS, MAX_RESPONSE_CHARS, Extracted, Kind, Rule

# A model that does not stop goes on with a question of its own.
_NEXT_QUESTION = re.compile(r"\n\s{0,4}(?:Question|Problem|Q):|<\|im_start\|>|<\|im_end\|>")
_BOX = re.compile(r"\\f?box(?:ed)?\s?\{")
_BETWEEN_BOXES = re.compile(
    r"(?:[\s$,;()\[\]\\]|\\quad|\\text\{|\}|\band\b|\bor\b|\b[a-z](?:_\{?\d\}?)?\s?=)*"
)
# `c = -\\boxed{37}`: the sign belongs to the answer.
_MINUS_BEFORE = re.compile(r"(?:=|\$|\\\(|\bis)\s?-\s?$")
_HASHES = re.compile(r"(?:^|(?<=[\s;:.>$]))#{4}(?!#)[ \t]*([^\n#]*)", re.MULTILINE)
_HEADING = re.compile(r"^(?:step|part|case|section|phase)\b|^\d{1,2}[.)]\s+\S|:\**$", re.IGNORECASE)
_FINAL = re.compile(
    r"final answer\**(?:\s?is)?\s?[:\uff1a]\s?\**(?:the final answer is)?[: ]?"
    r"|<answer>|final answer is:?",
    re.IGNORECASE,
)
_ANSWER_IS = re.compile(
    r"answer(?: to [^.\n]{1,60})? (?:is|would be|=)(?: for sure)?:?", re.IGNORECASE
)
_A_COLON = re.compile(
    r"^[ \t>*]{0,4}(?:A|Answer|The answer)\**\s?[:\uff1a]\**|\banswer:\**|\banswer (?=\$|\\[(\[])",
    re.IGNORECASE | re.MULTILINE,
)
_NEXT_LINE = re.compile(r"\s*[^\n]*")
_CLOSING = re.compile(r"\s*I hope (?:it|this) is correct.*$", re.IGNORECASE | re.DOTALL)
_MATH = re.compile(r"\$\$?([^$]{1,500})\$\$?|\\\(((?:[^\\]|\\[^()]){1,500})\\\)")
_DISPLAY = re.compile(r"\\\[((?:[^\\]|\\[^\[\]]){1,500})\\\]")
_NUMBER = re.compile(
    r"(?<![\w.,/^_])(?:-\s?|(?<=\s)-)?\$?-?(?:\d{1,3}(?:,\d{3})+(?![\d])|\d+)(?:\.\d+)?"
    r"(?:\s?/\s?\d+(?!\d|\.\d))?\s?%?|(?<![\w.])-?\.\d+"
)
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_LETTER = re.compile(r"(?<![A-Za-z'])\(?([A-J])\)?(?![A-Za-z'])(?!\s[a-z])")
_TAIL_CHARS = 2_000
MAX_GAP_CHARS = 60
"""Two boxes at most so far apart, with only marks between them, are one answer."""


def extract(response: str, kind: Kind = "auto") -> Extracted | None:
    """The final answer of a response, or None where it states none.

    Reads what comes after the last `</think>`, up to where the model starts a question of its own.
    A box that is never closed is no answer.
    """
    text = _conclusion(response)
    marked = _marked(text)
    if marked is not None:
        return marked if marked.answer else None
    for rule, pattern in _STATED:
        answer = _stated(text, pattern, kind)
        if answer:
            return Extracted(answer, rule)
    return _bold(text, kind) or _guess(text, kind)


def extract_first(response: str, kind: Kind = "auto") -> Extracted | None:
    """The first deliberately marked answer of a response; that of `extract` where none is marked.

    A first mark counts even where a later box is never closed.
    """
    text = response[:MAX_RESPONSE_CHARS]
    thought, end, rest = text.partition("</think>")
    text = rest if end else thought
    cut = _end_of_first_mark(text)
    found = None if cut is None else _marked(text[:cut])
    return found if found is not None and found.answer else extract(response, kind)


def unclosed_box(response: str) -> bool:
    """Whether the last box of a response is never closed."""
    text = _conclusion(response)
    boxes = list(_BOX.finditer(text))
    return bool(boxes) and close(text, boxes[-1].end() - 1) < 0


def _conclusion(response: str) -> str:
    text = response[-MAX_RESPONSE_CHARS:]
    end_of_thought = text.rfind("</think>")
    if end_of_thought >= 0:
        text = text[end_of_thought + len("</think>") :]
    for match in _NEXT_QUESTION.finditer(text):
        if text[: match.start()].strip():
            return text[: match.start()]
    return text


def _marked(text: str) -> Extracted | None:
    """The last deliberate mark; an empty answer where that is a box that is never closed."""
    boxed, box_end = _boxed(text)
    after = text[box_end:] if boxed is not None else text
    if boxed == "":
        return Extracted("", "boxed")
    hashes = _hashes(after)
    if hashes is not None:
        return Extracted(hashes, "hashes")
    final = _final(after, strict=boxed is not None)
    if final is not None:
        return Extracted(final, "final_answer")
    return None if boxed is None else Extracted(boxed, "boxed")


def _end_of_first_mark(text: str) -> int | None:
    """Where the first box (with those joined to it), `####` or `Final Answer:` line ends."""
    hashes = (match.span() for match in _HASHES.finditer(text) if _is_answer(match))
    found = [*islice(hashes, 1), *islice(_closed_boxes(text), 1)]
    final = _FINAL.search(text)
    if final is not None:
        line = _NEXT_LINE.match(text, final.end())
        found.append((final.start(), line.end() if line else final.end()))
    return min(found)[1] if found else None


def _closed_boxes(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the boxes that close, each with the boxes that continue it."""
    start, end = -1, -1
    for box in _BOX.finditer(text):
        closed = close(text, box.end() - 1)
        if closed < 0:
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


def _boxed(text: str) -> tuple[str | None, int]:
    """The last box's content, "" where it never closes, and where it ends."""
    boxes = list(_BOX.finditer(text))
    if not boxes:
        return None, 0
    end = close(text, boxes[-1].end() - 1)
    if end < 0:
        return "", len(text)
    contents, start = [text[boxes[-1].end() : end].strip()], boxes[-1].start()
    for box in reversed(boxes[:-1]):
        closed = close(text, box.end() - 1)
        gap = text[closed + 1 : start]
        if closed < 0 or len(gap) > MAX_GAP_CHARS or not gap or not _BETWEEN_BOXES.fullmatch(gap):
            break
        contents.insert(0, text[box.end() : closed].strip())
        start = box.start()
    if len(contents) == 1 and contents[0] and _MINUS_BEFORE.search(text, max(0, start - 8), start):
        contents[0] = "-" + contents[0]
    return ", ".join(dict.fromkeys(contents)), end + 1


def _hashes(text: str) -> str | None:
    found = None
    for match in _HASHES.finditer(text):
        if _is_answer(match):
            found = match[1].strip().strip("*").strip()
    return found


def _is_answer(hashes: re.Match[str]) -> bool:
    """Whether `#### x` marks an answer and not a heading."""
    content = hashes[1].strip().strip("*").strip()
    return bool(content) and len(content) <= MAX_ANSWER_CHARS and not _HEADING.search(content)


def _final(text: str, strict: bool) -> str | None:
    """What `Final Answer:` is followed by; behind a box (`strict`) only a bare number counts."""
    match = _last(_FINAL, text)
    if match is None:
        return None
    line = _line(text, match.end())
    answer = _tighten(_CLOSING.sub("", line).removesuffix("</answer>"))
    if strict and read_number(normalize(answer)) is None:
        return None
    return answer or None


def _stated(text: str, pattern: re.Pattern[str], kind: Kind) -> str | None:
    match = _last(pattern, text)
    if match is None:
        return None
    line = _CLOSING.sub("", _line(text, match.end()))
    if kind == "choice":
        letter = _LETTER.search(line)
        return letter[1] if letter else None
    return _tighten(line) or None


_STATED: tuple[tuple[Rule, re.Pattern[str]], ...] = (
    ("the_answer_is", _ANSWER_IS),
    ("a_colon", _A_COLON),
)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for match in pattern.finditer(text):
        last = match
    return last


def _line(text: str, start: int) -> str:
    """The rest of the line, or the next one where nothing is left on it."""
    window = text[start : start + _TAIL_CHARS]
    for line in window.split("\n"):
        cleaned = line.strip().strip("*").strip()
        if cleaned and cleaned not in ("$", "$$", "\\(", "\\[", ":"):
            return cleaned
    return ""


def _tighten(line: str) -> str:
    """The answer inside a sentence: its only formula, or its only number."""
    line = line.strip().strip("*").strip()
    formulas = [match[1] or match[2] for match in _MATH.finditer(line)]
    outside = _MATH.sub(" ", line)
    if len(formulas) == 1 and not outside.strip(" .,"):
        return formulas[0].strip()
    if read_number(normalize(line)) is not None or read_choice(line):
        return line
    if len(formulas) == 1 and not _NUMBER.search(outside):
        return formulas[0].strip()
    sentence = re.split(r"\.\s+(?=[A-Z(*])", line, maxsplit=1)[0]
    numbers = list(_NUMBER.finditer(sentence))
    if len(numbers) == 1 and re.match(r"^[A-Za-z]", sentence) and "\\" not in sentence:
        return sentence[numbers[0].start() :]
    return sentence


def _bold(text: str, kind: Kind) -> Extracted | None:
    lines = text[-_TAIL_CHARS:].rstrip().rsplit("\n", 1)
    matches = [match[1] for match in _BOLD.finditer(lines[-1])]
    if not matches or kind == "choice":
        return None
    answer = _tighten(matches[-1].rstrip(":"))
    return Extracted(answer, "bold") if any(char.isdigit() for char in answer) else None


def _guess(text: str, kind: Kind) -> Extracted | None:
    tail = text[-_TAIL_CHARS:]
    if kind == "choice":
        letters = [match[1] for match in _LETTER.finditer(tail)]
        return Extracted(letters[-1], "last_letter") if letters else None
    if kind in ("latex", "text"):
        formula = _last(_MATH, tail) or _last(_DISPLAY, tail)
        content = next((group for group in formula.groups() if group), "") if formula else ""
        return Extracted(content.strip(), "last_math") if content.strip() else None
    number = _last(_NUMBER, tail)
    return Extracted(number[0].strip(), "last_number") if number else None
