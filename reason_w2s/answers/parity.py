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

from reason_w2s.answers import minerva
from reason_w2s.answers.minerva import Same
from reason_w2s.answers.verdict import ParityKind, Status, Verdict
from reason_w2s.errors import ConfigError


def parity(response: object, gold: object, kind: str) -> Verdict:
    """Grade a whole response by the fixed rule of that name.

    A response that is no text, or in which the rule finds nothing, is `no_answer`. A gold is a text
    or a number; several accept any of them. No gold is `unparseable_gold`; an empty text is
    compared as it is, as theirs do.

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
    golds = [text for text in map(_text, _golds(gold)) if text is not None]
    if not golds:
        return Verdict("unparseable_gold", None, answer, reason="the gold answer is missing")
    verdicts = [_verdict(answer, rule.same(answer, text)) for text in golds]
    return min(verdicts, key=lambda verdict: (True, None, False).index(verdict.correct))


@dataclass(frozen=True, slots=True)
class _Parity:
    name: ParityKind
    extract: Callable[[str], str | None]
    same: Callable[[str, str], Same]


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


def _verdict(answer: str, same: Same) -> Verdict:
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
        _Parity("lm_eval_minerva", minerva.sentence, minerva.same),
        _Parity("hendrycks", _hendrycks, _hendrycks_same),
    )
}
