r"""Minerva's rule as lm-evaluation-harness 0.4.13 has it (tasks/minerva_math/utils.py, 3.1).

Its answers are normalised text, and two that differ are compared by sympy's parse_latex: a grammar
with habits of its own, which are followed here.
"""

from __future__ import annotations

import re
from typing import Literal

from reason_w2s.answers.algebra.expression import Node, Num, Power, Product, Sum, Unreadable
from reason_w2s.answers.algebra.formula import same_formula
from reason_w2s.answers.algebra.parser import GREEK, parse
from reason_w2s.answers.algebra.points import value_at
from reason_w2s.answers.normalize import normalize

# Longer formulas go to no worker; theirs would be stopped after five seconds.
MAX_FORMULA_CHARS = 500

# What a comparison says: equal or not, or why that stays open.
Same = bool | Literal["timeout", "error"]

_BEFORE, _AFTER = "Final Answer: The final answer is", " I hope it is correct"

# In the order in which they are replaced.
_MINERVA_REPLACED = (
    *(("an ", ""), ("a ", ""), (".$", "$"), ("\\$", ""), ("\\ ", ""), (" ", ""), ("mbox", "text")),
    *((",\\text{and}", ","), ("\\text{and}", ","), ("\\text{m}", "\\text{}")),
)
_MINERVA_WORDS = (
    *("square", "ways", "integers", "dollars", "mph", "inches", "ft", "hours", "km", "units"),
    *("\\ldots", "sue", "points", "feet", "minutes", "digits", "cents", "degrees", "cm", "gm"),
    *("pounds", "meters", "meals", "edges", "students", "childrentickets", "multiples"),
    *("\\text{s}", "\\text{.}", "\\text{\ns}", "\\text{}^2", "\\text{}^3", "\\text{\n}"),
    *("\\text{}", "\\mathrm{th}", "^\\circ", "^{\\circ}", "\\;", ",\\!", "{,}", '"', "\\dots"),
)
_WHOLE_WORDS = [re.compile(rf"(?<!\\)\b{word}\b") for word in _MINERVA_WORDS if word.isalpha()]
_COMMAND = re.compile(r"(\\[a-zA-Z]+)")
_SHORT_FRACTION = re.compile(r"frac([^{])(.)")
_SHORT_ROOT = re.compile(r"sqrt(?!\[)([^{])")
_MARK = re.compile(r"[(\[{)\]}]|,(?!\d{3}(?!\d))|;|(?<=\d)_|\.(?!\d)")
_MIXED = re.compile(r"(\d)\\frac")
_WORD = re.compile(
    r"_\{\w+\}|_\w|(?:\\[a-zA-Z]+|[a-zA-Z])(?=(?P<applied>(?:\\left)?\())?", re.ASCII
)
_DECIMAL = re.compile(r"\d*\.\d+")
# Before one more dot `8.1` is read, `8` and `8.18` are not.
_NUMBER_BEFORE_DOT = re.compile(r"(?<!\.)\d\Z")
# No token of its grammar, a group of nothing, a number that begins with 0.
_NO_TOKEN = re.compile(r"[^\x21-\x7e]|[%#$@?~`\"]|\\[\\0-9]|(?<![\^_])\{\}|(?<![\d.])0+[1-9]")
_ITS_COMMANDS_TEXT = (
    "left right quad qquad thinspace medspace thickspace negthinspace frac dfrac tfrac binom "
    "dbinom tbinom sqrt overline times cdot div infty exp log lg ln sin cos tan csc sec cot "
    "arcsin arccos arctan sinh cosh tanh lfloor rfloor lceil rceil neq le leq leqslant ge geq "
    "geqslant"
)
_ITS_COMMANDS = frozenset(_ITS_COMMANDS_TEXT.split())
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+")


def sentence(response: str) -> str | None:
    """What stands between the two phrases, on one line, less the character before the second."""
    for line in (response + "I hope it is correct.").split("\n"):
        start = line.find(_BEFORE) + len(_BEFORE)
        if start < len(_BEFORE):
            continue
        end = line.find(_AFTER, start + 1)
        if 0 <= end < len(line) - len(_AFTER):
            return line[start : end - 1].strip()
    return None


def same(answer: str, gold: str) -> Same:
    """Equal as normalised text, or by algebra.

    Theirs reads both with sympy's parse_latex and asks simplify whether the difference is 0. Ours
    reads the same part of them, in its words (see `_read_part`, `_in_its_words`), with the
    checker's own parser and compares that as the checker does formulas, last by sympy in a worker
    process. What cannot be read is unequal, here as there.
    """
    left, right = minerva_normal(answer), minerva_normal(gold)
    if left == right:
        return bool(left)
    if max(len(left), len(right)) > MAX_FORMULA_CHARS:
        return False
    return _by_algebra(_read_part(left), _read_part(right))


def _by_algebra(left: str, right: str) -> Same:
    if not left or not right or _NO_TOKEN.search(left) or _NO_TOKEN.search(right):
        return False
    if left == right and "," not in left:
        return True
    left, right = (normalize(_in_its_words(text)) for text in (left, right))
    try:
        nodes = parse(left), parse(right)
        if _in_floats(left, nodes[0]) and _in_floats(right, nodes[1]) and "." in left + right:
            return _same_floats(*nodes)
        outcome = same_formula(left, nodes[0], right, nodes[1])
    except Unreadable:
        return False
    if outcome in ("timeout", "memory"):
        return "timeout"
    return "error" if outcome == "crashed" else outcome == "same"


