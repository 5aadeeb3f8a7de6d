"""A number as an answer states it: exact value, percent sign, unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from reason_w2s.answers.expression import Unreadable
from reason_w2s.answers.rational import evaluate


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number. `value` is as written: 5 for `5%`. `unit` is one spelling, "" where none."""

    value: Fraction
    unit: str = ""
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Based:
    """A numeral with its base written out, as in 204_5. `value` is what it denotes."""

    value: int
    base: int


_SPELLINGS = {
    "m": "m meter meters metre metres",
    "cm": "cm cms centimeter centimeters centimetre centimetres",
    "mm": "mm millimeter millimeters",
    "km": "km kms kilometer kilometers kilometre kilometres",
    "inch": "inch inches in",
    "foot": "ft foot feet",
    "yard": "yd yard yards",
    "mile": "mi mile miles",
    "g": "g gram grams",
    "kg": "kg kgs kilogram kilograms kilo kilos",
    "mg": "mg milligram milligrams",
    "pound": "lb lbs pound pounds",
    "ounce": "oz ounce ounces",
    "liter": "l liter liters litre litres",
    "ml": "ml milliliter milliliters millilitre millilitres",
    "gallon": "gal gallon gallons",
    "second": "s sec secs second seconds",
    "minute": "min mins minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "yr yrs year years",
    "degree": "° degree degrees",
    "degree c": "°c",
    "degree f": "°f",
    "dollar": "$ dollar dollars usd buck bucks",
    "cent": "¢ cent cents",
    "pound sterling": "£ gbp",
    "euro": "€ euro euros eur",
    "rupee": "₹ rupee rupees",
    "yen": "¥ yen",
    "mph": "mph",
    "wpm": "wpm",
    "megabyte": "mb",
    "gigabyte": "gb",
}
_KNOWN = {word: unit for unit, words in _SPELLINGS.items() for word in words.split()}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PERCENT = ("percent", "pct", "percentage", "percents")
# Words after which a number no longer means what its digits say, wherever they stand.
_CHANGING_WORDS = (
    "or minus plus times below less under negative half dozen dozens hundred thousand million "
    "billion trillion twice modulo mod pi cos sin tan log exp ln sqrt arcsin arccos arctan equals "
    "between"
)
_CHANGES_VALUE = frozenset(_CHANGING_WORDS.split())
_CHANGES_VALUE_FIRST = frozenset({"to", "is", "out", "over", "with", "and"})
_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "another quarter third"
)
_COUNTS = frozenset(_NUMBER_WORDS.split())
_CURRENCY = re.compile(r"^([-+]?)\s*(?:US|USD|C|A)?\s?([$£€₹¥])\s*([-+]?.*)$", re.DOTALL)
_BASED = re.compile(r"^\(?([0-9A-Z]{1,60})\)?\s?_\s?\{\s?(\d{1,2})\s?\}$")
_SPACED_THOUSANDS = re.compile(r"^[-+]?\d{1,3}(?: \d{3})+$")
_DATE = re.compile(r"^\d{1,4}-\d{1,2}-\d{1,4}$")
_SIMPLE = re.compile(r"^[-+]?\s?(?:\d{1,60}|\d{1,3}(?:,\d{3}){1,20})(?:\.\d{1,60})?$", re.ASCII)
_TAIL = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]|[°%$£€¥₹¢]| \(?[a-zA-Z]")
_UNIT_POWER = re.compile(r"\s?\^\{([23])\}")
_NOT_UNIT = re.compile(r"[\d,;:=<>\\$+*_{}\[\]|]|\.\s*\S")


def read_number(normal: str) -> Number | None:
    """The number a normalised answer states, or None where it is anything else.

    Units and trailing words are kept in `unit`. A tail that holds another number, an operator or a
    word that changes the value (`5 or 6`, `5 below zero`) makes it None: nothing is guessed.
    """
    if _SIMPLE.match(normal):
        return Number(Fraction(normal.replace(",", "").replace(" ", "")))
    if not normal or _DATE.match(normal):
        return None
    currency = _CURRENCY.match(normal)
    if currency:
        number = _with_tail(currency[1] + currency[3])
        if number is None or number.percent:
            return None
        return Number(number.value, _KNOWN[currency[2]])
    return _with_tail(normal)


def read_based(normal: str) -> Based | None:
    """The numeral with a base that a normalised answer is, or None."""
    match = _BASED.match(normal)
    base = int(match[2]) if match else 0
    if match is None or not 2 <= base <= 36:
        return None
    try:
        return Based(int(match[1], base), base)
    except ValueError:
        return None


def same_unit(left: str, right: str) -> bool | None:
    """Whether two units agree; None where neither is known well enough to say no."""
    if not left or not right or left == right:
        return True
    known = left in _SPELLINGS and right in _SPELLINGS
    first, second = set(left.split()), set(right.split())
    if first <= second or second <= first:
        return True
    return False if known else None


def known_unit(word: str) -> bool:
    """Whether a word is a unit of measure or money."""
    return word.lower() in _KNOWN


def _with_tail(text: str) -> Number | None:
    if _SPACED_THOUSANDS.match(text):
        text = text.replace(" ", "")
    value = _value(text)
    if value is not None:
        return Number(value)
    for match in _TAIL.finditer(text):
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
    attached, tail = not tail.startswith(" "), tail.strip()
    if tail in _KNOWN and not tail.isalpha():
        return Number(value, _KNOWN[tail])
    if tail.startswith("%"):
        rest = _unit(tail[1:].strip(), False) if tail[1:].strip() else ""
        return None if rest is None else Number(value, "", True)
    first, _, rest = tail.partition(" ")
    if first.lower().rstrip(".") in _PERCENT:
        return None if rest and _unit(rest, False) is None else Number(value, "", True)
    scale = _SCALES.get(first.lower())
    if scale:
        number = _tailed(value * scale, " " + rest) if rest else Number(value * scale)
        return number
    unit = _unit(tail, attached)
    return None if unit is None else Number(value, unit)


def _unit(tail: str, attached: bool) -> str | None:
    """One spelling of a unit, or None where the tail is not one."""
    tail = (
        _UNIT_POWER.sub(r" power\1", tail).replace("power2", "squared").replace("power3", "cubed")
    )
    if _NOT_UNIT.search(tail.rstrip(".")):
        return None
    words = [word for word in re.split(r"[\s/.()!*-]+", tail.lower()) if word]
    if not words or not _CHANGES_VALUE.isdisjoint(words) or words[0] in _CHANGES_VALUE_FIRST:
        return None
    if "and" in words and (words.index("and") < 3 or not _COUNTS.isdisjoint(words)):
        # `5 dollars and fifty cents` is more than 5; `42 fish that are both red and blue` is 42.
        return None
    first = words[0]
    single = len(first) == 1 and first.isalpha()
    if first not in _KNOWN and (
        len(first) < (4 if attached else 3) or not set(first) & set("aeiouy")
    ):
        return None
    if single and attached:
        return None
    return " ".join(_KNOWN.get(word, word.removesuffix("s")) for word in words)
