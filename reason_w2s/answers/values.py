"""What an answer is, as far as it can be read without algebra."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reason_w2s.answers.expression import MAX_DEPTH
from reason_w2s.answers.normalize import NEW_ROW, SET_CLOSE, SET_OPEN, key, normalize
from reason_w2s.answers.numbers import Based, Number, read_based, read_number
from reason_w2s.answers.verdict import MAX_ANSWER_CHARS, MAX_ITEMS, Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a multiple choice, by letter."""

    letter: str


@dataclass(frozen=True, slots=True)
class Words:
    """A plain word or phrase, casefolded."""

    text: str


@dataclass(frozen=True, slots=True)
class Atom:
    """A symbol with one meaning: an infinity, the reals, the empty set."""

    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """Several values. `left` and `right`: the brackets, "" for a bare list, ":" for a ratio."""

    left: str
    right: str
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """Anything that would need algebra."""

    text: str


Value = Number | Based | Choice | Words | Atom | Group | Opaque

_ATOMS = {
    "\\infty": "inf", "+\\infty": "inf", "infinity": "inf", "inf": "inf", "-\\infty": "-inf",
    "-infinity": "-inf", "\\mathbb{R}": "reals", "\\emptyset": "empty", "\\varnothing": "empty",
    "⦃⦄": "empty",
}  # fmt: skip
_PAIRS = {"(": ")", "[": "]", SET_OPEN: SET_CLOSE, "{": "}", "\\langle": "\\rangle"}
_OPENING, _CLOSING = "([{" + SET_OPEN, ")]}" + SET_CLOSE
_LETTER = re.compile(r"^[(\[]?\s?([A-J])\s?(?:[)\].:]\s?.*|\s[A-Z][a-z]+.*)?$", re.DOTALL)
_SAID = re.compile(
    r"^(?:the )?(?:correct )?(?:answer|option|choice)(?: is)?:?\s?\(?([A-J])\)?\.?$", re.IGNORECASE
)
_WORDS = re.compile(r"^[A-Za-z][A-Za-z' -]*$")
_NAMED = re.compile(
    r"^\(?[a-zA-Z](?:_\{?\w{1,6}\}?)?(?:\([a-z]\)|(?:[,:]\s?[a-zA-Z](?:_\{?\w{1,6}\}?)?){1,5}\)?)?\s?"
    r"(?:=|\\in(?![a-zA-Z]))\s?"
)
_NAME = re.compile(r"^([a-zA-Z](?:_\{?\w{1,3}\}?)?)\s?=\s?(?=[^=])")
_RELATION = re.compile(r"\s?(<|>|\\le(?![a-z])|\\ge(?![a-z]))\s?")
_MIRRORED = {"<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le"}
_VARIABLE = re.compile(r"^[a-zA-Z]$")
_MATRIX = re.compile(
    r"^\\begin\{(matrix|pmatrix|bmatrix|array)\}(?:\{[lcr|]{1,20}\})?(.*)\\end\{\1\}$", re.DOTALL
)
# Some data sets have lost one of the two backslashes between rows.
_LOST_ROW = re.compile(r"\\(?![a-zA-Z])")
_JOINED = re.compile(r",?\s(?:and|or)\s", re.IGNORECASE)
_LOST_THOUSANDS = re.compile(r"^0\d\d$")
_RATIO = re.compile(r"\s?:\s?|(?<=\d) to (?=\d)")


def read(answer: str, kind: Kind = "auto", depth: int = 0) -> Value:
    """The value of an answer. Never raises; what it cannot read is `Opaque`."""
    normal = normalize(answer)
    if len(normal) > MAX_ANSWER_CHARS:
        return Opaque(normal)
    return _read(normal, kind, depth)


def read_choice(answer: str) -> str | None:
    """The option letter an answer names, or None: `(A)`, `A) 12`, `Option A`, `answer: A`."""
    normal = normalize(answer)
    match = _LETTER.match(normal) or _SAID.match(normal)
    return match[1].upper() if match else None


def _read(normal: str, kind: Kind, depth: int) -> Value:
    if kind == "choice":
        letter = read_choice(normal)
        return Choice(letter) if letter else Opaque(key(normal))
    if kind == "text":
        return Words(normal.casefold())
    number = read_number(normal)
    if number is not None:
        return number
    compact = key(normal)
    if compact.casefold() in _ATOMS or compact in _ATOMS:
        return Atom(_ATOMS.get(compact) or _ATOMS[compact.casefold()])
    based = read_based(normal)
    if based is not None:
        return based
    return _read_structure(normal, depth) or _read_words(normal) or Opaque(compact)


def _read_words(normal: str) -> Words | None:
    letters = [word for word in re.split(r"[^A-Za-z]+", normal) if word]
    if not _WORDS.match(normal) or not any(len(word) > 1 for word in letters):
        return None
    return Words(normal.casefold())


def _read_structure(normal: str, depth: int) -> Value | None:
    if depth > MAX_DEPTH:
        return None
    readers = (_assignments, _read_inequality, _read_matrix, _union, _bracketed, _list, _ratio)
    values = (reader(normal, depth) for reader in readers)
    return next((value for value in values if value is not None), None)


def _union(normal: str, depth: int) -> Value | None:
    parts = _split(normal, "\\cup")
    return Group("\\cup", "", _items(parts, depth)) if len(parts) > 1 else None


