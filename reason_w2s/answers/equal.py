"""Whether two answers are the same, cheapest layer first.

Normalised text, exact numbers, structure (sets, intervals, matrices), formulas in floats and in
normal form; what is left goes to sympy in a worker process. Nothing is close enough: 9,999 is not
10,000, unless the caller gives a tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from reason_w2s.answers.compare import Comparison
from reason_w2s.answers.normalize import key, normalize
from reason_w2s.answers.parity import parity_equal
from reason_w2s.answers.reading.numbers import Number
from reason_w2s.answers.reading.read import read
from reason_w2s.answers.reading.values import Choice, Formula, Opaque, Value, Words
from reason_w2s.answers.verdict import KINDS, MAX_GOLDS, PARITY_KINDS, Kind, Status, Verdict
from reason_w2s.errors import ConfigError

Gold = str | int | float | Sequence[str | int | float]

_TROUBLE: dict[str, tuple[Status, str]] = {
    "timeout": ("timeout", "the comparison took too long"),
    "memory": ("error", "the comparison took too much memory"),
    "crashed": ("error", "the process that compares formulas died"),
}


def equal(
    prediction: str | int | float | None,
    gold: Gold,
    kind: Kind = "auto",
    options: Sequence[str] | None = None,
    *,
    rel_tol: float = 0.0,
) -> Verdict:
    """Compare two answers that are already extracted.

    Symmetric in the two, but for which of them a status blames. A sequence of golds accepts any of
    them. `options` are the texts of a multiple choice, in order: a letter and the text of its
    option are then the same answer. `rel_tol`: numbers within it, relative to the larger, are the
    same. A missing or empty prediction is `no_answer`, correct False; a missing or empty gold is
    `unparseable_gold`, correct None; a bool, bytes, nan or an infinite float is missing. Never
    raises on what a model or a data set may hold.

    Raises:
        ConfigError: there is no such kind, or a tolerance below 0.
    """
    check_kind(kind, rel_tol)
    if kind in PARITY_KINDS:
        return parity_equal(prediction, gold, kind)
    answer = answer_text(prediction)
    if answer is None or not answer.strip():
        return Verdict("no_answer", False, answer, reason="no answer to compare")
    golds = golds_of(gold)
    comparison = Comparison(rel_tol)
    verdicts = [
        _one(answer, answer_text(one), kind, tuple(options or ()), comparison)
        for one in golds[:MAX_GOLDS]
    ]
    if len(golds) > MAX_GOLDS:
        reason = f"only the first {MAX_GOLDS:,} golds are compared"
        verdicts.append(Verdict("unparseable_gold", None, answer, reason=reason))
    return _best(verdicts, answer)


def gold_kind(gold: Gold, kind: Kind = "auto") -> Kind:
    """The kind an `auto` comparison with this gold uses: choice, number, text or latex.

    Raises:
        ConfigError: there is no such kind.
    """
    check_kind(kind)
    if kind != "auto":
        return kind
    texts = map(answer_text, golds_of(gold)[:MAX_GOLDS])
    kinds = {_kind_of(read(text)) for text in texts if text}
    return kinds.pop() if len(kinds) == 1 else "latex"


def check_kind(kind: str, rel_tol: float = 0.0) -> None:
    """Refuse a kind or a tolerance that does not exist.

    Raises:
        ConfigError: that is so.
    """
    if kind not in KINDS:
        raise ConfigError(f"kind: unknown '{kind}'; expected one of {', '.join(KINDS)}")
    if not 0 <= rel_tol < 1:
        raise ConfigError(f"rel_tol: {rel_tol} is not in [0, 1)")


def golds_of(gold: object) -> list[object]:
    """The accepted answers: those of a list, or the one given."""
    if isinstance(gold, Sequence) and not isinstance(gold, str | bytes):
        return list(gold)
    return [gold]


def answer_text(value: object) -> str | None:
    """An answer as text; None for what is none: None, a bool, bytes, nan."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        # numpy's float is a float, but does not print as one
        return float.__repr__(value) if math.isfinite(value) else None
    return int.__repr__(value) if value.bit_length() < 10_000 else None


