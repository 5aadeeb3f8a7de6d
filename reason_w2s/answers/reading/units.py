"""Units of measure and money: one spelling for each, what they are worth, which agree."""

from __future__ import annotations

import re
from fractions import Fraction

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
    "rupee": "₹ rupee rupees rs inr",
    "yen": "¥ yen",
    "mile per hour": "mph",
    "wpm": "wpm",
    "megabyte": "mb",
    "gigabyte": "gb",
}
_KNOWN = {word: unit for unit, words in _SPELLINGS.items() for word in words.split()}
# What a unit is worth in the first of its kind.
_WORTH = {
    "length": {
        "m": "1", "mm": "0.001", "cm": "0.01", "km": "1000", "inch": "0.0254", "foot": "0.3048",
        "yard": "0.9144", "mile": "1609.344",
    },
    "mass": {
        "g": "1", "mg": "0.001", "kg": "1000", "pound": "453.59237", "ounce": "28.349523125",
    },
    "volume": {"liter": "1", "ml": "0.001"},
    "time": {"second": "1", "minute": "60", "hour": "3600", "day": "86400", "week": "604800"},
    "years": {"month": "1", "year": "12"},
    "money": {"cent": "1", "dollar": "100"},
}  # fmt: skip
_MEASURES = {
    unit: (kind, Fraction(worth)) for kind, units in _WORTH.items() for unit, worth in units.items()
}
_POWERS = {"square": 2, "squared": 2, "sq": 2, "cubic": 3, "cubed": 3, "cu": 3}
# Words after which a number no longer means what its digits say, wherever they stand.
_CHANGING_WORDS = (
    "or minus plus times below less under negative half hundred thousand million "
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
_UNIT_POWER = re.compile(r"\s?\^\{([23])\}")
# `5 dozens of cookies for 30 days`: this number only says more about the first.
_CIRCUMSTANCE = re.compile(r"\b(?:for|in|after|within|during|every|at|on|by|from) \d[\d,.]*(?= |$)")
# `3/4 of a cup`, `2/3 of the class`; `5 of 30` is another thing.
_OF_THE = re.compile(r"^\s?of (?:an?|the) ", re.IGNORECASE)
_NOT_UNIT = re.compile(r"[\d,;:=<>\\$+*_{}\[\]|]|\.\s*\S")


def known_unit(word: str) -> bool:
    """Whether a word is a unit of measure or money."""
    return word.lower() in _KNOWN


def exchange(left: str, right: str) -> Fraction | None:
    """What one `left` is in `right`, both as `read_unit` gives them.

    1 where they are the same or one of them is not said, 0 where they never agree (metres and
    kilograms, cm and cm squared), None where that is not known.
    """
    if not left or not right or left == right:
        return Fraction(1)
    first, second = _measure(left), _measure(right)
    if first and second:
        same_kind = first[0] == second[0] and first[2] == second[2]
        return (first[1] / second[1]) ** first[2] if same_kind else Fraction(0)
    if left in _SPELLINGS and right in _SPELLINGS:
        return Fraction(0)
    one, other = set(left.split()), set(right.split())
    if (one ^ other) & _POWERS.keys():
        return None
    return Fraction(1) if one <= other or other <= one else None


def _measure(unit: str) -> tuple[str, Fraction, int] | None:
    """Kind, worth and power of a unit that converts: `square foot`, `cm cubed`, `hour`."""
    words = unit.split()
    powers = [_POWERS[word] for word in words if word in _POWERS]
    plain = [word for word in words if word not in _POWERS]
    if len(plain) != 1 or len(powers) > 1 or plain[0] not in _MEASURES:
        return None
    kind, worth = _MEASURES[plain[0]]
    return kind, worth, powers[0] if powers else 1


def unit_of(sign: str) -> str:
    """The unit of a currency or degree sign, or of a known word; "" where there is none."""
    return _KNOWN.get(sign.lower(), "")


def read_unit(tail: str, attached: bool = False) -> str | None:
    """One spelling of a unit ("" for radians), or None where the tail is not one.

    `attached`: no space stood before it, as in `5kg`; then short words are no units.
    """
    tail = (
        _UNIT_POWER.sub(r" power\1", tail).replace("power2", "squared").replace("power3", "cubed")
    )
    tail = _OF_THE.sub(" ", tail)
    if any(char.isdigit() for char in tail):
        tail = _CIRCUMSTANCE.sub("", tail)
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
    if (
        first not in _KNOWN
        and first not in _POWERS
        and (len(first) < (4 if attached else 3) or not set(first) & set("aeiouy"))
    ):
        return None
    if single and attached:
        return None
    unit = " ".join(_KNOWN.get(word, word.removesuffix("s")) for word in words)
    return "" if unit in ("radian", "rad") else unit