def _list(normal: str, depth: int) -> Value | None:
    parts = _parts(normal)
    names = [match[1] for match in map(_NAME.match, parts) if match]
    if len(names) > len(set(names)) and not all(";" in part or "," in part for part in parts):
        # p=5, q=2, p=7, q=2 is two pairs or four numbers.
        return Opaque(key(normal))
    return Group("", "", _items(parts, depth)) if len(parts) > 1 else None


def _ratio(normal: str, depth: int) -> Value | None:
    parts = _RATIO.split(normal)
    return Group(":", "", _items(parts, depth)) if 1 < len(parts) <= MAX_ITEMS else None


def _assignments(normal: str, depth: int) -> Value | None:
    """`x = 5` as 5, `(x, y) = (1, 2)` as the pair, `y=2, x=1` as the pair in order of its names."""
    match = _NAMED.match(normal)
    if match is None:
        return None
    parts = _parts(normal)
    names = [_NAME.match(part) for part in parts]
    if len(parts) > 1 and all(names):
        pairs = sorted((m[1], part[m.end() :]) for m, part in zip(names, parts, strict=True) if m)
        if len({name for name, _ in pairs}) == len(pairs):
            return Group("named", "", _items([value for _, value in pairs], depth))
    rest = normal[match.end() :].strip()
    if not rest or any(names[1:]) or (len(parts) == 1 and "=" in rest):
        return None
    return _read(rest, "auto", depth + 1)


def _read_inequality(normal: str, depth: int) -> Value | None:
    """`0 < x \\le 1` or `x > 2` as the interval."""
    parts = _RELATION.split(normal)
    if len(parts) == 3 and _VARIABLE.match(parts[0]):
        parts = [parts[2], _MIRRORED[parts[1]], parts[0]]
    if len(parts) == 3 and _VARIABLE.match(parts[2]):
        bound = _read(normalize(parts[0]), "auto", depth + 1)
        strict = parts[1] in "<>"
        if parts[1] in ("<", "\\le"):
            return Group("(" if strict else "[", ")", (bound, Atom("inf")))
        return Group("(", ")" if strict else "]", (Atom("-inf"), bound))
    if len(parts) != 5 or not _VARIABLE.match(parts[2]):
        return None
    if parts[1] in (">", "\\ge"):
        parts = [_MIRRORED.get(part, part) for part in reversed(parts)]
    if not {parts[1], parts[3]} <= {"<", "\\le"}:
        return None
    bounds = tuple(_read(normalize(parts[at]), "auto", depth + 1) for at in (0, 4))
    return Group("(" if parts[1] == "<" else "[", ")" if parts[3] == "<" else "]", bounds)


def _read_matrix(normal: str, depth: int) -> Value | None:
    match = _MATRIX.match(normal)
    if match is None or "\\begin" in match[2] or _LOST_ROW.search(match[2]):
        return None
    rows = [row for row in match[2].split(NEW_ROW) if row.strip()]
    if sum(row.count("&") + 1 for row in rows) > MAX_ITEMS:
        return None
    cells = [Group("row", "", _items(row.split("&"), depth)) for row in rows]
    return Group("matrix", "", tuple(cells))


def _bracketed(normal: str, depth: int) -> Value | None:
    left = "\\langle" if normal.startswith("\\langle") else normal[:1]
    if left == "]" or left not in _PAIRS or _closes(normal) != len(normal) - 1:
        return None
    right = normal[-1]
    inner = normal[len(left) : -1].removesuffix("\\rangl").strip()
    parts = _parts(inner)
    if len(parts) == 1 and left in "([{":
        return _read(inner, "auto", depth + 1) if _PAIRS[left] == right and inner else None
    if left == "{":
        left, right = SET_OPEN, SET_CLOSE
    return Group(left, right, _items(parts, depth))


def _closes(text: str) -> int:
    """Where the bracket that opens `text` closes, brackets of any kind (half-open intervals)."""
    if text.startswith("\\langle"):
        return len(text) - 1 if text.endswith("\\rangle") else -1
    depth = 0
    for index, char in enumerate(text):
        depth += (char in _OPENING) - (char in _CLOSING)
        if depth == 0:
            return index
    return -1


def _parts(text: str) -> list[str]:
    """The items of a list: split at `;`, else at commas, `and`, `or`, outside all brackets."""
    parts = _split(text, ";")
    if len(parts) == 1:
        parts = _split(_JOINED.sub(", ", text), ",")
    return [part for part in (part.strip() for part in parts) if part] or [text]


def _split(text: str, separator: str) -> list[str]:
    if separator not in text:
        return [text]
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char in _OPENING) - (char in _CLOSING)
        if depth == 0 and text.startswith(separator, index):
            parts.append(text[start:index].strip())
            start = index + len(separator)
    return [*parts, text[start:].strip()]


def _items(parts: list[str], depth: int) -> tuple[Value, ...]:
    # `(1,000,2,000)` may be two numbers or four: nothing in it is read.
    if len(parts) > MAX_ITEMS or any(_LOST_THOUSANDS.match(part) for part in parts):
        return (Opaque(",".join(parts)),)
    return tuple(_read(normalize(part), "auto", depth + 1) for part in parts)
