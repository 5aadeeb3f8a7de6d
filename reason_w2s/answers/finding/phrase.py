r"""The answer inside a line or a sentence: `The total is $5$ dollars.`, `**18** eggs in 3 days`."""

from __future__ import annotations

import re
from typing import NamedTuple

from reason_w2s.answers.normalize import normalize
from reason_w2s.answers.reading.numbers import read_number


class Phrase(NamedTuple):
    """An answer, and whether it is one: a number, an option, a formula, not a whole sentence."""

    answer: str
    plain: bool


WINDOW_CHARS = 2_000
"""No more than this is read behind a mark, or before the end where nothing is marked."""

NUMBER = re.compile(
    r"(?<![\w.,/^_])(?:-\s?|(?<=\s)-)?[$\u20ac\u00a3]?-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
    r"(?:[eE][-+]?\d{1,3}(?![\w.]))?"
    r"(?:(?:\s\d+)?\s?/\s?\d+(?!\d|\.\d))?(?:\s?\\?%)?|(?<![\w.])-?\.\d+"
)
MATH = re.compile(
    r"\$\$([^$]{1,500})\$\$|\$([^$]{1,500})\$|\\\(((?:[^\\]|\\[^()]){1,500})\\\)"
    r"|\\\[((?:[^\\]|\\[^\[\]]){1,500})\\\]"
)
_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_DECORATION = " \t\r\n*_`:\uff1a>\u2705\u3002"
_PLAIN = re.compile(r"[-+]?\s?[$\u20ac\u00a3]?\d[\d,]{0,40}(?:\.\d{1,40})?\s?%?\.?")
_CLOSING = re.compile(
    r"(?:I hope (?:it|this)|Hope (?:it|this)|(?:Please )?[Ll]et me know|Is there anything"
    r"|Do you (?:want|have|need)|Would you like|If you have any)\b.*",
    re.DOTALL,
)
_SENTENCE_END = re.compile(
    r"(?<=[^A-Z\s])(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bMrs)(?<!\bSt)(?<!\bvs)"
    r"[.!\u3002]\**(?=\s+[A-Z(*\\$]|[A-Z][a-z])|[.!]\s*\n"
)
_TAIL_WORD = re.compile(r"\s(?:is|are|be|equals|was|were|get|gives|makes?)(?::|\s)\s*")
_HEDGE = re.compile(
    r"(?:(?:therefore|thus|indeed|simply|just|exactly|approximately|about|around|roughly|only"
    r"|also|equal to|a total of|option|choice)\s+|\u2248\s?|=\s?|\\approx\s?)+",
    re.IGNORECASE,
)
# What a number is counted in ends where one of these begins.
_BREAK = re.compile(
    r"[,;(]?\s(?:in|on|for|by|at|if|when|while|to|of|from|between|before|after|during|until|so|as"
    r"|because|since|which|that|who|with|than|this|these|now|altogether|per day|each|every|left"
    r"|[a-z]{3,}ing)(?=[\s.,])|\s\(|,\s(?=[a-z]{2})|\s[-\u2013\u2014]\s"
)
# `after 3 months`, `the first 2`: these say when or of what, not how many.
_MODIFIER = re.compile(
    r"\b(?:after|in|for|at|within|per|from|by|on|over|than|during|until|if|when|with|first|last"
    r"|next|all|the|each|every|\d\sof|between|and|step|day|day's)\s*$",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\b(?:after|in|for|at|within|per|from|by|on|over|during|until|first|last|next)(?:\sthe)?\s$"
)
_FIRST_NUMBER = re.compile(
    r"[-+]?\s?[$\u20ac\u00a3]?\s?\d[\d,]*(?:\.\d+)?(?:\s?/\s?\d+)?(?:\s?\\?%)?"
)
# What makes another number of the one before it, or a pair of both.
_JOINED = re.compile(
    r"\s?(?:[-+*/=^_\\<>\u00d7\u00b1:\u00b7]|to\s[-$\d]|or\b|and\b|minus\b|plus\b|times\s(?:[\d$(]|as)|below\b|under\b"
    r"|less\b|out\b|[ap]\.?m\b)|,\s?(?:and|or|[-\d$(])|[a-zA-Z^(]",
    re.IGNORECASE,
)
_SCALED = re.compile(r"\s(?:hundred|thousand|million|billion|dozen|hal(?:f|ves)\b)", re.IGNORECASE)
# `18 eggs, but she keeps 2, so she sells 16` takes back what it said.
_REVISED = re.compile(r"\b(?:but|however|although|except|wait|actually)\b[^\d]{1,80}\d")
# `3 30-minute episodes`
_COUNTED_KIND = re.compile(r"\s\d{1,4}-[a-z]")
# `5, not 6`
_DENIED = re.compile(r",\s(?:and\s)?not\s[^,]{1,60}$")
_LINES = re.compile(
    r"\\begin\{(align|aligned|equation|gather|split)(\*?)\}(.*?)\\end\{\1\2\}", re.DOTALL
)
_VARIABLE = re.compile(r"(?<![A-Za-z])[a-zA-Z](?![A-Za-z])")
_OPTION = re.compile(r"[(\[]?([A-J])(?:[)\].:](?:\s.{0,300})?)?")
_PROSE = re.compile(r"(?<![\\a-zA-Z{])[a-z]{2,}\s+[a-z]{2,}(?![^{}]*\})")
_WORDS = re.compile(r"[^\W\d_]{2,}")


