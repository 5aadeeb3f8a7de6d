"""A number as an answer states it: exact value, percent sign, unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from reason_w2s.answers.algebra.expression import Unreadable
from reason_w2s.answers.algebra.rational import evaluate
from reason_w2s.answers.reading.units import read_unit, unit_of


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number. `value` is as written: 5 for `5%`. `unit` is one spelling, "" where none."""

    value: Fraction
    unit: str = ""
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Based:
    """A numeral with its base written out, as in 204_5.

    `value` is what it denotes, -1 where it has a digit that its base does not have.
    """

    digits: str
    base: int
    value: int


_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_UNITS_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPELLED = {word: value for value, word in enumerate(_UNITS_WORDS.split())} | {
    word: 10 * value for value, word in enumerate(_TENS_WORDS.split(), 2)
}
_WORD = re.compile(r"[\s-]*([A-Za-z]+)")
_PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6} | {
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "twelfth": 12, "hundredth": 100,
}  # fmt: skip
# `one and a half`, `three of them`, `five thirtieths` are not read.
_UNREAD = re.compile(
    r"^[\s-]*(?:\w+ths?|and|of(?! (?:an?|the) )|or|to|times|more|less)\b", re.IGNORECASE
)
_PERCENT = ("percent", "pct", "percentage", "percents")
_CURRENCY = re.compile(
    r"^([-+]?)\s*(?:(?:US|USD|C|A)?\s?([$£€₹¥])|(USD|EUR|GBP|INR|Rs)\.?(?![a-z]))\s*([-+]?.*)$",
    re.DOTALL,
)
_BASED = re.compile(r"^\(?(-?[0-9A-Z]{1,60})\)?\s?_\s?\{\s?(\d{1,2})\s?\}$")
_SPACED_THOUSANDS = re.compile(r"^[-+]?\d{1,3}(?: \d{3})+$")
_DATE = re.compile(r"^\d{1,4}-\d{1,2}-\d{1,4}$")
_SIMPLE = re.compile(
    r"^[-+]?\s?(?:\d{1,60}|\d{1,3}(?:,\d{3}){1,20}|\d{1,3}(?:'\d{3}){1,20})(?:\.\d{1,60})?$",
    re.ASCII,
)
_GROUPING = re.compile(r"[,' ]")
_THOUSANDS = re.compile(r"(\d)\s?[kK]$")
_ORDINAL = re.compile(r"^(\d{1,6})(?:st|nd|rd|th)(?![a-z])(.*)$", re.DOTALL)
# `3 30-minute episodes`, `240 5 dollar bills`: the second number says which.
_SORT = re.compile(r"^ \d+(?:\.\d+)?[- ](?=[a-z]+[- ][a-z]+s\b)")
_TAIL = re.compile(
    r"(?<![\\a-zA-Z])[a-zA-Z]|/(?=[a-zA-Z])| (?=\d[\d.]*[- ][a-z]{3})|[°%$£€¥₹¢]| \(?[a-zA-Z]"
)


def read_number(normal: str) -> Number | None:
    """The number a normalised answer states, or None where it is anything else.

    Units and trailing words are kept in `unit`. A tail that holds another number, an operator or a
    word that changes the value (`5 or 6`, `5 below zero`) makes it None: nothing is guessed.
    """
    if _SIMPLE.match(normal):
        return Number(Fraction(_GROUPING.sub("", normal)))
    if not normal or _DATE.match(normal):
        return None
    currency = _CURRENCY.match(normal)
    if currency:
        number = _with_tail(currency[1] + _THOUSANDS.sub(r"\1 thousand", currency[4]))
        if number is None or number.percent:
            return None
        return Number(number.value, unit_of(currency[2] or currency[3]))
    if normal[0].isalpha():
        return _spelled(normal)
    return _with_tail(_ORDINAL.sub(r"\1\2", normal))


def read_based(normal: str) -> Based | None:
    """The numeral with a base that a normalised answer is, or None."""
    match = _BASED.match(normal)
    base = int(match[2]) if match else 0
    if match is None or not 2 <= base <= 36:
        return None
    try:
        return Based(match[1], base, int(match[1], base))
    except ValueError:
        return Based(match[1], base, -1)


def _spelled(text: str) -> Number | None:
    """`twenty-five dollars`, `two thirds`, `a dozen eggs`; None where no number begins it."""
    value, position = _cardinal(text)
    match = _WORD.match(text, position)
    word = match[1].lower() if match else ""
    if value and match and word.removesuffix("s") in _PARTS:
        value, position = value / _PARTS[word.removesuffix("s")], match.end()
    elif value and match and word in ("dozen", "dozens"):
        value, position = value * 12, match.end()
    rest = text[position:]
    if value is None or _UNREAD.match(rest):
        return None
    return _tailed(value, rest) if rest.strip(" .") else Number(value)


def _cardinal(text: str) -> tuple[Fraction | None, int]:
    """The whole number that a text begins with in words, and where that ends."""
    if text.lower().startswith(("a dozen", "half a dozen")):
        return (Fraction(1), 1) if text[0] in "aA" else (Fraction(1, 2), 6)
    total, group, position, seen = 0, 0, 0, False
    while match := _WORD.match(text, position):
        word = match[1].lower()
        if word in _SPELLED:
            group += _SPELLED[word]
        elif word == "hundred" and group:
            group *= 100
        elif word in _SCALES and group:
            total, group = total + group * _SCALES[word], 0
        elif not (word == "and" and seen and group % 100 == 0 and _counts(text, match.end())):
            break
        seen, position = True, match.end()
    return (Fraction(total + group) if seen else None), position


def _counts(text: str, position: int) -> bool:
    match = _WORD.match(text, position)
    return match is not None and match[1].lower() in _SPELLED


def _with_tail(text: str) -> Number | None:
    if _SPACED_THOUSANDS.match(text):
        text = text.replace(" ", "")
    value = _value(text)
    if value is not None:
        return Number(value)
    # a letter in front of the tail is that of `4e5`, or the text is no number
    for match in islice(_TAIL.finditer(text), 2):
        value = _value(text[: match.start()])
        if value is not None:
            return _tailed(value, text[match.start() :])
    return None


def _value(text: str) -> Fraction | None:
    if "%" in text:
        return None
    try:
        return evaluate(text)
    except Unreadable:
        return None


def _tailed(value: Fraction, tail: str) -> Number | None:
    tail = _SORT.sub(" ", tail)
    attached, tail = tail[0] not in " /", tail.strip(" /")
    if unit_of(tail) and not tail.isalpha():
        return Number(value, unit_of(tail))
    if tail.startswith("%"):
        rest = read_unit(tail[1:].strip(), False) if tail[1:].strip() else ""
        return None if rest is None else Number(value, "", True)
    first, _, rest = tail.partition(" ")
    if first.lower().rstrip(".") in _PERCENT:
        return None if rest and read_unit(rest, False) is None else Number(value, "", True)
    scale = _SCALES.get(first.lower())
    if scale:
        number = _tailed(value * scale, " " + rest) if rest else Number(value * scale)
        return number
    unit = read_unit(tail, attached)
    return None if unit is None else Number(value, unit)
