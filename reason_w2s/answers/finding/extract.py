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
from functools import lru_cache
from itertools import islice

from reason_w2s.answers.finding.guesses import unmarked
from reason_w2s.answers.finding.marks import (
    MAX_MENTIONS,
    Mark,
    boxed,
    closed_boxes,
    hashes,
    hashes_spans,
    last_box,
    value,
)
from reason_w2s.answers.finding.phrase import WINDOW_CHARS
from reason_w2s.answers.finding.statements import mention, mentions, said
from reason_w2s.answers.verdict import MAX_RESPONSE_CHARS, Extracted, Kind

# A model that does not stop goes on with a question of its own; chat formats have their own ends.
_NEXT_QUESTION = re.compile(
    r"\n\s{0,4}(?:Question|Problem|Q|Human|User):|\n### (?:Instruction|Input)\b|\[INST\]|</s>"
    r"|<\|(?:im_start|im_end|eot_id|endoftext|user|end)\|>"
)
_NEXT_QUESTION_HINTS = ("Question:", "Problem:", "\nQ:", "Human:", "User:", "\n### I", "[INST]",
    "</s>", "<|")  # fmt: skip
_SIGNS = re.compile(r"\\(?:begin|end)\{[a-z]+\}|\\[a-zA-Z]+|[^0-9A-Za-z.+*-]|\.$")
_STYLED = re.compile("[\U0001d400-\U0001d7ff]")


def extract(response: str, kind: Kind = "auto") -> Extracted | None:
    """The final answer of a response, or None where it states none.

    Reads what comes after the last `</think>`, up to where the model starts a question of its own.
    A box that is never closed is no answer.
    """
    text = _conclusion(response)
    mark = _marked(text, kind)
    if mark is not None:
        return Extracted(mark.answer, mark.rule) if mark.answer else None
    return unmarked(text, kind)


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
    box = last_box(_conclusion(response))
    return box is not None and box[1] < 0


@lru_cache(maxsize=1)  # asked for by each of those who look at a response
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


def _marked(text: str, kind: Kind) -> Mark | None:
    """The last mark; an empty answer where that is a box that is never closed, or holds nothing."""
    box = boxed(text) if "box" in text or "\x08" in text else None
    strong = (hashes(text, box.end if box else 0) if "####" in text else None) or box
    later = said(text, strong.end if strong else 0, kind, strict=strong is not None)
    return strong if strong is not None and (later is None or _same(later, strong)) else later


def _same(later: Mark, strong: Mark) -> bool:
    """Whether a sentence only repeats a box or `####`, be it with less of its notation."""
    first, second = later.answer, strong.answer
    if not second or first == second or second.startswith(first + "_"):
        return bool(second)
    return _SIGNS.sub("", first) == _SIGNS.sub("", second) or value(first) == value(second)


def _end_of_first_mark(text: str) -> int | None:
    """Where the first box (with those joined to it), `####` or `Final Answer:` line ends."""
    found = [*islice(hashes_spans(text), 1), *islice(closed_boxes(text), 1)]
    for at in mentions(text, forward=True):
        mark = mention(text, at, "auto")
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