def _kind_of(value: Value) -> Kind:
    if isinstance(value, Choice):
        return "choice"
    if isinstance(value, Number):
        return "number"
    return "text" if isinstance(value, Words) else "latex"


def _best(verdicts: list[Verdict], answer: str) -> Verdict:
    if not verdicts:
        return Verdict("unparseable_gold", None, answer, reason="there is no gold answer")
    for correct in (True, None, False):
        for verdict in verdicts:
            if verdict.correct is correct:
                return verdict
    return verdicts[0]


def _one(
    answer: str, gold: str | None, kind: Kind, options: tuple[str, ...], comparison: Comparison
) -> Verdict:
    if gold is None or not gold.strip():
        return Verdict("unparseable_gold", None, answer, reason="the gold answer is missing")
    try:
        return _compared(answer, gold, kind, options, comparison)
    except Exception as error:
        # a fault of ours must not end a training that asks for millions of verdicts
        return Verdict("error", None, answer, reason=f"{type(error).__name__} while comparing")


def _compared(
    answer: str, gold: str, kind: Kind, options: tuple[str, ...], comparison: Comparison
) -> Verdict:
    if answer == gold or key(normalize(answer)) == key(normalize(gold)):
        return Verdict("correct", True, answer, reason="same text")
    sides = read(answer, kind), read(gold, kind)
    if options and isinstance(sides[0], Choice) != isinstance(sides[1], Choice):
        sides = _lettered(answer, sides[0], options), _lettered(gold, sides[1], options)
    same = _choose(comparison, *sides, options)
    if same is None and comparison.trouble:
        status, reason = _TROUBLE[comparison.trouble]
        return Verdict(status, None, answer, reason=reason)
    return _verdict(answer, same, *sides)


def _lettered(text: str, value: Value, options: tuple[str, ...]) -> Value:
    """The option that a text spells out, where it is that of one alone; else its value."""
    wanted = key(normalize(text)).casefold()
    said = [key(normalize(option_text(option))).casefold() == wanted for option in options]
    return Choice(chr(ord("A") + said.index(True))) if said.count(True) == 1 else value


def _choose(
    comparison: Comparison, left: Value, right: Value, options: tuple[str, ...]
) -> bool | None:
    """Compare values, letting a letter stand for its option's text."""
    if isinstance(left, Choice) == isinstance(right, Choice):
        return comparison.same(left, right)
    choice, other = (left, right) if isinstance(left, Choice) else (right, left)
    assert isinstance(choice, Choice)
    index = ord(choice.letter) - ord("A")
    content = option_text(options[index]) if index < len(options) else choice.content
    if content:
        return comparison.same(read(content), other)
    if isinstance(other, Formula) and other.text.isalpha():
        # `b` is B written small, `AB` names several options.
        return other.text.upper() == choice.letter
    return None


def option_text(option: str) -> str:
    """An option without the letter some data sets put before it (`A)12`, `(B) 7`)."""
    text = option.strip()
    for width, mark in ((1, ")"), (2, ")"), (1, "."), (1, ":")):
        head = text[: width + 1]
        if head.endswith(mark) and head[width - 1 : width].isupper() and len(text) > width + 1:
            return text[width + 1 :].strip()
    return text


def _verdict(answer: str, same: bool | None, left: Value, right: Value) -> Verdict:
    if same is not None:
        reason = "same value" if same else "different value"
        return Verdict("correct" if same else "wrong", same, answer, reason=reason)
    if isinstance(right, Opaque):
        return Verdict("unparseable_gold", None, answer, reason="the gold answer cannot be read")
    reason = (
        "the answer cannot be read"
        if isinstance(left, Opaque)
        else f"a {type(left).__name__.lower()} cannot be compared with this "
        f"{type(right).__name__.lower()}"
    )
    return Verdict("unparseable_prediction", None, answer, reason=reason)
