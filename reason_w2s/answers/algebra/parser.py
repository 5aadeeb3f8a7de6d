r"""From a formula's text to its tree: a small recursive descent that runs nothing.

    >>> parse("2x + \frac{1}{2}")
    Sum(terms=(Product(factors=(Num(value=Fraction(2, 1)), Name(name='x'))), ...))

Reads LaTeX and plain arithmetic, normalised (`normalize.normalize`). What is ambiguous (`6/2(3)`),
a word, or larger than the caps is `Unreadable`, never guessed. Nothing is computed but literals and
their quotients, so no power is too high.
"""

from __future__ import annotations

from fractions import Fraction

from reason_w2s.answers.algebra.expression import (
    DEGREE,
    FUNCTIONS,
    HALF,
    MINUS_ONE,
    Call,
    Name,
    Node,
    Num,
    Power,
    Product,
    Sum,
    Unreadable,
    negative,
)
from reason_w2s.answers.algebra.tokens import ALIASES, literal, mixed, repeating, tokens_of

MAX_DEPTH = 20
"""Groups inside each other."""

_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_GREEK_TEXT = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu "
    "xi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi "
    "Psi Omega ell hbar"
)
GREEK = frozenset(_GREEK_TEXT.split())
_CONSTANT_COMMANDS = {"pi": "pi", "infty": "inf", "imath": "i"}
_FENCES = {"\\lfloor": ("\\rfloor", "floor"), "\\lceil": ("\\rceil", "ceil")}
_PRODUCTS = {"*": 1, "/": -1, "\\times": 1, "\\cdot": 1, "\\div": -1}
_CLOSING_COMMANDS = frozenset({"\\rfloor", "\\rceil"})


def parse(normal: str) -> Node:
    r"""The tree of a normalised formula: `2(x+1)`, `\frac{\sqrt{3}}{2}\pi`, `\sin^{2} x`.

    Raises:
        Unreadable: it is something else, is ambiguous, or passes a cap.
    """
    parser = _Parser(tokens_of(normal))
    node = parser.sum(0)
    if parser.peek() is not None:
        raise Unreadable(f"unexpected {parser.peek()!r}")
    return node


