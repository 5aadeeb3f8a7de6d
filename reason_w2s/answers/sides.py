"""One side of an equation in running text: where it ends, and what it is worth.

The hard part of reading equations in prose is knowing that a run of digits and signs is the whole
of a side, and that no word beside it changes what it means. A side that is not sure has no value.
"""

# ruff: noqa: RUF001 - these signs are what models write, and what this file reads.

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from string import ascii_letters
from typing import NamedTuple

from reason_w2s.answers.algebra.expression import Unreadable
from reason_w2s.answers.algebra.rational import evaluate

MAX_SIDE_CHARS = 200
_CONTEXT_CHARS = 80
_SHORT_CHARS = 20


class Side(NamedTuple):
    """One side: where it is, and its arithmetic. `value` is None where it cannot be read.

    single: one number. sure: `source` is read in one way only; `10-2-3` may be a date.
    """

    start: int
    end: int
    source: str
    value: Fraction | None
    single: bool
    sure: bool = True


_TIMES = re.compile(
    r"[xX](?:(?<=[\d)%}][xX])|(?<=[\d)%}] [xX])) ?(?=\$?[\d.])|[xX](?<=[\d)%}] [xX]) (?=[\d($.])"
)
_OF = re.compile(r"(?<=%) of (?=\$?[\d(])")
_SIDE_CHARS = "0123456789 .,+-*/^()$%×·÷−–{}\t⊗"
# Of `x` and `of` some are read as `*`.
_GAP = r"(?:[ .,+\-*/^()$%×·÷−–{}\t⊗xX]|of|\\(?:[a-zA-Z]+|[^a-zA-Z\n]))*"
_POSSIBLE = re.compile(rf"\d{_GAP}={_GAP}\d")
_PREFIXED = re.compile(r"(?<!\d)\$|\$\S*[\w(]")
# What may be an operation that the question defines.
_OWN_SIGNS = frozenset("@★☆⊕∘⋆♦◊△▽")
_POWER = re.compile(r"\d\s?\*\*\s?\d")
_PLAIN = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "⊗": "*"})
_MAY_END = re.compile(r"[().,$]")
_DIGIT = re.compile(r"\d")
_SPACED_PERCENT = re.compile(r"(?<=\d) %")
# Forms that are read in more than one way: leading zeros, a range, a date, 1,00.
_UNSAFE = re.compile(r"(?<![\d.,])0\d|\d,\d{1,2}(?!\d)|\d-\d+-\d|\d \(")
_SINGLE = re.compile(r"^\(?-?[\d,]*\.?\d+%?\)?$")
_ENDS_WORD = frozenset(ascii_letters + "'\"")
_WORD_BEFORE = re.compile(r"([A-Za-z]+\s+|\d\s+)?([A-Za-z]+)['\"]?\s*$")
_LATEX_THOUSANDS = re.compile(r"\d{1,3}(?:(?:,\\!|\{,\})\d{3})+")
_SIGN = re.compile(r"\\(times|cdot|div)(?![a-zA-Z])")
_SIGNS = {"times": "*", "cdot": "*", "div": "/"}
_COMMAND_BEFORE = re.compile(r"\\([a-zA-Z]+)\s*$")
_HARMLESS = frozenset(
    {"quad", "qquad", "implies", "Rightarrow", "rightarrow", "therefore", "iff", "to", "item"}
)
_WORDS_AFTER = re.compile(r"\s*(?:[A-Za-z][A-Za-z'-]*[ \t]*){0,4}")
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•+]|\(?[a-z]\))\s+")
_OPERATORS, _DIGITS = frozenset("+-*/^×·÷−–⊗"), frozenset("0123456789")
# `14, 400 / 80` and `.8 + . 84`: a space has split a number.
_CUT_NUMBER = re.compile(r"\d,\s+\d{3}(?!\d)|(?:^|[^\w)])\.\s+\d")
# In front of an expression these make it something else: "half of 3 + 4", "20 more than 3 + 4".
_BINDING_WORDS = (
    "of twice half double triple thrice times by plus minus than per over divided multiplied mod "
    "square cube root sum product difference base power log sqrt x"
)
_BINDING = frozenset(_BINDING_WORDS.split())
# Behind a result these make it something else: `7 / 2 = 3 remainder 1`, `9 + 5 = 2 pm`.
_CARRYING_WORDS = (
    "am pm p oclock r rem remainder with mod modulo thousand million billion hundred dozen k"
)
_CARRYING = frozenset(_CARRYING_WORDS.split())


