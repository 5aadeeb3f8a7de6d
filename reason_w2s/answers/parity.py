r"""The fixed rules of others, for figures that can be set beside published ones.

Each does what its source does, its mistakes included, in code of our own and in time linear in
the text. Where theirs gives up in silence (a limit of time), ours is undecided, never wrong. The
stop strings of a harness belong to its generation: a response is read as it is.

    lm_eval_gsm8k_strict    lm-evaluation-harness 0.4.13, tasks/gsm8k/gsm8k.yaml (3.0), strict-match
    lm_eval_gsm8k_flexible  the same file, flexible-extract
    lm_eval_minerva         lm-evaluation-harness 0.4.13, tasks/minerva_math/utils.py (3.1)
    hendrycks               hendrycks/math 940d1bf: math_equivalence.py, dataset/util.py
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reason_w2s.answers.algebra.expression import Unreadable
from reason_w2s.answers.algebra.formula import same_formula
from reason_w2s.answers.algebra.parser import parse
from reason_w2s.answers.normalize import normalize
from reason_w2s.answers.reading.numbers import read_number
from reason_w2s.answers.verdict import ParityKind, Status, Verdict
from reason_w2s.errors import ConfigError

# Longer formulas go to no worker; theirs would be stopped after five seconds.
MAX_FORMULA_CHARS = 500


def parity(response: object, gold: object, kind: str) -> Verdict:
    """Grade a whole response by the fixed rule of that name.

    A response that is no text, or in which the rule finds nothing, is `no_answer`. A gold is a text
    or a number; several accept any of them. An empty gold is `unparseable_gold`.

    Raises:
        ConfigError: there is no such rule.
    """
    rule = _rule(kind)
    answer = rule.extract(response) if isinstance(response, str) else None
    if answer is None:
        return Verdict("no_answer", False, reason="the rule finds no answer")
    return replace(parity_equal(answer, gold, kind), rule=rule.name)


def parity_equal(prediction: object, gold: object, kind: str) -> Verdict:
    """Compare two bare answers by the comparison of a fixed rule.

    Raises:
        ConfigError: there is no such rule.
    """
    rule = _rule(kind)
    answer = _text(prediction)
    if answer is None:
        return Verdict("no_answer", False, reason="no answer to compare")
    golds = [text for text in map(_text, _golds(gold)) if text is not None and text.strip()]
    if not golds:
        return Verdict("unparseable_gold", None, answer, reason="the gold answer is missing")
    verdicts = [_verdict(answer, rule.same(answer, text)) for text in golds]
    return min(verdicts, key=lambda verdict: (True, None, False).index(verdict.correct))


# What a comparison says: equal or not, or why that stays open.
_Same = bool | Literal["timeout", "error"]


@dataclass(frozen=True, slots=True)
class _Parity:
    name: ParityKind
    extract: Callable[[str], str | None]
    same: Callable[[str, str], _Same]


def _rule(kind: str) -> _Parity:
    if kind not in _RULES:
        raise ConfigError(f"kind: unknown '{kind}'; expected one of {', '.join(_RULES)}")
    return _RULES[kind]


def _golds(gold: object) -> Sequence[object]:
    return gold if isinstance(gold, Sequence) and not isinstance(gold, str | bytes) else [gold]


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    return repr(value) if value.bit_length() < 10_000 else None


def _verdict(answer: str, same: _Same) -> Verdict:
    if isinstance(same, bool):
        status: Status = "correct" if same else "wrong"
        return Verdict(status, same, answer, reason="the rule's comparison")
    reason = "a limit was reached" if same == "timeout" else "the comparison failed"
    return Verdict(same, None, answer, reason=reason)


# lm-evaluation-harness: GSM8K

_STRICT = re.compile(r"#### (-?[0-9.,]+)")
_FLEXIBLE = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")


def _gsm8k_strict(response: str) -> str | None:
    found = _STRICT.search(response)
    return found[1] if found else None


def _gsm8k_flexible(response: str) -> str | None:
    found = _FLEXIBLE.findall(response)
    return str(found[-1]) if found else None


def _gsm8k_same(answer: str, gold: str) -> bool:
    return _gsm8k_plain(answer) == _gsm8k_plain(gold)


def _gsm8k_plain(text: str) -> str:
    """What exact_match compares: without commas, `$`, all up to the last `#### `, a final stop."""
    text = text.replace(",", "").replace("$", "").rpartition("#### ")[2]
    if text.endswith((".", ".\n")):
        before, _, newline = text.rpartition(".")
        text = before + newline
    return text.lower()


# lm-evaluation-harness: Minerva

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
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+")


def _minerva(response: str) -> str | None:
    """What stands between the two phrases, on one line, less the character before the second."""
    for line in (response + "I hope it is correct.").split("\n"):
        start = line.find(_BEFORE) + len(_BEFORE)
        if start < len(_BEFORE):
            continue
        end = line.find(_AFTER, start + 1)
        if 0 <= end < len(line) - len(_AFTER):
            return line[start : end - 1].strip()
    return None


def _minerva_same(answer: str, gold: str) -> _Same:
    """Equal as normalised text, or by algebra.

    Theirs reads both with sympy's parse_latex and asks simplify whether the difference is 0. Ours
    reads the same part of them (see `_read_part`) with the checker's own parser and compares that
    as the checker does formulas, last by sympy in a worker process. It knows more: to parse_latex
    pi is a letter and ½ or |x - 1| is nothing. What cannot be read is unequal, here as there.
    """
    left, right = minerva_normal(answer), minerva_normal(gold)
    if left == right:
        return bool(left)
    if max(len(left), len(right)) > MAX_FORMULA_CHARS:
        return False
    return _by_algebra(_read_part(left), _read_part(right))


def _by_algebra(left: str, right: str) -> _Same:
    if not left or not right or "\\\\" in left + right:
        return False
    left, right = normalize(left), normalize(right)
    numbers = [read_number(text) for text in (left, right)]
    if any(number is not None and (number.percent or number.unit) for number in numbers):
        # A unit is a product of letters to it.
        return False
    try:
        outcome = same_formula(left, parse(left), right, parse(right))
    except Unreadable:
        return False
    if outcome in ("timeout", "memory"):
        return "timeout"
    return "error" if outcome == "crashed" else outcome == "same"


def _read_part(text: str) -> str:
    r"""The part of a text that parse_latex reads as formula, and how.

    It stops before a comma (`1,2` is 1), a base (`204_5` is 204) or a bracket too many. A ratio is
    a division, a number before a fraction a factor.
    """
    depth, end = 0, len(text)
    for mark in _MARK.finditer(text):
        depth += 1 if mark[0] in "([{" else -1 if mark[0] in ")]}" else 0
        if depth < 0 or (depth == 0 and mark[0] not in ")]}"):
            end = mark.start()
            break
    return _MIXED.sub(r"\1\\cdot\\frac", text[:end].replace(":", "/"))


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


# hendrycks/math

_INTEGER = r"(0|-?[1-9][0-9]{0,4000})"
_SLASH = re.compile(f"{_INTEGER}/{_INTEGER}")
_HENDRYCKS_REPLACED = (
    *(("\n", ""), ("\\!", ""), ("\\\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac")),
    *(("\\left", ""), ("\\right", ""), ("^{\\circ}", ""), ("^\\circ", ""), ("\\$", "")),
)


class _Unstrippable(Exception):
    """Their normalisation raises on this text: they then compare it as it is."""


def _hendrycks(response: str) -> str | None:
    r"""What the last `\boxed{` holds up to its closing brace; with none, or an `\fbox`, nothing."""
    start = response.rfind("\\boxed")
    if start < 0:
        return None
    end = _closing(response, start)
    boxed = response[start : end + 1]
    return boxed[len("\\boxed{") : -1] if end >= 0 and boxed.startswith("\\boxed{") else None


def _closing(text: str, start: int) -> int:
    depth = 0
    for brace in _BRACE.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0 and brace[0] == "}":
            return brace.start()
    return -1


_BRACE = re.compile(r"[{}]")


def _hendrycks_same(answer: str, gold: str) -> bool:
    try:
        return hendrycks_normal(answer) == hendrycks_normal(gold)
    except _Unstrippable:
        return answer == gold


def hendrycks_normal(text: str) -> str:
    r"""The text by which the rule compares: one spelling of fractions and roots, no units.

    Raises:
        _Unstrippable: theirs raises here: two units, or `\frac` or `\sqrt` at an end.
    """
    for before, after in _HENDRYCKS_REPLACED:
        text = text.replace(before, after)
    text = _left_of_unit(text).replace("\\%", "").replace(" .", " 0.").replace("{.", "{0.")
    if text.startswith("."):
        text = "0" + text
    name, equals, value = text.partition("=")
    if equals and len(name) <= 2 and "=" not in value:
        text = value
    text = _whole_fractions(_braced_roots(text).replace(" ", ""))
    if text == "0.5":
        return "\\frac{1}{2}"
    slash = _SLASH.fullmatch(text)
    return f"\\frac{{{slash[1]}}}{{{slash[2]}}}" if slash else text


def _left_of_unit(text: str) -> str:
    parts = text.split("\\text{ ")
    if len(parts) > 2:
        raise _Unstrippable
    return parts[0]


def _braced_roots(text: str) -> str:
    first, *rest = text.split("\\sqrt")
    if not all(rest):
        raise _Unstrippable
    return first + "".join(
        "\\sqrt" + (part if part[0] == "{" else f"{{{part[0]}}}{part[1:]}") for part in rest
    )


def _whole_fractions(text: str) -> str:
    r"""`\frac12` and `\frac1{2}` as `\frac{1}{2}`; a text with a `\frac1` at an end stays."""
    first, *rest = text.split("\\frac")
    whole = [first]
    for part in rest:
        if not part:
            raise _Unstrippable
        if part[0] == "{":
            whole.append("\\frac" + part)
        elif len(part) < 2:
            return text
        else:
            below = part[1:] if part[1] == "{" else f"{{{part[1]}}}{part[2:]}"
            whole.append(f"\\frac{{{part[0]}}}{below}")
    return "".join(whole)


_RULES: dict[str, _Parity] = {
    rule.name: rule
    for rule in (
        _Parity("lm_eval_gsm8k_strict", _gsm8k_strict, _gsm8k_same),
        _Parity("lm_eval_gsm8k_flexible", _gsm8k_flexible, _gsm8k_same),
        _Parity("lm_eval_minerva", _minerva, _minerva_same),
        _Parity("hendrycks", _hendrycks, _hendrycks_same),
    )
}