def _product(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _quotient(top: Node, bottom: Node) -> list[Node]:
    if isinstance(top, Num) and isinstance(bottom, Num) and bottom.value:
        return [Num(top.value / bottom.value)]
    return [top, Power(bottom, MINUS_ONE)]


class _Parser:
    """Recursive descent over tokens; `depth` counts open groups, `bars` open `|`."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = [*tokens, ("", "")]
        self.position = 0
        self.bars = 0

    def peek(self) -> str | None:
        return self.tokens[self.position][1] or None

    def take(self, *wanted: str) -> bool:
        if self.tokens[self.position][1] in wanted:
            self.position += 1
            return True
        return False

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            raise Unreadable(f"expected {wanted!r}, got {self.peek()!r}")

    def sum(self, depth: int) -> Node:
        terms = [self.signed(depth)]
        while self.peek() in ("+", "-"):
            minus = self.take("-") or not self.take("+")
            term = self.signed(depth)
            terms.append(negative(term) if minus else term)
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def signed(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        minus = False
        if self.peek() in ("+", "-"):
            minus = self.take("-") or not self.take("+")
        node = self.product(depth)
        return negative(node) if minus else node

    def product(self, depth: int) -> Node:
        factors, divided = [self.factor(depth)], False
        while True:
            token = self.peek()
            sign = _PRODUCTS.get(token or "")
            if sign is not None:
                self.position += 1
                minus = self.take("-")
                factor = self.factor(depth)
                factor = negative(factor) if minus else factor
                divided = sign < 0
                if divided:
                    factors[-1:] = _quotient(factors[-1], factor)
                else:
                    factors.append(factor)
            elif self.starts_factor():
                if divided:
                    raise Unreadable("ambiguous: a division, then a product without a sign")
                factors.append(self.factor(depth))
            else:
                return _product(factors)

    def starts_factor(self) -> bool:
        """Whether a factor without a sign before it follows; digits do after `!` only."""
        kind, token = self.tokens[self.position]
        if kind in ("name", "function") or token in ("(", "{"):
            return True
        if kind == "number":
            return self.tokens[self.position - 1][1] == "!"
        if token == "|":
            return self.bars == 0
        return kind == "command" and token not in _PRODUCTS and token not in _CLOSING_COMMANDS

    def factor(self, depth: int) -> Node:
        node = self.postfix(self.atom(depth))
        if self.take("^"):
            node = self.postfix(Power(node, self.exponent(depth)))
        if self.take("%"):
            return Product((node, Num(Fraction(1, 100))))
        return Product((node, DEGREE)) if self.take("°") else node

    def postfix(self, node: Node) -> Node:
        if self.take("!"):
            if self.peek() == "!":
                raise Unreadable("a double factorial")
            return Call("factorial", (node,))
        return node

    def exponent(self, depth: int) -> Node:
        if depth >= MAX_DEPTH:
            raise Unreadable("nested too deeply")
        minus = self.take("-")
        node = self.braced(depth + 1) if self.peek() == "{" else self.atom(depth + 1)
        if self.take("^"):
            node = Power(node, self.exponent(depth + 1))
        return negative(node) if minus else node

    def atom(self, depth: int) -> Node:
        kind, token = self.tokens[self.position]
        self.position += 1
        if kind == "number":
            return self.mixed(literal(token), token, depth)
        if kind == "name":
            return Name(token)
        if kind == "repeating":
            return Num(repeating(token))
        if kind == "mixed":
            if self.peek() in ("/", "^", "!"):
                raise Unreadable("ambiguous mixed number")
            return Num(mixed(token))
        if kind == "function":
            return self.call(token, depth + 1)
        return self.grouped(token, depth + 1)

    def mixed(self, whole: Fraction, token: str, depth: int) -> Node:
        r"""A number, with the fraction of a mixed number (`2\frac{1}{3}`) where one follows."""
        if self.peek() != "\\frac":
            return Num(whole)
        here = self.position
        self.position += 1
        top, bottom = self.braced(depth + 1), self.braced(depth + 1)
        if not (isinstance(top, Num) and isinstance(bottom, Num)):
            self.position = here
            return Num(whole)
        if not token.isdigit() or not bottom.value or not 0 < top.value / bottom.value < 1:
            raise Unreadable("not a mixed number")
        return Num(whole + top.value / bottom.value)

    def braced(self, depth: int) -> Node:
        self.expect("{")
        node = self.sum(depth)
        self.expect("}")
        return node

    def grouped(self, token: str, depth: int) -> Node:
        if token in ("(", "{", "["):
            node = self.sum(depth)
            self.expect({"(": ")", "{": "}", "[": "]"}[token])
            return node
        if token == "|":
            return self.absolute(depth)
        if token in _FENCES:
            end, function = _FENCES[token]
            node = self.sum(depth)
            self.expect(end)
            return Call(function, (node,))
        if token.startswith("\\"):
            return self.command(token[1:], depth)
        raise Unreadable(f"unexpected {token!r}" if token else "ends early")

    def absolute(self, depth: int) -> Node:
        self.bars += 1
        node = self.sum(depth)
        self.bars -= 1
        self.expect("|")
        return Call("abs", (node,))

    def command(self, name: str, depth: int) -> Node:
        if name == "frac":
            return _product(_quotient(self.braced(depth), self.braced(depth)))
        if name == "sqrt":
            return self.root(depth)
        if name == "binom":
            return Call("binom", (self.braced(depth), self.braced(depth)))
        if name in _CONSTANT_COMMANDS:
            return Name(_CONSTANT_COMMANDS[name])
        if name in GREEK:
            return self.greek(name)
        known = ALIASES.get(name, name)
        if known in FUNCTIONS:
            return self.call(known, depth)
        raise Unreadable(f"unknown command \\{name}")

    def greek(self, name: str) -> Node:
        if not self.take("_"):
            return Name("\\" + name)
        self.expect("{")
        parts = []
        while not self.take("}"):
            kind, token = self.tokens[self.position]
            if kind not in ("name", "number"):
                raise Unreadable("a subscript that cannot be read")
            parts.append(token)
            self.position += 1
        return Name(f"\\{name}_{''.join(parts)}")

    def root(self, depth: int) -> Node:
        degree: Node = Num(Fraction(2))
        if self.take("["):
            degree = self.sum(depth)
            self.expect("]")
        inside = self.braced(depth) if self.peek() == "{" else self.atom(depth)
        if isinstance(degree, Num) and degree.value:
            return Power(inside, Num(1 / degree.value))
        return Power(inside, Power(degree, MINUS_ONE))

    def call(self, function: str, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        if function in ("sqrt", "abs", "floor", "ceil"):
            node = self.atom(depth)
            return Power(node, HALF) if function == "sqrt" else Call(function, (node,))
        base = self.base(depth) if function == "log" else None
        power = self.exponent(depth) if self.take("^") else None
        argument = self.argument(depth)
        if power == MINUS_ONE:
            if function not in _INVERSE:
                raise Unreadable("ambiguous: an inverse or a reciprocal")
            return Call(_INVERSE[function], (argument,))
        node = Call(function, (argument,) if base is None else (base, argument))
        if function == "exp":
            node = Power(Name("e"), argument)
        return node if power is None else Power(node, power)

    def base(self, depth: int) -> Node | None:
        if not self.take("_"):
            return None
        return self.braced(depth) if self.peek() == "{" else self.atom(depth)

    def argument(self, depth: int) -> Node:
        r"""What a function is of: a group, or `2x` in `\sin 2x \cos x`, but no further sign."""
        if self.peek() in ("(", "{", "|", "["):
            return self.atom(depth)
        minus = self.take("-")
        factors = [self.factor(depth)]
        while self.starts_factor() and not self.at_function():
            factors.append(self.factor(depth))
        if self.peek() == "/" and len(factors) == 1 and isinstance(factors[0], Num | Name):
            raise Unreadable("ambiguous: a function, then a division")
        node = _product(factors)
        return negative(node) if minus else node

    def at_function(self) -> bool:
        kind, token = self.tokens[self.position]
        return kind == "function" or token[1:] in FUNCTIONS or token in ("(", "|")