def content(text: str, start: int) -> str:
    r"""What stands behind a mark: a whole formula, of any number of lines, or the rest of the line.

    Where nothing is left on the line it is the next one that says something.
    """
    body = text[start : start + WINDOW_CHARS].lstrip(_DECORATION)
    if body.startswith("#"):
        body = body.lstrip("#" + _DECORATION)
    lines = _LINES.match(body) if body.startswith("\\begin") else None
    if lines:
        last = lines[3].rstrip(" \\\n").rpartition("\\\\")[2]
        return f"${last.replace('&', ' ').strip()}$"
    for left, right in _DELIMITERS:
        if body.startswith(left):
            end = body.find(right, len(left))
            rest = body[end + len(right) :].partition("\n")[0]
            if end > 0 and not rest.strip(" .*_"):
                return f"${body[len(left) : end].strip()}$"
            if left != "$" and end < 0:
                body = body[len(left) :].lstrip()
            break
    return clean(body.partition("\n")[0].partition("</")[0].partition("[/")[0])


def clean(line: str) -> str:
    """`line` without what is only typography, or polite."""
    if "ope" in line or "ou" in line or "et me" in line:
        line = _CLOSING.sub("", line)
    return line.strip().strip("*_`").strip(" \t\r\n\u3002").removesuffix("です")


def answer_in(line: str) -> Phrase:
    """The answer that one line states; the sentence itself where that is not plain to see."""
    line = _DENIED.sub("", clean(line))
    if _PLAIN.fullmatch(line):
        return Phrase(line, True)
    formulas = formulas_of(line) if "$" in line or "\\" in line else []
    if len(formulas) == 1 and not _without(line, formulas).strip(" .,*"):
        return Phrase(inner(formulas[0]), True)
    sentence = _SENTENCE_END.split(line, maxsplit=1)[0]
    if sentence != line:
        return answer_in(sentence)
    if is_bare(line):
        return Phrase(line, True)
    hedge = _HEDGE.match(line)
    if hedge and hedge.end() < len(line):
        return answer_in(line[hedge.end() :])
    found = _of_formulas(line, formulas) or _of_numbers(line)
    return Phrase(found, True) if found else Phrase(_from_number(line) or line, False)


def is_bare(answer: str) -> bool:
    """Whether an answer is a number (with its unit), an option, or one formula and no more."""
    if _PLAIN.fullmatch(answer):
        return True
    normal = normalize(answer)
    return read_number(normal) is not None or option(answer) is not None


def option(answer: str) -> str | None:
    """The letter of an answer that is an option of a multiple choice: `C`, `(C)`, `C) 12`."""
    match = _OPTION.fullmatch(answer)
    return match[1] if match else None


def says_nothing(answer: str) -> bool:
    """Whether an answer is punctuation only."""
    return not answer.strip(" \t\n.,;:!?*_$()[]{}<>\\|-'\"`#")


def is_short(answer: str) -> bool:
    """Whether an answer is no sentence: at most three words."""
    return len(_WORDS.findall(answer[:200])) <= 3


def right_side(formula: str) -> str:
    """The last part of a chain `a = b = c`; a formula with one equals sign stays as it is."""
    parts = formula.split("=")
    return parts[-1].strip(" .&\\\n") if len(parts) > 2 else formula


