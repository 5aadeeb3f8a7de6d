r"""A formula's text in pieces: numbers, names, functions, commands, signs.

A token is its kind and its text; the kinds are the groups of the pattern, and `name`, `function`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from reason_w2s.answers.algebra.expression import FUNCTIONS, Unreadable

MAX_CHARS = 500
MAX_TOKENS = 300
MAX_DIGITS = 200
"""Digits of one decimal literal, and the largest exponent of one (`1e200`)."""

ALIASES = {
    "lg": "log",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "arctg": "arctan",
    "tg": "tan",
    "ctg": "cot",
    "cosec": "csc",
    "abs": "abs",
    "sqrt": "sqrt",
    "floor": "floor",
    "ceil": "ceil",
}

# Letters side by side are a product, unless they are one of these or four and more.
_WORDS_TEXT = (
    "yes no odd all one two six ten and or is of to the by per mod for not are max min gcd lcm "
    "men man red cm mm km kg mg ml ft in oz lb lbs hr hrs min sec deg rad am pm mph kph usd"
)
_WORDS = frozenset(_WORDS_TEXT.split())
MAX_LETTERS = 3

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<repeating>\d*\.\d*\\overline\{\d+\})
    | (?P<mixed>\d+[ ]+\d+[ ]?/[ ]?\d+(?![\d.,]))
    | (?P<number>(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+|\.(?!\d))?|\.\d+)(?:[eE][-+]?\d+)?)
    | (?P<command>\\[a-zA-Z]+)
    | (?P<letters>[a-zA-Z]+)
    | (?P<sign>[-+*/^!(){}%|\[\]_°])
    )""",
    re.VERBOSE | re.ASCII,
)
# `\cotx`: data sets that were stripped of all spaces. `\sinh` and `\cosec` are other functions.
_GLUED = re.compile(
    r"(\\(?:arcsin|arccos|arctan|sin|cos|tan|cot|sec|csc|ln|log|pi|cdot|times))"
    r"((?!h\b|ec\b)[a-zA-Z]{1,2})"
)
_SUBSCRIPT = re.compile(r"\{\s?([a-zA-Z0-9,+\- ]{1,12})\s?\}", re.ASCII)


def tokens_of(text: str) -> list[tuple[str, str]]:
    """The tokens of a normalised formula.

    Raises:
        Unreadable: it holds a word or a sign that no formula has, or passes a cap.
    """
    if len(text) > MAX_CHARS:
        raise Unreadable("expression too long")
    tokens: list[tuple[str, str]] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or len(tokens) >= MAX_TOKENS:
            raise Unreadable(f"not a formula at {text[position : position + 10]!r}")
        kind = match.lastgroup or ""
        position = match.end()
        if kind == "letters":
            tokens.extend(_letters(match[kind]))
        elif kind == "command" and (glued := _GLUED.fullmatch(match[kind])):
            tokens.append((kind, glued[1]))
            tokens.extend(("name", letter) for letter in glued[2])
        else:
            tokens.append((kind, match[kind]))
        if tokens[-1][0] == "name" and text.startswith("_", position):
            position = _subscript(text, position, tokens)
    return tokens


def _letters(run: str) -> list[tuple[str, str]]:
    """A function, or one variable per letter.

    Raises:
        Unreadable: it is a word.
    """
    known = ALIASES.get(run, run)
    if known in FUNCTIONS or run in ALIASES:
        return [("function", known)]
    if run == "pi":
        return [("name", "pi")]
    if len(run) > 1 and (run.lower() in _WORDS or len(run) > MAX_LETTERS):
        raise Unreadable(f"a word: {run!r}")
    return [("name", letter) for letter in run]


def _subscript(text: str, position: int, tokens: list[tuple[str, str]]) -> int:
    match = _SUBSCRIPT.match(text, position + 1)
    if match is None:
        raise Unreadable("a subscript that cannot be read")
    name = tokens[-1][1]
    tokens[-1] = ("name", f"{name}_{match[1].replace(' ', '')}")
    return match.end()


def literal(text: str) -> Fraction:
    """The value of one decimal literal: `1,234.50`, `.5`, `4.5e-3`.

    Raises:
        Unreadable: too many digits, or too large an exponent.
    """
    digits, _, exponent = text.replace(",", "").lower().partition("e")
    if len(digits) > MAX_DIGITS or len(exponent) > 6 or abs(int(exponent or 0)) > MAX_DIGITS:
        raise Unreadable("too many digits")
    value = Fraction(digits.rstrip(".") if digits.endswith(".") else digits)
    return value * Fraction(10) ** int(exponent) if exponent else value


def repeating(text: str) -> Fraction:
    r"""The value of `0.1\overline{6}`.

    Raises:
        Unreadable: too many digits.
    """
    head, _, tail = text.partition(".")
    fixed, _, rest = tail.partition("\\")
    block = rest[rest.index("{") + 1 : -1]
    if len(text) > MAX_DIGITS:
        raise Unreadable("too many digits")
    shift = 10 ** len(fixed)
    nines = 10 ** len(block) - 1
    return Fraction(int((head or "0") + fixed), shift) + Fraction(int(block), nines * shift)


def mixed(text: str) -> Fraction:
    """The value of `2 1/3`.

    Raises:
        Unreadable: its fraction is not below 1.
    """
    whole, top, bottom = (int(part) for part in re.findall(r"\d+", text[:MAX_DIGITS]))
    if top >= bottom:
        raise Unreadable("not a mixed number")
    return whole + Fraction(top, bottom)
