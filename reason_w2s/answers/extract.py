r"""Where the final answer of a response is: named rules, most trusted first.

`boxed`, `hashes` (`#### x`), `final_answer` (`**Final Answer**`, `<answer>`) and `a_colon`
(`A: x`, `Answer: x`) are deliberate marks, and the last of them in the response counts. Then come
`the_answer_is`, `whole` (the response is nothing but an answer) and `bold` (the closing line), and,
by kind, `last_number`, `last_math` or `last_letter`, which are guesses: none is made from a text
that was cut off or goes round in circles. `extract_first` reads up to the first deliberate mark
instead: what a model that does not stop had said by then.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from reason_w2s.answers.normalize import key, normalize
from reason_w2s.answers.numbers import read_number
from reason_w2s.answers.phrase import (
    NUMBER,
    WINDOW_CHARS,
    Phrase,
    answer_in,
    clean,
    content,
    formulas_of,
    inner,
    is_bare,
    is_short,
    option,
    right_side,
)
from reason_w2s.answers.verdict import MAX_ANSWER_CHARS, MAX_RESPONSE_CHARS, Extracted, Kind, Rule

# A model that does not stop goes on with a question of its own; chat formats have their own ends.
_NEXT_QUESTION = re.compile(
    r"\n\s{0,4}(?:Question|Problem|Q|Human|User):|\n### (?:Instruction|Input)\b|\[INST\]|</s>"
    r"|<\|(?:im_start|im_end|eot_id|endoftext|user|end)\|>"
)
_NEXT_QUESTION_HINTS = ("Question:", "Problem:", "\nQ:", "Human:", "User:", "\n### I", "[INST]",
    "</s>", "<|")  # fmt: skip
# `\x08oxed` is `\boxed` that went through a string literal. `\boxed 5` and `\boxed\frac12` are TeX.
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
_TAG_END = re.compile(r"[>\]]")
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
# Sources: the prompts of MGSM (Shi et al. 2022) in other languages; C-Eval and GAOKAO outputs.
_OTHER_WORDS = ("答案", "答え", "respuesta", "réponse", "antwort", "ответ", "resposta", "risposta")
_OTHER_SAYS = re.compile(
    r"[\w\s]{0,12}?(?:是|为|為|は|\bes\b|\best\b|\bé\b|\bè\b|\bist\b|\blautet\b|[:\uff1a=])\s?[:\uff1a]?\**"
)
_OPTION_IS = re.compile(r"\b(?i:option|choice)(?: is)?:?\s*\**\(?([A-J])\b(?!')")
_NOTE = re.compile(r"\((?:[^()\n]|\([^()\n]*\))*\)\.?$|\W{0,4}Note\b")
_SIGNS = re.compile(r"\\(?:begin|end)\{[a-z]+\}|\\[a-zA-Z]+|[^0-9A-Za-z.+*-]|\.$")
_NAMED = re.compile(r"^[a-zA-Z]\s?=\s?")
_PLAIN_WORD = re.compile(r"(?<![\\A-Za-z{])(?!(?:and|or|pi)\b)[A-Za-z]{2,}")
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_LETTER = re.compile(r"(?<![A-Za-z'])\(?([A-J])\)?(?![A-Za-z'])(?!\s[a-z])")
_LETTERS = re.compile(r"[A-J](?:\s?(?:,|&|\band\b|\bor\b)\s?[A-J]\b)+")
_STYLED = re.compile("[\U0001d400-\U0001d7ff]")
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
_A_NAME = re.compile(r"\\?[a-zA-Z]{1,8}(?:\([a-z]\))?")
MAX_GAP_CHARS = 60
"""Two boxes at most so far apart, with only marks between them, are one answer."""
MAX_MENTIONS = 40
"""So many mentions of the answer are looked at, from the end; so many headings, boxes and lists."""
MAX_UNCLOSED = 8
"""After so many boxes that are never closed no first one is looked for."""
LOOP_CHARS = 40
"""A response whose last so many characters stand four times in its end goes round in circles."""


class Mark(NamedTuple):
    """An answer that a response marks, where its mark starts and its answer begins, and the rule.

    `plain`: it is an answer and no more, not a sentence that holds one somewhere.
    """

    start: int
    end: int
    answer: str
    rule: Rule
    plain: bool = True


def extract(response: str, kind: Kind = "auto") -> Extracted | None:
    """The final answer of a response, or None where it states none.

    Reads what comes after the last `</think>`, up to where the model starts a question of its own.
    A box that is never closed is no answer.
    """
    text = _conclusion(response)
    mark = _marked(text, kind)
    if mark is not None:
        return Extracted(mark.answer, mark.rule) if mark.answer else None
    tail = text[-WINDOW_CHARS:].rstrip()
    if not tail or _unfinished(text, tail):
        return None
    tail = _closing(tail)
    return _whole(text, kind) or _bold(tail, kind) or _guess(tail, kind)


def extract_first(response: str, kind: Kind = "auto") -> Extracted | None:
    """The first deliberately marked answer of a response; that of `extract` where none is marked.

    A first mark counts even where a later box is never closed.
    """
    text = _plain(response[:MAX_RESPONSE_CHARS])
    thought, end, rest = text.partition("</think>")
    text = rest if end else thought
    cut = _end_of_first_mark(text)
    found = None if cut is None else _marked(text[:cut], kind)
    if found is not None and found.answer:
        return Extracted(found.answer, found.rule)
    return extract(response, kind)


def unclosed_box(response: str) -> bool:
    """Whether the last box of a response is never closed."""
    box = _last_box(_conclusion(response))
    return box is not None and box[1] < 0


def _conclusion(response: str) -> str:
    text = _plain(response[-MAX_RESPONSE_CHARS:])
    end_of_thought = text.rfind("</think>")
    if end_of_thought >= 0:
        text = text[end_of_thought + len("</think>") :]
    if any(hint in text for hint in _NEXT_QUESTION_HINTS):
        for match in islice(_NEXT_QUESTION.finditer(text), MAX_MENTIONS):
            if _says_something(text[: match.start()]):
                return text[: match.start()]
    return text


def _plain(text: str) -> str:
    """`text` with bold and italic letters of unicode as plain ones."""
    if text.isascii() or not _STYLED.search(text):
        return text
    return _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)


def _says_something(head: str) -> bool:
    """Whether what stands before a question is more than `Sure, let me solve it.`"""
    if any(char.isdigit() for char in head[:WINDOW_CHARS]) or "nswer" in head:
        return True
    return len(head[:WINDOW_CHARS].split()) > 12


# --- marks ---------------------------------------------------------------------------------------


def _marked(text: str, kind: Kind) -> Mark | None:
    """The last mark; an empty answer where that is a box that is never closed, or holds nothing."""
    box = _boxed(text) if "box" in text or "\x08" in text else None
    hashes = _hashes(text, box.end if box else 0) if "####" in text else None
    strong = hashes or box
    said = _said(text, strong.end if strong else 0, kind, strict=strong is not None)
    return strong if strong is not None and (said is None or _same(said, strong)) else said


def _last_box(text: str) -> tuple[re.Match[str], int] | None:
    """The last box and where its content ends, -1 where it never does."""
    start = len(text)
    while (start := text.rfind("box", 0, start)) > 0:
        for back in (1, 2):
            match = _BOX.match(text, start - back) if start >= back else None
            if match:
                return match, _end_of(text, match)
    match = _last(_BOX, text) if "\x08" in text else None
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


def _boxed(text: str) -> Mark | None:
    """The last box with those joined to it."""
    last = _last_box(text)
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
            kept[_value(answer)] = answer
    return ", ".join(kept.values())


def _value(answer: str) -> object:
    normal = _NAMED.sub("", normalize(answer), count=1)
    number = read_number(normal)
    return number.value if number and not number.percent else key(normal)


def _same(said: Mark, strong: Mark) -> bool:
    """Whether a sentence only repeats a box or `####`, be it with less of its notation."""
    first, second = said.answer, strong.answer
    if not second or first == second or second.startswith(first + "_"):
        return bool(second)
    return _SIGNS.sub("", first) == _SIGNS.sub("", second) or _value(first) == _value(second)


def _hashes(text: str, start: int) -> Mark | None:
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


def _is_answer(hashes: re.Match[str]) -> bool:
    """Whether `#### x` marks an answer and not a heading, which starts with a word."""
    line = hashes[1].strip().strip("*").strip()
    if not line or len(line) > MAX_ANSWER_CHARS or _HEADING.search(line):
        return False
    if not line[0].isalpha() or _ANSWER_LABEL.sub("", line, count=1) != line:
        return bool(_ANSWER_LABEL.sub("", line, count=1))
    behind = hashes.string[hashes.end() : hashes.end() + WINDOW_CHARS]
    return not behind.strip()


def _end_of_first_mark(text: str) -> int | None:
    """Where the first box (with those joined to it), `####` or `Final Answer:` line ends."""
    hashes = (match.span() for match in _HASHES.finditer(text) if _is_answer(match))
    found = [*islice(hashes, 1), *islice(_closed_boxes(text), 1)]
    for at in _mentions(text, forward=True):
        mark = _mention(text, at, "auto")
        if mark is not None and mark.rule == "final_answer":
            found.append((mark.start, _end_of_line(text, mark.end)))
            break
    return min(found)[1] if found else None


def _end_of_line(text: str, start: int) -> int:
    """Where the line of an answer ends that begins at or behind `start`."""
    while start < len(text) and text[start] in " \t\n*_:>#":
        start += 1
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _closed_boxes(text: str) -> Iterator[tuple[int, int]]:
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


# --- what is said to be the answer ---------------------------------------------------------------


def _said(text: str, start: int, kind: Kind, strict: bool) -> Mark | None:
    """The last statement of an answer behind `start`; `strict`: only a plain one, as a sentence.

    A heading with a plain answer is preferred to a later sentence that holds more than one.
    """
    loose: Mark | None = None
    for at in _mentions(text, start):
        mark = _mention(text, at, kind)
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


def _mentions(text: str, start: int = 0, forward: bool = False) -> Iterator[int]:
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


def _mention(text: str, at: int, kind: Kind) -> Mark | None:
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
        letter = several or _LETTER.search(line)
        return Mark(start, end, letter[several is None], rule) if letter else None
    phrase = answer_in(line)
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
    named = _last(_OPTION_IS, text[start:]) if kind == "choice" else None
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


# --- no mark at all ------------------------------------------------------------------------------


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for match in pattern.finditer(text):
        last = match
    return last


def _bold(closing: str, kind: Kind) -> Extracted | None:
    lines = closing.rsplit("\n", 1)
    matches = [match[1] for match in _BOLD.finditer(lines[-1])] if "**" in lines[-1] else []
    if not matches:
        return None
    last = matches[-1].rstrip(":")
    if kind == "choice":
        letter = option(last)
        return Extracted(letter, "bold") if letter else None
    answer = answer_in(last).answer
    words = kind in ("text", "latex") and last == matches[-1]
    told = words or any(char.isdigit() for char in answer)
    return Extracted(answer, "bold") if answer and told else None


def _whole(text: str, kind: Kind) -> Extracted | None:
    """A response that is nothing but an answer."""
    line = text.strip()
    if not line or len(line) > MAX_ANSWER_CHARS or "\n\n" in line:
        return None
    if "\n" in line and line[0] not in "$\\":
        return None
    if kind == "choice":
        letter = option(clean(line))
        return Extracted(letter, "whole") if letter else None
    words = len(_PLAIN_WORD.findall(line))
    if (words == 0 and "\\begin{align" not in line) or is_bare(line):
        return Extracted(right_side(answer_in(line).answer), "whole")
    if kind == "text" and words <= 4 and line[-1:].isalpha():
        return Extracted(clean(line), "whole")
    return None


def _guess(tail: str, kind: Kind) -> Extracted | None:
    if kind == "choice":
        letters = [match[1] for match in _LETTER.finditer(tail)]
        return Extracted(letters[-1], "last_letter") if letters else None
    formulas = formulas_of(tail) if "$" in tail or "\\" in tail else []
    if kind in ("latex", "text"):
        return _last_math(tail, [one for one in formulas if not _mentions_a_name(tail, one)])
    number = _last(NUMBER, tail)
    if number is None or _breaks_off(tail, number.end()):
        return None
    if formulas and formulas[-1].end() > number.start() and "\\" in formulas[-1][0]:
        right = inner(formulas[-1]).rpartition("=")[2].strip(" .")
        if read_number(normalize(right)) is not None:
            return Extracted(right, "last_math")
    return Extracted(number[0].strip(), "last_number")


def _last_math(tail: str, formulas: list[re.Match[str]]) -> Extracted | None:
    if formulas and _breaks_off(tail, formulas[-1].end()):
        return None
    answer = right_side(inner(formulas[-1])) if formulas else _aligned(tail) or _closes_with(tail)
    return Extracted(answer, "last_math") if answer else None


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