def may_have_sides(line: str) -> bool:
    """False where no equals sign stands between two sides: most lines, told without reading them.

    A side is worth reading from its digit nearest to the sign on.
    """
    return _POSSIBLE.search(line) is not None


def readable(line: str) -> str:
    """The line with its signs in one spelling; every character stays at its offset."""
    marker = _LIST_MARK.match(line)
    if marker:
        line = "\x00" * marker.end() + line[marker.end() :]
    if "**" in line and not _POWER.search(line):
        line = line.replace("**", "\x00\x00")
    if "\\" in line or "{" in line:
        line = _latex(line)
    elif "$" in line and not _PREFIXED.search(line):
        line = line.replace("$", " ")  # 40$ - 10$
    if "%" in line:
        line = _OF.sub("  * ", line)
    if "x" in line or "X" in line:
        line = _TIMES.sub(lambda match: "⊗".center(len(match[0])), line)
    return line


def _latex(line: str) -> str:
    line = _LATEX_THOUSANDS.sub(_thousands, line)
    line = line.replace("\\$", " $").replace("\\(", "\x00\x00").replace("\\)", "\x00\x00")
    line = line.replace("\\[", "\x00\x00").replace("\\]", "\x00\x00").replace("\\%", " %")
    line = line.replace("\\left", "     ").replace("\\right", "      ").replace("\\,", "  ")
    line = (
        line.replace("dfrac", "\x01frac")
        .replace("tfrac", "\x01frac")
        .replace("\\\x01frac", " \\frac")
    )
    return _SIGN.sub(lambda match: _SIGNS[match[1]].center(len(match[0])), line)


def _thousands(match: re.Match[str]) -> str:
    return match[0].replace("\\!", "").replace("{,}", ",").ljust(len(match[0]))


def left_side(line: str, low: int, mark: int) -> Side | None:
    """The arithmetic that ends at an equals sign, as far back as it goes."""
    stop = max(low, mark - MAX_SIDE_CHARS)
    start = stop + len(line[stop:mark].rstrip(_SIDE_CHARS))
    while line.endswith("\\frac", stop, start):
        start = stop + len(line[stop : start - 5].rstrip(_SIDE_CHARS))
    if (start == stop and stop != low) or not _DIGIT.search(line, start, mark):
        return None
    start = _sentence_start(line, start, mark)
    start = _open_bracket(line, start, mark)
    source = line[start:mark]
    if not _DIGIT.search(source):
        return None
    whole = start == low and low > 0
    return _side(line, start, mark, source, free=whole or _stands_alone(line, start))


def _sentence_start(line: str, start: int, end: int) -> int:
    """Behind the last full stop, comma or `$` gap that separates two thoughts."""
    gap = max(line.rfind(". ", start, end), line.rfind(", ", start, end))
    return start if gap < 0 else gap + 1


def _open_bracket(line: str, start: int, end: int) -> int:
    """Behind a bracket that is opened and not closed: `(5 + 3 = 8)`."""
    if line.find("(", start, end) < 0:
        return start
    depth = 0
    for index in range(end - 1, start - 1, -1):
        depth += (line[index] == ")") - (line[index] == "(")
        if depth < 0:
            return index + 1
    return start


def _stands_alone(line: str, start: int) -> bool:
    """Whether nothing before an expression changes what it means."""
    before = line[max(0, start - _CONTEXT_CHARS) : start]
    rest = line[start:].lstrip(" \t$")
    cut = before.rstrip(" $")
    if cut[-1:] in _OWN_SIGNS or _cuts_number(f"{cut[-8:]} {rest[:4]}"):
        return False
    if cut.endswith("(") and cut[:-1].rstrip(" $")[-1:] in _OPERATORS | _DIGITS:
        return False
    spaced = line[start : start + 1].isspace()
    if before and (before[-1] in "\\_}]|!'^²³√" or (before[-1].isalnum() and not spaced)):
        return False
    if rest.startswith(("+", "-", "−", "*", "/", "×", "÷", "·", "–", ")", "^", "}", "⊗", ",", "%")):
        attached = rest[0] in "-−" and not before.rstrip("\x00 ([{:,;$")
        return attached and rest[1:2].isdigit()
    command = _COMMAND_BEFORE.search(before[-40:]) if "\\" in before else None
    if command and command[1] not in _HARMLESS:
        return False
    return not _binds(before)


