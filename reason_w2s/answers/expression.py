"""Closed arithmetic, evaluated exactly: a small parser that knows numbers and nothing else.

No names, no calls, no floats. Every size is capped before the number is computed, so `9^9^9^9` and
a literal of 100,000 digits cost nothing.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

MAX_CHARS = 500
MAX_TOKENS = 200
MAX_DIGITS = 200
MAX_EXPONENT = 10_000
MAX_RESULT_DIGITS = 2_000
MAX_DEPTH = 20
MAX_FACTORIAL = 200

_BITS_PER_DIGIT = 3.3219280948873626
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<repeating>\d*\.\d*\\(?:overline|bar)\{\d+\})
    | (?P<mixed>\d+[ ]+\d+[ ]?/[ ]?\d+(?![\d.,]))
    | (?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)
    | (?P<command>\\(?:frac|binom|sqrt|times|cdot|div)(?![a-zA-Z]))
    | (?P<sign>[-+*/^!(){}%])
    )""",
    re.VERBOSE | re.ASCII,
)
_PRODUCTS = {"*": "*", "/": "/", "\\times": "*", "\\cdot": "*", "\\div": "/"}
_STARTS_FACTOR = ("(", "\\frac", "\\sqrt", "\\binom")


class Unreadable(ValueError):
    """Not closed arithmetic, or larger than the caps allow."""


def evaluate(text: str) -> Fraction:
    r"""The exact value of `text`, plain (`2 1/3 + 4*5`) or LaTeX (`\frac{1}{2}`, `3!`, `2^{10}`).

    A percent sign divides by 100. `\sqrt` is read where the root is rational.

    Raises:
        Unreadable: it is something else, is ambiguous (`6/2(3)`), divides by zero, or passes a cap.
    """
    parser = _Parser(_tokens(text))
    value = parser.sum(0)
    if parser.peek() is not None:
        raise Unreadable(f"unexpected {parser.peek()!r}")
    return value


def literal(text: str) -> Fraction:
    """The value of one decimal literal: `1,234.50`, `.5`, `4.5e-3`.

    Raises:
        Unreadable: too many digits, or too large an exponent.
    """
    digits, _, exponent = text.replace(",", "").lower().partition("e")
    if len(digits) > MAX_DIGITS or len(exponent) > 6 or abs(int(exponent or 0)) > MAX_DIGITS:
        raise Unreadable("too many digits")
    return Fraction(digits) * Fraction(10) ** int(exponent or 0)


def _tokens(text: str) -> list[tuple[str, str]]:
    if len(text) > MAX_CHARS:
        raise Unreadable("expression too long")
    tokens: list[tuple[str, str]] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or len(tokens) >= MAX_TOKENS:
            raise Unreadable(f"not arithmetic at {text[position : position + 10]!r}")
        kind = match.lastgroup or ""
        tokens.append((kind, match[kind]))
        position = match.end()
    return tokens


def _repeating(text: str) -> Fraction:
    head, _, tail = text.partition(".")
    fixed, _, rest = tail.partition("\\")
    block = rest[rest.index("{") + 1 : -1]
    if len(text) > MAX_DIGITS:
        raise Unreadable("too many digits")
    shift = 10 ** len(fixed)
    nines = 10 ** len(block) - 1
    return Fraction(int((head or "0") + fixed), shift) + Fraction(int(block), nines * shift)


def _mixed(text: str) -> Fraction:
    whole, top, bottom = (int(part) for part in re.findall(r"\d+", text[:MAX_DIGITS]))
    if top >= bottom:
        raise Unreadable("not a mixed number")
    return whole + Fraction(top, bottom)


def _digits(value: Fraction) -> float:
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    return bits / _BITS_PER_DIGIT


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """`base ** exponent` where that is rational and small enough.

    Raises:
        Unreadable: otherwise.
    """
    if exponent.denominator != 1:
        return power(root(base, exponent.denominator), Fraction(exponent.numerator))
    if abs(exponent) > MAX_EXPONENT or _digits(base) * abs(exponent) > MAX_RESULT_DIGITS:
        raise Unreadable("power too large")
    if base == 0 and exponent <= 0:
        raise Unreadable("zero to a power that is not positive")
    return Fraction(base ** int(exponent))


def root(value: Fraction, degree: int) -> Fraction:
    """The rational `degree`-th root of a value that is not negative.

    Raises:
        Unreadable: there is none.
    """
    if value < 0 or not 2 <= degree <= 10 or _digits(value) > MAX_DIGITS:
        raise Unreadable("no rational root")
    top, bottom = (_integer_root(part, degree) for part in value.as_integer_ratio())
    return Fraction(top, bottom)