def formulas_of(text: str) -> list[re.Match[str]]:
    """The formulas of a text. What stands between two prices (`$5 for each, $`) is none."""
    return [match for match in MATH.finditer(text) if not _PROSE.search(match[2] or "")]


def inner(formula: re.Match[str]) -> str:
    """What a formula says, without its delimiters."""
    return (formula[1] or formula[2] or formula[3] or formula[4]).strip()


def _without(line: str, formulas: list[re.Match[str]]) -> str:
    for formula in reversed(formulas):
        line = line[: formula.start()] + " " + line[formula.end() :]
    return line


def _of_formulas(line: str, formulas: list[re.Match[str]]) -> str | None:
    """The only formula of a sentence; of several, the one behind the last verb."""
    if not formulas:
        return None
    outside = _without(line, formulas)
    if len(formulas) == 1:
        return None if NUMBER.search(outside) else inner(formulas[0])
    tail = line
    for verb in _TAIL_WORD.finditer(line):
        tail = line[verb.end() :]
    behind = formulas_of(tail)
    if len(behind) == 1 and not NUMBER.search(_without(tail, behind)):
        return inner(behind[0])
    return tail if behind else None


def _of_numbers(line: str) -> str | None:
    """The number a sentence is about, with what it counts; None where it is not plain which."""
    if "\\" in line:
        return None
    result = _result(line) or (_quantity(line) if _FIRST_NUMBER.match(line) else None)
    if result or not line[:1].isalpha() or len(_WORDS.findall(line)) < 2:
        return result
    tail = line
    for verb in _TAIL_WORD.finditer(line):
        tail = line[verb.end() :]
    if tail is not line and _FIRST_NUMBER.match(tail):
        return _quantity(tail) or (tail if len(NUMBER.findall(tail)) == 1 else None)
    rest = _from_number(line)
    return _quantity(rest) if rest else None


def last_number(text: str) -> re.Match[str] | None:
    """The last number of a text; in its last sentence not `in 5 days` where it has one other."""
    found = list(NUMBER.finditer(text))
    if not found or not _WHEN.search(text[max(0, found[-1].start() - 12) : found[-1].start()]):
        return found[-1] if found else None
    start = max(text.rfind(mark, 0, found[-1].start()) for mark in (". ", "! ", "\n"))
    counted = [one for one in found if one.start() > start and not _modifies(text, one)]
    return counted[0] if len(counted) == 1 else found[-1]


def _from_number(line: str) -> str | None:
    """A sentence from its only number on."""
    if "\\" in line or not line[:1].isalpha() or len(_WORDS.findall(line)) < 2:
        return None
    found = [match for match in NUMBER.finditer(line) if not _modifies(line, match)]
    return line[found[0].start() :] if len(found) == 1 else None


def _result(line: str) -> str | None:
    """The right side of a calculation (`1245 / 15 = 83`), not of an equation to solve."""
    left, equals, right = line.rpartition("=")
    if not equals or not is_bare(right.strip()):
        return None
    calculation = "=" in left or not _VARIABLE.search(left)
    return right.strip() if calculation and any(char.isdigit() for char in left) else None


def _modifies(line: str, number: re.Match[str]) -> bool:
    """Whether a number says when or of what, or stands inside an expression."""
    start, end = number.span()
    if line[end : end + 1].isalpha() or line[:start].rstrip()[-1:] in "+*/^(":
        return True
    return _MODIFIER.search(line, max(0, start - 12), start) is not None


def _quantity(line: str) -> str | None:
    """`36 more signatures` of `36 more signatures to reach 100`, 762 of `762 M&Ms`."""
    leading = _FIRST_NUMBER.match(line)
    if leading is None or _JOINED.match(line, leading.end()) or _REVISED.search(line):
        return None
    end = _BREAK.search(line, leading.end())
    phrase = line[: end.start()] if end else line
    if is_bare(phrase):
        return phrase
    counted = phrase[leading.end() :]
    if _COUNTED_KIND.match(counted):
        return leading[0].strip()
    other = _SCALED.match(counted) or " and " in counted or " or " in counted
    words = counted[:1].isspace() and not any(char.isdigit() for char in counted)
    return leading[0].strip() if words and not other else None