def _cuts_number(text: str) -> bool:
    return ("," in text or "." in text) and bool(_CUT_NUMBER.search(text))


def _binds(before: str) -> bool:
    """Whether the two words before an expression take its first number for themselves."""
    if before.rstrip()[-1:] not in _ENDS_WORD:
        return False
    match = _WORD_BEFORE.search(" ".join(before[-40:].split()[-2:]))
    if match is None:
        return False
    first, second = (match[1] or "").strip().lower(), match[2].lower()
    if second == "and":
        return first.isdigit()
    if second == "to":
        return first in ("add", "added", "adding", "compared", "equal")
    if second == "of" and first in ("total", "sum", "cost", "price", "profit"):
        return False
    return second in _BINDING


def right_side(line: str, start: int, high: int) -> Side | None:
    """The arithmetic that begins behind an equals sign, as far as it goes."""
    stop = min(high, start + MAX_SIDE_CHARS)
    end = stop - len(line[start:stop].lstrip(_SIDE_CHARS))
    while line.startswith("\\frac", end, stop):
        end = stop - len(line[end + 5 : stop].lstrip(_SIDE_CHARS))
    if end == stop and stop != high:
        return None
    end = _sentence_end(line, start, end)
    source = line[start:end]
    if not _DIGIT.search(source):
        return None
    free = (end == high and high < len(line)) or _ends_alone(line, end, high)
    return _side(line, start, start + len(source.rstrip(" .,$")), source, free)


def _sentence_end(line: str, start: int, end: int) -> int:
    """Before the full stop, comma or unmatched bracket that ends the expression."""
    if not _MAY_END.search(line, start, end):
        return end
    depth, digits = 0, False
    for index in range(start, end):
        char = line[index]
        digits = digits or char.isdigit()
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return index
        if digits and char in ".," and not line[index + 1 : index + 2].isdigit():
            return index
        if digits and char == "$" and depth == 0 and not re.match(r"\s?[\d.]", line[index + 1 :]):
            return index
    return end


def _ends_alone(line: str, end: int, high: int) -> bool:
    """Whether nothing behind an expression carries it on: a letter, an operator, a remainder."""
    after = line[end : min(high, end + _CONTEXT_CHARS)]
    if not after:
        return True
    written = line[end - 1 : end]
    if after[:1].isalpha() and written.isdigit():
        return False
    if after[:1] in ("\\", "_", "^", "!", ":", "|", "[", "{", "…", "√", "²", "³", "<"):
        return after[:1] in "\\:" and bool(re.match(r"\\(?:text|mathrm|\\|quad)|:(?!\d)", after))
    words = _WORDS_AFTER.match(after)
    spoken = words[0].lower().split() if words else []
    if spoken and spoken[0] in _CARRYING:
        return False
    rest = after[words.end() :].lstrip() if words else after
    return not (spoken and rest[:1] in tuple("+-*/×÷·−–^⊗("))


def whole_side(line: str, start: int, end: int) -> Side | None:
    """All that stands between two places as one side; None where no digit does."""
    source = line[start:end]
    if not _DIGIT.search(source):
        return None
    return _side(line, start, end, source, free=True)


def _side(line: str, start: int, end: int, source: str, free: bool) -> Side:
    lead = len(source) - len(source.lstrip(" $\t"))
    last = start + len(line[start:end].rstrip())
    clean, single, sure = _read(source)
    return Side(start + lead, last, clean, side_value(clean) if free else None, single, sure)


@lru_cache(maxsize=8192)
def _read(source: str) -> tuple[str, bool, bool]:
    """The text of a side without what is beside its arithmetic, `single` and `sure`."""
    clean = source.replace("$", "").replace("**", "^")
    clean = clean if clean.isascii() else clean.translate(_PLAIN)
    clean = clean.strip().rstrip(".,").strip()
    if clean.isascii() and clean.isdigit() and len(clean) < _SHORT_CHARS and clean[0] != "0":
        return clean, True, True
    clean = _SPACED_PERCENT.sub("%", clean) if "%" in clean else clean
    return clean, bool(_SINGLE.match(clean)), not _UNSAFE.search(clean)


@lru_cache(maxsize=8192)
def side_value(source: str) -> Fraction | None:
    """What an expression is worth; None where it cannot be read."""
    try:
        return evaluate(source) if source else None
    except Unreadable:
        return None
