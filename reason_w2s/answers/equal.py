"""Whether two answers are the same, by text, exact numbers and structure. No algebra.

What would need algebra is left undecided (`correct` None) with a reason; it is never wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from reason_w2s.answers.normalize import key, normalize
from reason_w2s.answers.numbers import Based, Number, same_unit
from reason_w2s.answers.values import (
    Atom,
    Choice,
    Group,
    Opaque,
    Value,
    Words,
    read,
    read_choice,
)
from reason_w2s.answers.verdict import KINDS, Kind, Verdict
from reason_w2s.errors import ConfigError

Gold = str | int | float | Sequence[str]

UNDECIDED = "not decided without symbolic comparison"

# Phrases that can mean the same though their letters differ.
_NOTHING = ("none", "no solution", "no solutions", "undefined", "does not exist", "dne", "null")


def equal(
    prediction: str | int | float | None,
    gold: Gold,
    kind: Kind = "auto",
    options: Sequence[str] | None = None,
) -> Verdict:
    """Compare one answer, already extracted, with its gold answer.

    A sequence of golds accepts any of them. `options` are the texts of a multiple choice, in order:
    a letter and the text of its option are then the same answer. Never raises on what a model or a
    data set may hold.

    Raises:
        ConfigError: there is no such kind.
    """
    _check_kind(kind)
    answer = _text(prediction)
    if answer is None or not answer.strip():
        return Verdict("no_answer", False, answer, reason="no answer to compare")
    golds = [_text(one) for one in _golds(gold)]
    verdicts = [_one(answer, one, kind, tuple(options or ())) for one in golds]
    return _best(verdicts, answer)


def gold_kind(gold: Gold, kind: Kind = "auto") -> Kind:
    """The kind an `auto` comparison with this gold uses: choice, number, text or latex.

    Raises:
        ConfigError: there is no such kind.
    """
    _check_kind(kind)
    if kind != "auto":
        return kind
    kinds = {_gold_kind(text) for text in map(_text, _golds(gold)) if text}
    return kinds.pop() if len(kinds) == 1 else "latex"


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ConfigError(f"kind: unknown '{kind}'; expected one of {', '.join(KINDS)}")


@lru_cache(maxsize=65_536)
def _gold_kind(gold: str) -> Kind:
    value = _read_gold(gold)
    if isinstance(value, Choice):
        return "choice"
    if isinstance(value, Number):
        return "number"
    return "text" if isinstance(value, Words) else "latex"


@lru_cache(maxsize=65_536)
def _read_gold(gold: str, kind: Kind = "auto") -> Value:
    letter = read_choice(gold) if kind in ("auto", "choice") else None
    return Choice(letter) if letter else read(gold, kind)


def _golds(gold: object) -> list[object]:
    if isinstance(gold, Sequence) and not isinstance(gold, str | bytes):
        return list(gold)
    return [gold]


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    return str(value) if value.bit_length() < 10_000 else None


def _best(verdicts: list[Verdict], answer: str) -> Verdict:
    if not verdicts:
        return Verdict("unparseable_gold", None, answer, reason="there is no gold answer")
    for correct in (True, None, False):
        for verdict in verdicts:
            if verdict.correct is correct:
                return verdict
    return verdicts[0]


def _one(answer: str, gold: str | None, kind: Kind, options: tuple[str, ...]) -> Verdict:
    if gold is None or not gold.strip():
        return Verdict("unparseable_gold", None, answer, reason="the gold answer is missing")
    right = _read_gold(gold, kind)
    if isinstance(right, Choice) or (options and read_choice(answer)):
        decided = _same_choice(answer, gold, right, kind, options)
        if decided is not None or isinstance(right, Choice):
            return _verdict(answer, decided, Opaque(""), right)
    normal, normal_gold = normalize(answer), normalize(gold)
    if normal == normal_gold or key(normal) == key(normal_gold):
        return Verdict("correct", True, answer, reason="same text")
    left = read(answer, kind)
    return _verdict(answer, compare(left, right), left, right)


def _verdict(answer: str, decided: bool | None, left: Value, right: Value) -> Verdict:
    if decided is not None:
        reason = "same value" if decided else "different value"
        return Verdict("correct" if decided else "wrong", decided, answer, reason=reason)
    numbers = isinstance(left, Number) and isinstance(right, Number)
    reason = "the units cannot be compared" if numbers else UNDECIDED
    if isinstance(right, Opaque):
        return Verdict("unparseable_gold", None, answer, reason=reason)
    return Verdict("unparseable_prediction", None, answer, reason=reason)


def _same_choice(
    answer: str, gold: str, right: Value, kind: Kind, options: tuple[str, ...]
) -> bool | None:
    letter = read_choice(answer)
    if isinstance(right, Choice):
        if letter:
            return letter == right.letter
        index = ord(right.letter) - ord("A")
        if index < len(options):
            return compare(read(answer), read(_option_text(options[index])))
        plain = key(normalize(answer))
        # `A, B` and `AB` name several options; a lower-case letter names one only when asked for.
        several = plain.replace(",", "").isalpha() and plain.replace(",", "").isupper()
        if kind == "choice" and plain.upper() == right.letter:
            return True
        return False if several and len(plain) > 1 and kind in ("auto", "choice") else None
    index = ord(letter or "A") - ord("A")
    if letter and index < len(options):
        return compare(read(_option_text(options[index])), right)
    return None


def _option_text(option: str) -> str:
    """An option without the letter some data sets put before it (`A)12`, `(B) 7`)."""
    text = option.strip()
    for width, mark in ((1, ")"), (2, ")"), (1, "."), (1, ":")):
        head = text[: width + 1]
        if head.endswith(mark) and head[width - 1 : width].isupper() and len(text) > width + 1:
            return text[width + 1 :].strip()
    return text


def compare(left: Value, right: Value) -> bool | None:
    """True, False, or None where that needs more than text, exact numbers and structure."""
    match left, right:
        case (Opaque(), _) | (_, Opaque()):
            same: bool | None = True if left == right else None
        case Number(), Number():
            same = _same_number(left, right)
        case Group(), Group():
            same = _same_group(left, right)
        case (Group(), _) | (_, Group()):
            same = _group_and_single(left, right)
        case Words(), Words():
            same = _same_words(left.text, right.text)
        case Based(), Based():
            same = False if left.value != right.value else (left.base == right.base) or None
        case (Atom() | Number(), Atom() | Number()):
            same = left == right
        case _:
            same = None
    return same


def _same_number(left: Number, right: Number) -> bool | None:
    if left.percent != right.percent:
        percent, plain = (left, right) if left.percent else (right, left)
        if percent.value == plain.value * 100:
            return True
        if percent.value != plain.value:
            return False
        # `12%` for a gold 12 has one sign too many, `0.5%` for 0.5 is another number; a gold that
        # is a percentage may be answered without its sign.
        return True if right.percent or abs(plain.value) > 1 else None
    agree = same_unit(left.unit, right.unit)
    if left.value == right.value:
        return agree
    return False if agree else None


def _same_words(left: str, right: str) -> bool | None:
    plain = [text.replace("-", " ").replace("  ", " ").rstrip("s") for text in (left, right)]
    if left == right:
        return True
    if plain[0] in plain[1] or plain[1] in plain[0] or sorted(plain[0]) == sorted(plain[1]):
        return None
    return None if left in _NOTHING or right in _NOTHING else False


def _group_and_single(left: Value, right: Value) -> bool | None:
    group, single = (left, right) if isinstance(left, Group) else (right, left)
    assert isinstance(group, Group)
    if isinstance(single, Words) or any(isinstance(item, Opaque | Words) for item in group.items):
        return None
    if group.left in (":", "\\cup", "matrix") or isinstance(single, Atom):
        return None
    return False


def _same_group(left: Group, right: Group) -> bool | None:
    kinds = {left.left, right.left}
    unordered = kinds <= {"", "⦃"}
    if ":" in kinds:
        return _same_ratio(left, right) if len(kinds) == 1 else None
    if kinds & {"matrix", "row"}:
        return _same_items(left, right, ordered=True) if len(kinds) == 1 else None
    if "\\cup" in kinds:
        return _same_items(left, right, ordered=False) if len(kinds) == 1 else None
    if unordered:
        return _same_items(left, right, ordered=False, repeats="⦃" not in kinds)
    same = _same_items(left, right, ordered=True)
    if {left.left, right.left} & {"⦃", "", "named", "\\langle"}:
        plain = kinds <= {"(", "named", "\\langle"}
        # A bare list and a tuple can be the same pair; so can they differ in meaning.
        return (
            same if plain or (same is False and _same_items(left, right, False) is False) else None
        )
    brackets = (left.left, left.right) == (right.left, right.right)
    return same if brackets else False


def _same_ratio(left: Group, right: Group) -> bool | None:
    same = _same_items(left, right, ordered=True)
    if same is not False or len(left.items) != len(right.items):
        return same
    values = [
        item.value for group in (left, right) for item in group.items if isinstance(item, Number)
    ]
    half = len(left.items)
    if len(values) != 2 * half or values[half] == 0:
        return None
    scale = values[0] / values[half]
    proportional = all(
        one == other * scale for one, other in zip(values[:half], values[half:], strict=True)
    )
    return None if proportional else False


def _same_items(left: Group, right: Group, ordered: bool, repeats: bool = True) -> bool | None:
    first, second = list(left.items), list(right.items)
    if any(isinstance(item, Opaque) for item in first + second):
        return _with_opaque(first, second, ordered)
    if not ordered:
        once = [list(dict.fromkeys(items)) for items in (first, second)]
        same = _match(*once) if len(once[0]) == len(once[1]) else False
        # A repeated value matters to a list of roots, not to a set.
        return None if same and repeats and len(first) != len(second) else same
    if len(first) != len(second):
        return False
    return _all([compare(one, other) for one, other in zip(first, second, strict=True)])


def _with_opaque(first: list[Value], second: list[Value], ordered: bool) -> bool | None:
    if len(first) != len(second):
        return None
    if ordered:
        return _all([compare(one, other) for one, other in zip(first, second, strict=True)])
    return True if _match(first, second) else None


def _all(results: list[bool | None]) -> bool | None:
    if False in results:
        return False
    return None if None in results else True


def _match(first: list[Value], second: list[Value]) -> bool | None:
    """Whether each value of one list equals a different one of the other."""
    unknown, rest = False, list(second)
    for value in first:
        results = [compare(value, other) for other in rest]
        if True in results:
            rest.pop(results.index(True))
        elif None in results:
            unknown = True
        else:
            return False
    return None if unknown else True