def _read_part(text: str) -> str:
    r"""The part of a text that parse_latex reads as formula, and how.

    It stops before a comma (`1,2` is 1), a base (`204_5` is 204) or a bracket too many, and reads
    nothing where most numbers end in a dot. A ratio is a division, a number before a fraction a
    factor.
    """
    depth, end = 0, len(text)
    for mark in _MARK.finditer(text):
        depth += 1 if mark[0] in "([{" else -1 if mark[0] in ")]}" else 0
        if depth < 0 or (depth == 0 and mark[0] not in ")]}"):
            end = mark.start()
            break
    if text[end : end + 1] == "." and _NUMBER_BEFORE_DOT.search(text[:end]):
        return ""
    return _MIXED.sub(r"\1\\cdot\\frac", text[:end].replace(":", "/"))


def _in_its_words(text: str) -> str:
    r"""A formula as parse_latex takes it.

    Commands that it does not know, and pi, e and i, are letters without a value (`\pm2` is a
    product). Letters side by side are a product, whatever they spell; one before a round bracket
    is a function, which here is a factor that nothing else is.
    """
    return _WORD.sub(_word, text)


def _word(match: re.Match[str]) -> str:
    word = match[0]
    if word.startswith("_") or word[1:] in _ITS_COMMANDS:
        return word
    name = word.removeprefix("\\")
    after = "\\cdot " if match.string[match.end() : match.end() + 1].isdigit() else ""
    if match["applied"] is None and (name in GREEK or (word == name and name not in "ei")):
        return f" {word}{after}"
    return f" v_{{{name[:10]}{'' if match['applied'] is None else ',f'}}}{after}"


def _in_floats(text: str, node: Node) -> bool:
    """Whether sympy works a number out as it is read: no roots, and decimals that a float holds."""
    short = all(len(decimal) - 1 <= 15 for decimal in _DECIMAL.findall(text))
    return short and _is_rational(node)


def _is_rational(node: Node) -> bool:
    match node:
        case Num():
            return True
        case Sum(parts) | Product(parts):
            return all(map(_is_rational, parts))
        case Power(base, Num(exponent)):
            return exponent.denominator == 1 and _is_rational(base)
        case _:
            return False


def _same_floats(left: Node, right: Node) -> bool:
    """Where a decimal is involved, sympy rounds the rest to its precision."""
    first, second = value_at(left, {}), value_at(right, {})
    return first is not None and second is not None and first[0] == second[0]


def minerva_normal(text: str) -> str:
    """The text by which the rule compares: the right side, without units, wrappers and spaces."""
    text = text.rpartition("=")[2]
    for word in _WHOLE_WORDS:
        text = word.sub("", text)
    for before, after in _MINERVA_REPLACED:
        text = text.replace(before, after)
    for expression in _MINERVA_WORDS:
        text = _without(text, expression)
    text = "\n".join(map(_formula_of_line, text.split("\n")))
    for command in ("\\text{", "\\textbf{", "\\overline{"):
        text = "\n".join(_unwrapped(line, command) for line in text.split("\n"))
    text = "\n".join(map(_unboxed, text.split("\n")))
    text = _braced_index_roots(_SHORT_FRACTION.sub(r"frac{\1}{\2}", text))
    text = _SHORT_ROOT.sub(r"sqrt{\1}", text).replace("$", "")
    return text.replace(",", "") if _THOUSANDS.fullmatch(text) else text


def _without(text: str, expression: str) -> str:
    """The text less an expression; a word is left alone inside a LaTeX command."""
    if not expression.isalpha():
        return text.replace(expression, "")
    if expression not in text:
        return text
    parts = _COMMAND.split(text)
    parts[::2] = [part.replace(expression, "") for part in parts[::2]]
    return "".join(parts)


def _formula_of_line(line: str) -> str:
    """Only the line's first formula in dollar signs, where it has one."""
    parts = line.split("$", 2)
    return f"${parts[1]}$" if len(parts) == 3 else line


def _unwrapped(line: str, command: str) -> str:
    r"""`\text{a} b` as `a b`; each ends at the first closing brace, nested or not."""
    done: list[str] = []
    here = 0
    while (start := line.find(command, here)) >= 0:
        inner = start + len(command)
        end = line.find("}", inner)
        if end < 0:
            break
        done += line[here:start], line[inner:end]
        here = end + 1
    return "".join(done) + line[here:]


def _unboxed(line: str) -> str:
    start, end = line.find("\\boxed{"), line.rfind("}")
    inner = start + len("\\boxed{")
    return line if start < 0 or end < inner else line[:start] + line[inner:end] + line[end + 1 :]


def _braced_index_roots(text: str) -> str:
    r"""`\sqrt[3]a` as `\sqrt[3]{a}`."""
    done: list[str] = []
    here = 0
    while (start := text.find("sqrt[", here)) >= 0:
        end = text.find("]", start) + 1
        if not end:
            break
        after = text[end : end + 1]
        short = after.isalnum() or after == "_"
        done.append(text[here:end] + (f"{{{after}}}" if short else ""))
        here = end + short
    return "".join(done) + text[here:]
