r"""Hostile input for the answer checker, by class, made by code: no literal here is long.

Each case is a text (or what a careless caller passes instead of one) that stands where an answer
should, a gold answer it is not, and what a verdict may say all the same. `hostile.py` tries it in
every position.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

# No case holds this number, so no reading of one may be right.
GOLD = "48213"
LONG = 1_000_000
NEVER: tuple[bool | None, ...] = (False, None)


@dataclass(frozen=True)
class Case:
    """One hostile input. `allowed`: what `correct` may be against `gold`, wherever it stands."""

    group: str
    label: str
    text: Any
    gold: Any = GOLD
    options: Any = None
    allowed: tuple[bool | None, ...] = NEVER


@dataclass(frozen=True)
class Valid:
    """A response that anybody can grade, its gold, and what is right."""

    response: str
    gold: Any
    correct: bool


VALID = (
    Valid("9 * 2 = 18 dollars.\n#### 18", "18", True),
    Valid("9 * 2 = 18 dollars.\n#### 18", "19", False),
    Valid("so \\boxed{\\frac{1}{2}}", "0.5", True),
    Valid("so \\boxed{\\frac{1}{2}}", "\\frac{2}{3}", False),
    Valid("The answer is $2\\sqrt{3}$.", "\\sqrt{12}", True),
    Valid("The answer is $2\\sqrt{3}$.", "\\sqrt{11}", False),
    Valid("\\boxed{(x+1)^2}", "x^2+2x+1", True),
    Valid("\\boxed{(x+1)^2}", "x^2+2x+2", False),
    Valid("\\boxed{\\{1, 2, 3\\}}", "\\{3, 2, 1\\}", True),
    Valid("\\boxed{\\{1, 2, 3\\}}", "\\{3, 2, 4\\}", False),
    Valid("\\boxed{[0, \\infty)}", "x \\ge 0", True),
    Valid("\\boxed{[0, \\infty)}", "x > 0", False),
    Valid("Final Answer: 1,234", 1234, True),
    Valid("Final Answer: 1,234", 1235, False),
    Valid("\\boxed{0.\\overline{3}}", "1/3", True),
    Valid("\\boxed{0.3}", "1/3", False),
    Valid("\\boxed{\\sqrt{3+2\\sqrt{2}}}", "1+\\sqrt{2}", True),
    Valid("\\boxed{\\sqrt{3+2\\sqrt{2}}}", "1+\\sqrt{3}", False),
    Valid("\\boxed{\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}}",
          "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}", True),
    Valid("\\boxed{\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}}",
          "\\begin{bmatrix}1&2\\\\3&5\\end{bmatrix}", False),
    Valid("#### 50%", "0.5", True),
    Valid("#### 50%", "0.6", False),
    Valid("#### 12", ["11", "12"], True),
    Valid("#### 12", ["11", "13"], False),
)  # fmt: skip

Found = Iterator[tuple[str, Any]]


def all_cases(canary: Path) -> list[Case]:
    """Every case; payloads that run would touch `canary`."""
    cases = [Case(group, label, text) for group, made in _TEXTS.items() for label, text in made()]
    cases += [Case("code", label, text) for label, text in _code(canary)]
    cases += [Case("serialised", label, text) for label, text in _serialised(canary)]
    return [*cases, *_types(), *_golds(), *_options(), *_alike()]


def nested(opening: str, inner: str, closing: str, depth: int) -> str:
    """`inner` inside `depth` pairs."""
    return opening * depth + inner + closing * depth


def _towers() -> Found:
    yield "9^9^9^9", "9^{9^{9^9}}"
    yield "tower of 100", nested("9^{", "9", "}", 100)
    yield "tower of 10,000", nested("2^{", "2", "}", 10_000)
    yield "bare carets", "^".join("9" * 300)
    yield "python powers", "**".join("9" * 200)
    yield "huge power", "2^{3000000000}"
    yield "power of a huge number", f"({'9' * 180})^{{{'9' * 180}}}"
    yield "roots of towers", "\\sqrt[9^{9^9}]{9^{9^{9^9}}}"
    yield "endless for sympy", "(x + y + 9^{9^{9^9}})^{300}"
    yield "difference of towers", "9^{9^{9^9}} - 8^{9^{9^9}} + 7^{x}"
    yield "negative tower", "(-2)^{-9^{9^{9}}}"
    yield "complex tower", "i^{i^{i^{i^{9^{9^9}}}}}"


def _counted() -> Found:
    yield "factorial", "(10^9)!"
    yield "factorials nested", nested("(", "9", "!)", 18)
    yield "factorial signs", "9" + "!" * 400
    yield "20,000 factorial signs", "9" + "!" * 20_000
    yield "binomial", "\\binom{10^{9}}{5 \\cdot 10^{8}}"
    yield "binomials nested", nested("\\binom{", "99", "}{7}", 18)
    yield "binomials of letters", "\\binom{x}{6}" * 40
    yield "factorial of a fraction", "(\\frac{1}{3})!! + (10^{10^{10}})!"
    yield "floors of towers", "\\lfloor 9^{9^9} \\pi \\rfloor + \\lceil e^{e^{e^e}} \\rceil"
    yield "many factorials", " + ".join(f"{n}!" for n in range(150, 220))


def _sums() -> Found:
    yield "sum", "\\sum_{n=1}^{10^{12}} \\frac{1}{n^2}"
    yield "sums nested", nested("\\sum_{k=1}^{10^9}(", "k", ")", 20)
    yield "product", "\\prod_{n=1}^{10^9} n^n"
    yield "integral", "\\int_0^\\infty \\frac{\\sin(x^{x^x})}{x^x} dx"
    yield "integrals nested", nested("\\int_0^1 ", "e^{-x^{99}}", " dx", 50)
    yield "limit", "\\lim_{n \\to \\infty} \\left(1 + \\frac{1}{n^{n^n}}\\right)^{n^{n^n}}"
    yield "limits nested", nested("\\lim_{x\\to 0}", "\\frac{x}{x}", "", 300)
    yield "derivative", "\\frac{d^{99}}{dx^{99}} x^{x^{x^x}}"
    yield "continued", "1+\\cfrac{1}{" * 90 + "1" + "}" * 90
    yield "a long sum", "+".join(f"\\frac{{1}}{{{n}}}" for n in range(1, 40))
    yield "100,000 terms", "+".join(map(str, range(1, 20_000)))


def _functions() -> Found:
    yield "sine of huge", "\\sin(10^{10^{10}})"
    yield "tangent of tower", "\\tan(9^{9^{9^9}} \\pi)"
    yield "sines nested", nested("\\sin(", "x", ")", 19)
    yield "1,000 sines nested", nested("\\sin(", "x", ")", 1_000)
    yield "sines without brackets", "\\sin " * 200 + "x"
    yield "logs nested", nested("\\ln(", "10^{10^{10^{10}}}", ")", 15)
    yield "exponentials", nested("e^{", "x", "}", 19)
    yield "hyperbolic", nested("\\sinh(\\cosh(", "99", "))", 9)
    yield "powers of sums in sines", powers_in_sines("x", 5)
    yield "powers of sums in roots", powers_in("\\sqrt{", "}", 5)
    yield "powers of sums in exponents", powers_in("2^{", "}", 6)
    yield "powers of sums in logarithms", powers_in("\\ln(", ")", 6)
    yield "powers of sums in bars", powers_in("|", "|", 6)
    yield "cosines of powers", "+".join(f"\\cos^{{{n}}}(x^{{{n}}})" for n in range(2, 28))


def powers_in_sines(name: str, depth: int) -> str:
    r"""`\sin((\sin((x+1)^{30})+1)^{30})`: each level is 30 times as long, multiplied out."""
    return nested("\\sin((", name, "+1)^{30})", depth)


def powers_in(opening: str, closing: str, depth: int) -> str:
    """The same with another function."""
    return nested(opening + "(", "x", "+1)^{30}" + closing, depth)


def _radicals() -> Found:
    yield "nested 19", nested("\\sqrt{2+", "x", "}", 19)
    yield "nested 10,000", nested("\\sqrt{", "2", "}", 10_000)
    yield "without end", "\\sqrt" * 100_000
    yield "open indices", "\\sqrt[" * 50_000
    yield "indices in indices", nested("\\sqrt[", "3", "]{2}", 5_000)
    yield "sum of roots", "+".join(f"\\sqrt{{{n}}}" for n in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29))
    yield (
        "roots multiplied out",
        "".join(f"(1+\\sqrt{{{n}}})" for n in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43)),
    )
    yield "root of a semiprime", f"\\sqrt{{{(10**39 + 3) * (10**41 + 109)}}}"
    yield "high index", "\\sqrt[999999999]{2} + \\sqrt[1000000007]{3}"
    yield "unicode roots", "√" * 100_000 + "2"


def _fractions() -> Found:
    yield "200 deep", nested("\\frac{1}{1+", "x", "}", 200)
    yield "10,000 deep", nested("\\frac{", "1", "}{2}", 10_000)
    yield "without end", "\\frac" * 100_000
    yield "only tops", "\\frac{1}" * 50_000
    yield "digits for braces", "\\frac12" * 50_000
    yield "short, in a row", "\\frac12" * 70
    yield "slashes", "1/" * 250_000 + "1"
    yield "sum of powers of sums", " + ".join(f"\\frac{{1}}{{(x+{n})^{{20}}}}" for n in range(15))
    yield "quotients of products", "\\frac{(x+y+z)^{29}(x-y-z)^{29}}{(x+y-z)^{29}(x-y+z)^{29}}"
    yield "over", "{1\\over" * 50_000


def _braces() -> Found:
    yield "10,000 nested", nested("{", "5", "}", 10_000)
    yield "10,000 parentheses", nested("(", "5", ")", 10_000)
    yield "brackets", nested("[", "5", "]", 200_000)
    yield "open only", "{" * LONG
    yield "closed only", "}" * LONG
    yield "set braces", nested("\\{", "5", "\\}", 20_000)
    yield "mixed", nested("([{", "5", "}])", 5_000)
    yield "left without right", "\\left(" * 100_000
    yield "left and right", nested("\\left(", "5", "\\right)", 20_000)
    yield "absolute bars", "|" * 200_001
    yield "short and deep", nested("(", "5", ")", 240)
    yield "floors", nested("\\lfloor ", "5", " \\rfloor", 10_000)


def _long_strings() -> Found:
    yield "one letter", "a" * LONG
    yield "words", "word " * (LONG // 5)
    yield "spaces", " " * LONG + "x"
    yield "a number, spaces, words", "5" + " " * LONG + "or 7 {"
    yield "a formula, spaces, a brace", "x" + " " * LONG + "\\text{"
    yield "newlines", "x\n" * (LONG // 2)
    yield "commas", "," * LONG
    yield "points", "." * LONG
    yield "minus signs", "-" * LONG
    yield "equals signs", "x=" * (LONG // 2)
    yield "backslashes", "\\" * LONG
    yield "percent signs", "5" + "%" * LONG
    yield "dollar signs", "$" * (LONG + 1)
    yield "stars", "*" * LONG
    yield "tildes and ampersands", "~&" * (LONG // 2)
    yield "underscores", "x_" * (LONG // 2)


def _marks() -> Found:
    yield "open boxes", "\\boxed{" * 100_000
    yield "boxes in boxes", nested("\\boxed{", "5", "}", 50_000)
    yield "empty boxes", "\\boxed{}" * 100_000
    yield "boxes side by side", "\\boxed{5}, " * 80_000
    yield "boxes without braces", "\\boxed 5 " * 80_000
    yield "headings", "#### " * 200_000
    yield "headings on lines", "#### 5\n" * 120_000
    yield "hashes", "#" * LONG
    yield "the answer is", "the answer is " * 70_000
    yield "answers on lines", "Answer: \n" * 100_000
    yield "final answers", "**Final Answer**\n\n" * 50_000
    yield "ends of thought", "</think>" * 100_000
    yield "thoughts", "<think>" * 100_000
    yield "tags", "<answer>" * 100_000
    yield "questions", "\nQuestion: " * 90_000
    yield "A:", "A:" * 400_000
    yield "JSON", '{"answer": "' * 80_000
    yield "formulas", "$x$ " * 200_000
    yield "open formulas", "\\(" * 300_000
    yield "displayed", "\\[ x " * 150_000
    yield "bold", "**x** " * 150_000
    yield "backspaces", "\x08oxed{" * 100_000
    yield "rows of boxes", "\\fbox" * 150_000


def _regex_bait() -> Found:
    yield "digits with commas", "1," * 300_000
    yield "groups of three", ",".join(["111"] * 200_000)
    yield "digits and spaces", "1 " * 300_000
    yield "points and digits", "1." * 300_000
    yield "fractions", "1/2 " * 200_000
    yield "words and commas", "a, " * 300_000
    yield "and", "1 and " * 150_000
    yield "or", "x or " * 80
    yield "text", "\\text{" * 100_000
    yield "text in text", nested("\\text{", "x", "}", 50_000)
    yield "colours", "\\textcolor{" * 80_000
    yield "spacing", "\\, \\; \\quad " * 80_000
    yield "units", "5 cm " * 150_000
    yield "one hundred", "one hundred " * 80_000
    yield "dozens", "a dozen and " * 40
    yield "scales", "5" + " million" * 60
    yield "clock", "1:" * 300_000
    yield "ratios", ":".join("1" * 250)
    yield "relations", "x < " * 120
    yield "named", "x = 1, y = 2, " * 35
    yield "many names", "(" + ",".join("x" * 200) + ")=(" + ",".join("1" * 200)
    yield "verbs", " is are be equals was" * 40_000
    yield "sentences", "So. " * 200_000
    yield "closings", "I hope it is " * 70_000
    yield "parentheses of notes", "(" + "(a)" * 600 + "\n(" + "(b)" * 600
    yield "dots over digits", "0." + "\\dot{1}" * 60_000
    yield "repeating", "0." + "1" * 400 + "..."
    yield "overlines", "0.\\overline{" * 50_000
    yield "carets and spaces", "x^ " * 300_000
    yield "questions and answers", "Is it? " * 100_000
    yield "kinds", "3 30-minute " * 60_000
    yield "degrees", "^\\circ" * 100_000


def _digits() -> Found:
    yield "100,000 digits", "1" * 100_000
    yield "1,000,000 digits", "1" * LONG
    yield "decimals", "0." + "1" * LONG
    yield "a fraction", "1" * 100_000 + "/" + "3" * 100_000
    yield "4,301 digits", "7" * 4_301
    yield "500 digits", "7" * 500
    yield "exponent", "1e999999999"
    yield "negative exponent", "1e-999999999"
    yield "exponent of 400 digits", "1e" + "9" * 400
    yield "exponents in a row", "1e9" * 150
    yield "scientific", "1 \\times 10^{999999999}"
    yield "scientific tower", "9.99 \\times 10^{9.99 \\times 10^{99}}"
    yield "zeros", "0" * 300_000 + "5"
    yield "points", "1.1.1." * 80_000
    yield "thousands", "1" + ",000" * 200_000
    yield "largest powers", "+".join(["10^{1999}"] * 45)
    yield "reciprocals", "/".join(["10^{1990}"] * 2 + ["3^{4000}"] * 30)


def _bases() -> Found:
    yield "base 36", "Z" * 60 + "_{36}"
    yield "base 36, long", "Z" * 400_000 + "_{36}"
    yield "base 99", "12_{99}"
    yield "base 1", "1" * 60 + "_{1}"
    yield "base 0", "0_{0}"
    yield "bases of bases", nested("1_{", "2", "}", 5_000)
    yield "wrong digits", "9Z9Z_{2}"
    yield "hexadecimal", "0x" + "F" * 100_000
    yield "octal and binary", "0o17 0b11 0xffp3"
    yield "underscored", "1_" * 100_000 + "1"


def _sets() -> Found:
    numbers = range(3_000)
    yield "3,000 numbers", "\\{" + ", ".join(map(str, numbers)) + "\\}"
    yield "3,000 symbols", "\\{" + ", ".join(f"x_{{{n}}}+\\sqrt{{{n}}}" for n in numbers) + "\\}"
    yield "64 symbols", "\\{" + ", ".join(f"x^{{{n}}}" for n in range(2, 62)) + "\\}"
    yield "64 roots", ", ".join(f"\\sqrt{{{n}}}" for n in range(2, 42))
    yield "unproven", ", ".join(f"\\sin({n})^2" for n in range(2, 42))
    yield "endless", ", ".join(f"(x+9^{{9^{{9^9}}}})^{{{n}}}" for n in range(91, 111))
    yield "slow", ", ".join(f"\\sin({n}+10^{{10^{{5}}}})" for n in range(2, 27))
    yield "slow to prove", ", ".join(f"\\sin(9^{{9^{{7}}}}x+{n})" for n in range(2, 23))
    yield "nested sets", nested("\\{", "1", ",2\\}", 3_000)
    yield "nested short", nested("\\{", "1", ",2\\}", 60)
    yield "pairs", "\\{" + ",".join(f"({n},{n + 1})" for n in range(60)) + "\\}"
    yield "sets of sets", "\\{" + ",".join("\\{1,2,x\\}" for _ in range(30)) + "\\}"
    yield "one value often", ",".join(["5"] * 250)
    yield "solutions", " or ".join(f"(x,y)=({n},{n})" for n in range(40))


def _intervals() -> Found:
    yield "3,000 intervals", " \\cup ".join(f"({n}, {n + 1}]" for n in range(3_000))
    yield "30 intervals", "\\cup".join(f"({n},{n + 1}]" for n in range(30))
    yield "symbolic intervals", "\\cup".join(f"(x_{n},y_{n})" for n in range(30))
    yield "nested intervals", nested("(", "1", ",\\infty)", 3_000)
    yield "open", "(1, " * 100_000
    yield "unions without intervals", "\\cup" * 100_000
    yield "infinities", "(-\\infty, \\infty)" * 20_000
    yield "inequalities", " < ".join(["x"] * 50_000)
    yield "inequality of powers", "(x+1)^{30} + (x+2)^{30} > (x+3)^{30}(x+4)^{30}"
    yield "huge bounds", "[9^{9^{9^9}}, 9^{9^{9^{9^9}}})"


def _matrix(rows: int, columns: int, cell: Callable[[int], str], name: str = "pmatrix") -> str:
    body = "\\\\".join("&".join(cell(r * columns + c) for c in range(columns)) for r in range(rows))
    return f"\\begin{{{name}}}{body}\\end{{{name}}}"


def _matrices() -> Found:
    yield "200 by 200", _matrix(200, 200, str)
    yield "200 by 200 symbols", _matrix(200, 200, lambda n: f"x_{{{n}}}")
    yield "8 by 8", _matrix(8, 8, str)
    yield "6 by 6 symbols", _matrix(6, 6, lambda n: f"x^{{{n}}}")
    yield "4 by 4 towers", _matrix(4, 4, lambda n: f"9^{{9^{{9^{n}}}}}")
    yield "nested", nested("\\begin{pmatrix}", "1", "\\end{pmatrix}", 2_000)
    yield "nested short", nested("\\begin{pmatrix}1&", "1", "\\end{pmatrix}", 8)
    yield "open", "\\begin{pmatrix}" * 50_000
    yield "ends", "\\end{pmatrix}" * 50_000
    yield "ampersands", "\\begin{pmatrix}" + "&" * 400 + "\\end{pmatrix}"
    yield "rows", "\\begin{array}{c}" + "\\\\" * 200 + "\\end{array}"
    yield "columns", "\\begin{array}{" + "c|" * 100_000 + "}1\\end{array}"
    yield "bracketed", "[" + ",".join(["[" + ",".join("1" * 9) + "]"] * 20) + "]"


def _signs() -> Found:
    yield "chain", "\\pm " * 300 + "1"
    yield "100,000", "\\pm" * 100_000
    yield "three", "\\pm \\sqrt{2} \\pm \\sqrt{3} \\pm \\sqrt{5}"
    yield "with minus-plus", "1 \\pm 2 \\mp 3 \\pm 4"
    yield "in a list", ", ".join(["\\pm x"] * 60)
    yield "in sets of sets", "\\{" + ",".join(["(\\pm 1,\\pm x,\\mp y)"] * 20) + "\\}"
    yield "unicode", "±" * 200_000 + "1"
    yield "spelled", "plus or minus " * 30_000
    yield "unary minus", "-" * 240 + "x"
    yield "unary plus and minus", "+-" * 120 + "x"


def _unicode() -> Found:
    yield "combining", "e" + "\u0301" * 300_000
    yield "combining, each", "5\u0336" * 200_000
    yield "zero width", "5\u200b\u200c\u200d\ufeff" * 100_000
    yield "right to left", "\u202e" * 100_000 + "5"
    yield "isolates", nested("\u2067", "5", "\u2069", 50_000)
    yield "arabic digits", "\u0661\u0662\u0663" * 100_000
    yield "digits of all scripts", "\u0967\u0e51\u1041\uff11\U0001d7cf" * 60
    yield "full width", "\uff08\uff11\uff0c\uff12\uff09" * 80
    yield "expands under NFKC", "\ufdfa" * 100_000
    yield "expands, short", "\ufdfa" * 499
    yield "expands, lower case", "\u0130" * 100_000 + "answer: 5"
    yield "vulgar fractions", "\u00bd" * 499
    yield "superscripts", "x\u00b2" * 240
    yield "bold letters", "\U0001d400" * 200_000
    yield "emoji", "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50_000
    yield "private and unassigned", "\ue000\U000e0fff\U0010ffff" * 50_000
    yield "hangul", "\u1100\u1161\u11a8" * 100_000
    yield "superscript that is no decimal", "\u2460\u00b9\u2079\u1369" * 90


def _surrogates() -> Found:
    yield "one", "\ud800"
    yield "with a number", "\ud8005\udfff"
    yield "wrong order", "\udc00\ud800" * 100
    yield "as a pair", "\ud83d\ude00" * 100
    yield "in a formula", "x + \ud800^2"
    yield "in text", "\\text{\udfff} 5"
    yield "in a set", "\\{1, \udcff, 3\\}"
    yield "100,000", "\udabc" * 100_000
    yield "in an index", "x_{\ud800}"
    yield "escaped bytes", bytes(range(128, 256)).decode("ascii", "surrogateescape")


def _controls() -> Found:
    yield "NUL", "\0"
    yield "NUL and a number", "5\0"
    yield "NULs", "\0" * LONG
    yield "all", "".join(map(chr, range(32))) + "".join(map(chr, range(127, 160)))
    yield "colours", "\x1b[31m5\x1b[0m" * 10_000
    yield "clears the screen", "\x1b[2J\x1b]0;title\x07\x1bc"
    yield "backspaces", "5" + "\b" * 100_000
    yield "line separators", "5\u2028\u2029\x85\x0b\x0c" * 50_000
    yield "carriage returns", "5\r" * 300_000
    yield "bells", "\a" * 100_000
    yield "in the middle of commands", "\\fr\0ac{1}{2}"
    yield "of the private spelling", "⦃⦄⏎" * 100_000
    yield "of the private spelling, short", "⦃5⏎6⦄"


def _commands(canary: Path) -> list[str]:
    touch = f"touch {canary}"
    call = f"__import__('os').system('{touch}')"
    return [
        call,
        f'eval("{call}")',
        f"exec('import os; os.system(\"{touch}\")')",
        f"(lambda: {call})()",
        f"[{call} for x in (1,)]",
        f"f'{{{call}}}'",
        f"{{{{{call}}}}}",
        f"${{{call}}}",
        f"$({touch})",
        f"`{touch}`",
        f"; {touch} ;",
        f"| {touch}",
        f"x.__class__.__mro__[-1].__subclasses__() or {call}",
        f"open({str(canary)!r}, 'w')",
        f"pathlib.Path({str(canary)!r}).touch()",
        f"Symbol('x').__class__.__init__.__globals__['os'].system('{touch}')",
        f'sympify("{call}")',
        f"Integer(1).evalf(subs={{x: {call}}})",
        f"parse_expr(\"{call}\", transformations='all')",
        f'N("{call}")',
        f"lambdify(x, x, modules=[{call}])",
        f"x + {call}",
        f"5 if {call} else 6",
        f"5 # {call}",
        f'"""{call}"""',
        f"@{call}",
        f"print({call})",
        f"globals()['__builtins__'].{call}",
        f"import os\nos.system('{touch}')",
    ]


def _code(canary: Path) -> Found:
    for index, command in enumerate(_commands(canary)):
        yield f"python {index}", command
        if index < 6:
            yield f"python {index} in text", f"\\text{{{command}}}"
            yield f"python {index} as exponent", f"x^{{{command}}}"
            yield f"python {index} in a set", f"\\{{1, {command}\\}}"
            yield f"python {index} as a name", f"x_{{{command}}} = 5"
            yield f"python {index} with a unit", f"5 {command}"
    yield "write18", f"\\write18{{touch {canary}}}"
    yield "immediate", f"\\immediate\\write18{{touch {canary}}}"
    yield "input", "\\input{/etc/passwd} \\include{/etc/passwd}"
    yield "openout", f"\\newwrite\\f\\immediate\\openout\\f={canary}"
    yield "def", "\\def\\x{\\x\\x}\\x"
    yield "loop", "\\loop\\iftrue\\repeat"
    yield "catcode", "\\catcode`\\{=13 \\csname input\\endcsname"
    yield "directlua", f"\\directlua{{os.execute('touch {canary}')}}"
    yield "a word of a class", "os.system + sys.exit(1) + __builtins__"


def _serialised(canary: Path) -> Found:
    yield "pickle", pickle.dumps(canary, 0).decode("latin-1")
    yield "pickle that calls", f"cos\nsystem\n(S'touch {canary}'\ntR."
    yield "yaml", f"!!python/object/apply:os.system ['touch {canary}']"
    yield "yaml with aliases", "&a [*a,*a,*a]" * 40
    yield "json bomb", nested('{"answer": [', "1", "]}", 20_000)
    yield "xml entities", "<!DOCTYPE x [<!ENTITY a '" + "&b;" * 90 + "'>]><answer>&a;</answer>"
    yield "format percent", "%x%n%s%p" * 60
    yield "format braces", "{0.__class__.__init__.__globals__}" * 12
    yield "format widths", "{:>999999999}%999999999d"
    yield "template", "{{ ''.__class__.__mro__ }} <% %> ${7*7} #{7*7}"
    yield "log4j", "${jndi:ldap://localhost/a}"
    yield "sql", "5'; DROP TABLE answers; --"
    yield "html", "<script>location='x'</script><img src=x onerror=alert(1)>"
    yield "url and path", "file:///etc/passwd ../../../../etc/passwd\0.json"
    yield "csv formula", "=HYPERLINK(\"x\")+cmd|' /C calc'!A0"


_TEXTS: dict[str, Callable[[], Found]] = {
    "towers": _towers,
    "factorials": _counted,
    "sums and integrals": _sums,
    "functions": _functions,
    "radicals": _radicals,
    "fractions": _fractions,
    "braces": _braces,
    "1 MB strings": _long_strings,
    "marks": _marks,
    "regex bait": _regex_bait,
    "digits": _digits,
    "bases": _bases,
    "sets": _sets,
    "intervals": _intervals,
    "matrices": _matrices,
    "signs": _signs,
    "unicode": _unicode,
    "surrogates": _surrogates,
    "controls": _controls,
}


def _types() -> list[Case]:
    given: dict[str, Any] = {
        "None": None,
        "bytes": b"48213",
        "bytearray": bytearray(b"48213"),
        "true": True,
        "huge int": 10**10_000,
        "negative huge int": -(10**3_000),
        "nan": float("nan"),
        "inf": float("inf"),
        "minus inf": float("-inf"),
        "tiny": 5e-324,
        "largest": 1.7976931348623157e308,
        "minus zero": -0.0,
        "list": ["48", "213"],
        "empty list": [],
        "dict": {"answer": "48213"},
        "tuple of None": (None, None),
        "set": {1, 2},
        "object": object(),
        "type": str,
        "function": len,
        "complex": 48213j,
        "decimal": Decimal("1e999999"),
        "fraction": Fraction(1, 3),
        "range": range(10),
        "generator": iter(()),
    }
    try:
        import numpy
    except ImportError:
        pass
    else:
        given |= {
            "numpy nan": numpy.float64("nan"),
            "numpy int": numpy.int64(5),
            "numpy bool": numpy.bool_(True),
            "numpy array": numpy.arange(3),
            "numpy text": numpy.str_("5"),
        }
    return [Case("types", label, value) for label, value in given.items()]


def _golds() -> list[Case]:
    golds: dict[str, Any] = {
        "10,000 numbers": list(range(50_000, 60_000)),
        "10,000 formulas": [f"x^{{{n}}} + {n}" for n in range(60_000, 70_000)],
        "endless formulas": [f"(x+9^{{9^{{9^9}}}})^{{{n}}}" for n in range(91, 101)],
        "10,000 long texts": ["y" * 1_000] * 10_000,
        "1 MB": "9" * LONG,
        "1 MB of words": "nine " * 200_000,
        "nested lists": [[["5"]]],
        "mixed": [None, b"5", float("nan"), "", "  ", {}, "6"],
        "empty list": [],
        "blank": " \n\t",
        "box": "\\boxed{" * 1_000,
        "None": None,
    }
    text = "(x + 9^{9^{9^9}})^{90} + 5"
    return [Case("golds", label, text, gold) for label, gold in golds.items()]


def _options() -> list[Case]:
    given: dict[str, Any] = {
        "10,000": [str(n) for n in range(10_000)],
        "long": ["a" * LONG, "b" * LONG],
        "empty": [],
        "blank": ["", " ", ""],
        "surrogates": ["\ud800", "\udfff"],
        "the same": ["5"] * 30,
        "towers": ["9^{9^{9^9}}", "9^{9^{9^{9^9}}}", "x"],
        "letters": ["B", "A", "D", "C"],
        "code": ["__import__('os').abort()", "\\input{x}"],
        "a tuple": ("(A) 5", "B) 6"),
    }
    return [Case("options", label, "(B)", "7", options) for label, options in given.items()]


def _alike() -> list[Case]:
    """Long answers that differ only where a careless cap does not look."""
    given = {
        "last digit": ("1" * 700 + "2", "1" * 700 + "3"),
        "length": ("1" * 700, "1" * 701),
        "behind spaces": ("5" + " " * 700 + "or 7", "5"),
        "before spaces": (" " * 700 + "7", " " * 700 + "8"),
        "behind tabs": ("5" + "\t" * 700 + "6", "5"),
        "end of a list": (",".join(map(str, range(300))), ",".join(map(str, range(301)))),
        "end of a formula": ("+".join(["x"] * 300), "+".join(["x"] * 301)),
        "last item": (", ".join(map(str, range(66))), ", ".join([*map(str, range(65)), "99"])),
        "at the cap": ("9" * 500, "9" * 501),
        "over the digits": ("9" * 250, "9" * 249 + "8"),
    }
    return [Case("alike", label, text, gold) for label, (text, gold) in given.items()]
