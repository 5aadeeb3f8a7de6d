r"""Numbers joined by + - * /, worked out without a tree: what most sums in a solution are."""

from __future__ import annotations

import re
from fractions import Fraction

MAX_CHARS = 60
"""A longer sum is left to the parser; within this, no result is too large."""

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
_FLAT = re.compile(rf" *-?(?:{_NUMBER})%?(?: *[-+*/] *(?:{_NUMBER})%?)* *", re.ASCII)
_PARTS = re.compile(rf"([-+*/]?) *({_NUMBER})(%?)", re.ASCII)
# Where it is the same as with a slash: not behind one, nor behind the whole part of a mixed number.
_FRACTION = re.compile(
    r"(^ *|[-+*] *)\\frac\{(\d+(?:\.\d+)?)\}\{(\d+(?:\.\d+)?)\}(?= *(?:[-+*/]|$))", re.ASCII
)


def plain(text: str) -> Fraction | None:
    r"""The exact value of `48/2`, `1,200 + 5 - 3*2`, `20% * 5`, `\frac{2}{3} * 6`; None of others.

    What it reads, `rational.evaluate` reads as the same.
    """
    if len(text) > MAX_CHARS:
        return None
    if text.isdecimal() and text.isascii():
        return Fraction(int(text))
    if "\\frac" in text:
        text = _FRACTION.sub(r"\1\2/\3", text)
    if not _FLAT.fullmatch(text):
        return None
    total: int | Fraction = 0
    term: int | Fraction = 0
    for sign, digits, percent in _PARTS.findall(text):
        number = _number(digits) / Fraction(100) if percent else _number(digits)
        if sign == "*":
            term = term * number
        elif sign == "/":
            if not number:
                return None
            term = Fraction(term) / number
        else:
            total, term = total + term, -number if sign == "-" else number
    return Fraction(total + term)


def _number(digits: str) -> int | Fraction:
    whole, _, decimals = digits.replace(",", "").partition(".")
    if not decimals:
        return int(whole)
    return Fraction(int(whole + decimals), 10 ** len(decimals))
