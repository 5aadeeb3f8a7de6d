"""What an answer says: from its text to a value. Never raises; what cannot be read is `Opaque`."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from reason_w2s.answers.algebra.parser import MAX_DEPTH
from reason_w2s.answers.normalize import key, normalize
from reason_w2s.answers.reading.numbers import Number, read_based, read_number
from reason_w2s.answers.reading.parts import formula_of
from reason_w2s.answers.reading.structure import read_structure
from reason_w2s.answers.reading.units import read_unit
from reason_w2s.answers.reading.values import Atom, Choice, Clock, Formula, Opaque, Value, Words
from reason_w2s.answers.verdict import MAX_ANSWER_CHARS, Kind

_ATOMS = {
    "\\infty": "inf", "+\\infty": "inf", "infinity": "inf", "inf": "inf", "-\\infty": "-inf",
    "-infinity": "-inf", "\\mathbb{R}": "reals", "allrealnumbers": "reals", "\\emptyset": "empty",
    "\\varnothing": "empty", "⦃⦄": "empty", "emptyset": "empty", "nosolution": "empty",
    "nosolutions": "empty", "norealsolution": "empty", "norealsolutions": "empty",
}  # fmt: skip
_LETTER = re.compile(
    r"^[(\[]?\s?([A-J])\s?(?:(?:[)\].]|:(?=\s))\s?(.*)|\s([A-Z][a-z]+.*))?$", re.DOTALL
)
_SAID = re.compile(
    r"^(?:the )?(?:correct )?(?:answer|option|choice)(?: is)?:?\s?\(?([A-J])\)?\.?$", re.IGNORECASE
)
_CLOCK = re.compile(
    r"^(\d{1,2})(?:(?::(\d\d))?(?::(\d\d))?\s?([ap])\.?\s?m\.?|:(\d\d)\s?([ap])\.?)$",
    re.IGNORECASE,
)
_WORDS = re.compile(r"^[A-Za-z][A-Za-z0-9',. -]*$")
_SHORT_WORDS_TEXT = "yes no odd all red both even none true false dne north south east west"
_SHORT_WORDS = frozenset(_SHORT_WORDS_TEXT.split())
# A quotation mark at the start of a line (`> 38`), a number that was rounded, a sign left over.
_LEADING = re.compile(r"^(?:>\s?(?=[$\d-])|\\approx\s?|[=:]\s?(?=[^=:]))")
# `2\pi k, k \in \mathbb{Z}`: what the letter runs over.
_CONDITION = re.compile(
    r"(?:[,;]\s?|\s(?=\()|\s(?=where |for |with ))(?:where |for |with )?\(?[a-z](?:\s?,\s?[a-z])*"
    r"\s?\\in\s?\\mathbb\{[NZ]\}\)?$"
)
_MODULUS = re.compile(r"\s?\(?\\[pb]?mod\s?\{?\s?(\d{1,20})\s?\}?\)?$")
_UNIT_GROUP = re.compile(
    r"^(.*\S)\s*\\(?:text|mbox|textrm|mathrm|rm|hbox|textit|textbf)\s*\{([^{}]*)\}"
    r"\s*((?:\^\s?\{?[23]\}?)?)[\s.$]*$",
    re.DOTALL,
)
_WORD_TAIL = re.compile(r"^(.*\S)\s((?:[A-Za-z]{2,20}\.?\s?){1,5}(?:\^\{[23]\})?)$", re.DOTALL)


def read(answer: str, kind: Kind = "auto") -> Value:
    """The value of an answer."""
    return Opaque(answer.strip()) if len(answer) > MAX_ANSWER_CHARS else _known(answer, kind)


@lru_cache(maxsize=16_384)
def _known(answer: str, kind: Kind) -> Value:
    normal = normalize(answer)
    if len(normal) > MAX_ANSWER_CHARS:
        return Opaque(normal)
    if kind == "text":
        return Words(normal.casefold())
    if kind in ("auto", "choice"):
        choice = _choice(normal)
        if choice is not None:
            return choice
        if kind == "choice":
            letter = normal.upper() if re.fullmatch("[a-j]", normal) else ""
            return Choice(letter) if letter else _read(normal, 0)
    value = _read(normal, 0)
    if isinstance(value, Formula | Opaque | Words) and "{" in answer:
        return _with_unit(answer) or value
    return value


def _choice(normal: str) -> Choice | None:
    match = _LETTER.match(normal)
    if match:
        return Choice(match[1], (match[2] or match[3] or "").strip())
    match = _SAID.match(normal)
    return Choice(match[1].upper()) if match else None


def _with_unit(answer: str) -> Value | None:
    r"""`99\pi \text{ cm}^2`: what is in `\text` behind a formula is its unit."""
    match = _UNIT_GROUP.match(answer)
    unit = read_unit(normalize(f"{match[2].strip()}{match[3]}")) if match else None
    if match is None or unit is None:
        return None
    value = _read(normalize(match[1]), 0)
    return replace(value, unit=unit) if isinstance(value, Formula | Number) else None


def _read(normal: str, depth: int) -> Value:
    normal = _CONDITION.sub("", _LEADING.sub("", normal))
    number = read_number(normal)
    if number is not None:
        return number
    compact = key(normal)
    atom = _ATOMS.get(compact) or _ATOMS.get(compact.casefold())
    if atom:
        return Atom(atom)
    return (
        read_based(normal)
        or _clock(normal)
        or _deeper(normal, depth)
        or _read_formula(normal)
        or _read_words(normal)
        or Opaque(compact)
    )


def _deeper(normal: str, depth: int) -> Value | None:
    """An answer of several parts, each read in turn."""
    if depth > MAX_DEPTH:
        return None

    def inner(part: str) -> Value:
        return _read(normalize(part), depth + 1)

    modulus = _MODULUS.search(normal)
    if modulus:
        return _modulo(inner(normal[: modulus.start()]), int(modulus[1]))
    return read_structure(normal, inner)


def _modulo(value: Value, modulus: int) -> Value | None:
    r"""`7 \pmod{5}` as 2 with the unit `mod 5`."""
    if not isinstance(value, Number) or value.unit or value.percent or not modulus:
        return None
    return Number(value.value % modulus, f"mod {modulus}")


def _clock(normal: str) -> Clock | None:
    match = _CLOCK.match(normal)
    if match is None or not 1 <= int(match[1]) <= 12:
        return None
    half = (match[4] or match[6]).lower() + "m"
    hour = int(match[1]) % 12 + (12 if half == "pm" else 0)
    return Clock(hour, int(match[2] or match[5] or 0), int(match[3] or 0), half)


def _read_formula(normal: str) -> Formula | None:
    if normal.isalpha() and (len(normal) > 3 or normal.casefold() in _SHORT_WORDS):
        return None
    formula = formula_of(normal)
    match = _WORD_TAIL.match(normal) if formula is None else None
    unit = read_unit(match[2]) if match else None
    if match is None or unit is None:
        return formula
    head = formula_of(match[1])
    return None if head is None else replace(head, unit=unit)


def _read_words(normal: str) -> Words | None:
    if not _WORDS.match(normal) or not re.search("[A-Za-z]{2}", normal):
        return None
    return Words(normal.casefold().rstrip(" ."))