def _integer_root(value: int, degree: int) -> int:
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    if low**degree != value:
        raise Unreadable("no rational root")
    return low


class _Parser:
    """Recursive descent over tokens; `depth` counts open groups."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.position = 0

    def peek(self) -> str | None:
        return self.tokens[self.position][1] if self.position < len(self.tokens) else None

    def take(self, *wanted: str) -> bool:
        if self.peek() in wanted:
            self.position += 1
            return True
        return False

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            raise Unreadable(f"expected {wanted!r}, got {self.peek()!r}")

    def sum(self, depth: int) -> Fraction:
        total = self.signed(depth)
        while self.peek() in ("+", "-"):
            minus = self.take("-") or not self.take("+")
            term = self.signed(depth)
            total = total - term if minus else total + term
        return total

    def signed(self, depth: int) -> Fraction:
        if depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        negative = False
        if self.peek() in ("+", "-"):
            negative = self.take("-") or not self.take("+")
        value = self.product(depth)
        return -value if negative else value

    def product(self, depth: int) -> Fraction:
        value, divided = self.factor(depth), False
        while True:
            token = self.peek()
            if token in _PRODUCTS:
                self.position += 1
                negative = self.take("-")
                factor = self.factor(depth)
                factor = -factor if negative else factor
                divided = _PRODUCTS[token or ""] == "/"
                value = _divide(value, factor) if divided else value * factor
            elif token in _STARTS_FACTOR:
                if divided:
                    raise Unreadable("ambiguous: a division, then a product without a sign")
                value *= self.factor(depth)
            else:
                break
            if _digits(value) > MAX_RESULT_DIGITS:
                raise Unreadable("result too large")
        return value

    def factor(self, depth: int) -> Fraction:
        value = self.atom(depth)
        while self.take("!"):
            if value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
                raise Unreadable("factorial too large")
            value = Fraction(math.factorial(int(value)))
        if self.take("^"):
            negative = self.take("-")
            exponent = self.factor(depth + 1) if depth < MAX_DEPTH else Fraction(0)
            if depth >= MAX_DEPTH:
                raise Unreadable("nested too deeply")
            value = power(value, -exponent if negative else exponent)
        return value / 100 if self.take("%") else value

    def atom(self, depth: int) -> Fraction:
        if self.position >= len(self.tokens):
            raise Unreadable("ends early")
        kind, token = self.tokens[self.position]
        self.position += 1
        if kind == "number":
            return self.mixed(literal(token), token, depth)
        if kind == "repeating":
            return _repeating(token)
        if kind == "mixed":
            if self.peek() in ("/", "^", "!"):
                raise Unreadable("ambiguous mixed number")
            return _mixed(token)
        return self.grouped(token, depth + 1)

    def mixed(self, whole: Fraction, token: str, depth: int) -> Fraction:
        """A number, with the fraction of a mixed number (`2\\frac{1}{3}`) where one follows."""
        if self.peek() != "\\frac":
            return whole
        self.position += 1
        fraction = self.fraction(depth + 1)
        if not token.isdigit() or not 0 < fraction < 1:
            raise Unreadable("not a mixed number")
        return whole + fraction

    def fraction(self, depth: int) -> Fraction:
        top = self.braced(depth)
        return _divide(top, self.braced(depth))

    def braced(self, depth: int) -> Fraction:
        self.expect("{")
        value = self.sum(depth)
        self.expect("}")
        return value

    def grouped(self, token: str, depth: int) -> Fraction:
        if token in ("(", "{"):
            value = self.sum(depth)
            self.expect(")" if token == "(" else "}")
            return value
        if token == "\\frac":
            return self.fraction(depth)
        if token == "\\sqrt":
            return root(self.braced(depth), 2)
        if token == "\\binom":
            return _binomial(self.braced(depth), self.braced(depth))
        raise Unreadable(f"unexpected {token!r}")


def _divide(top: Fraction, bottom: Fraction) -> Fraction:
    if bottom == 0:
        raise Unreadable("division by zero")
    return top / bottom


def _binomial(n: Fraction, k: Fraction) -> Fraction:
    if n.denominator != 1 or k.denominator != 1 or not 0 <= k <= n <= MAX_FACTORIAL:
        raise Unreadable("binomial coefficient too large")
    return Fraction(math.comb(int(n), int(k)))
