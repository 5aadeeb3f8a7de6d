"""What an answer says: from its text to a value. Never raises; what cannot be read is `Opaque`."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from reason_w2s.answers.algebra import linear, normal_form
from reason_w2s.answers.expression import (
    MAX_DEPTH,
    Call,
    Node,
    Sum,
    Unreadable,
    names,
    negative,
    parse,
)
from reason_w2s.answers.normalize import NEW_ROW, SET_CLOSE, SET_OPEN, key, normalize
from reason_w2s.answers.numbers import Number, read_based, read_number
from reason_w2s.answers.units import exchange, read_unit
from reason_w2s.answers.values import (
    Atom,
    Choice,
    Clock,
    Equation,
    Formula,
    Group,
    Opaque,
    Relation,
    Value,
    Words,
)
from reason_w2s.answers.verdict import MAX_ANSWER_CHARS, MAX_ITEMS, Kind

_ATOMS = {
    "\\infty": "inf", "+\\infty": "inf", "infinity": "inf", "inf": "inf", "-\\infty": "-inf",
    "-infinity": "-inf", "\\mathbb{R}": "reals", "allrealnumbers": "reals", "\\emptyset": "empty",
    "\\varnothing": "empty", "⦃⦄": "empty", "emptyset": "empty",
}  # fmt: skip
_PAIRS = {"(": ")", "[": "]", SET_OPEN: SET_CLOSE, "{": "}", "\\langle": "\\rangle"}
_OPENING, _CLOSING = "([{" + SET_OPEN, ")]}" + SET_CLOSE
_LETTER = re.compile(r"^[(\[]?\s?([A-J])\s?(?:[)\].:]\s?(.*)|\s([A-Z][a-z]+.*))?$", re.DOTALL)
_SAID = re.compile(
    r"^(?:the )?(?:correct )?(?:answer|option|choice)(?: is)?:?\s?\(?([A-J])\)?\.?$", re.IGNORECASE
)
_CLOCK = re.compile(
    r"^(\d{1,2})(?:(?::(\d\d))?(?::(\d\d))?\s?([ap])\.?\s?m\.?|:(\d\d)\s?([ap])\.?)$", re.IGNORECASE
)
_DIGITAL = re.compile(r"^\d{1,2}(?::\d\d){1,2}$")
_WORDS = re.compile(r"^[A-Za-z][A-Za-z0-9',. -]*$")
_SHORT_WORDS_TEXT = "yes no odd all red both even none true false dne north south east west"
_SHORT_WORDS = frozenset(_SHORT_WORDS_TEXT.split())
_SUBSCRIPT = r"(?:_\{?\w{1,6}\}?)?"
_NAMED = re.compile(
    r"^\(?(?:[a-zA-Z]|\\[a-z]{2,8}|[A-Z]{2,4}|(?:[A-Za-z][a-z']*\s){0,4}[A-Za-z][a-z]{2,20}"
    r"|m?\s?\\angle\s?[A-Z]{1,3}|\\overline\{[A-Z]{2}\}|\|[A-Z]{2}\||\[[A-Z]{3,4}\])" + _SUBSCRIPT
    + r"(?:\([a-zA-Z](?:,\s?[a-z])*\)|(?:[,:]\s?[a-zA-Z]" + _SUBSCRIPT + r"){1,5}\)?)?\s?"
    r"(?:=|\\in(?![a-zA-Z])|\\approx)\s?"
)  # fmt: skip
_NAME = re.compile(r"^([a-zA-Z]" + _SUBSCRIPT + r")\s?=\s?(?=[^=])")
_RELATION = re.compile(r"\s?(<|>|\\le(?![a-z])|\\ge(?![a-z])|\\ne(?![a-z]))\s?")
_MIRRORED = {"<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le", "\\ne": "\\ne"}
_VARIABLE = re.compile(r"^(?:[a-zA-Z]" + _SUBSCRIPT + r"|\\[a-z]{2,8})$")
_MATRIX = re.compile(
    r"^\(?\s?\\begin\{(matrix|pmatrix|bmatrix|array|smallmatrix)\}(?:\{[lcr|]{1,20}\})?(.*)"
    r"\\end\{\1\}\s?\)?$", re.DOTALL
)  # fmt: skip
# Some data sets have lost one of the two backslashes between rows.
_LOST_ROW = re.compile(r"\\(?![a-zA-Z])")
_JOINED = re.compile(r",?\s(?:and|or)\s", re.IGNORECASE)
_LOST_THOUSANDS = re.compile(r"^0\d\d$")
_LEADING = re.compile(r"^(?:>\s?(?=[$\d-])|\\approx\s?)")
_TWO_QUANTITIES = re.compile(r"^(\d[^,]*? ?[A-Za-z]{1,10}\.?),?(?:\sand)?\s(\S.*)$", re.DOTALL)
_RATIO = re.compile(r"\s?:\s?|(?<=\d) to (?=\d)")
_SIGNS = re.compile(r"\\(pm|mp)(?![a-zA-Z])\s?")
_UNIT_GROUP = re.compile(
    r"^(.*\S)\s*\\(?:text|mbox|textrm|mathrm|rm|hbox|textit|textbf)\s*\{([^{}]*)\}"
    r"\s*((?:\^\s?\{?[23]\}?)?)[\s.$]*$", re.DOTALL
)  # fmt: skip
_WORD_TAIL = re.compile(r"^(.*\S)\s((?:[A-Za-z]{2,20}\.?\s?){1,5}(?:\^\{[23]\})?)$", re.DOTALL)
_SUCH_THAT = re.compile(r"^([a-zA-Z])\s?(?::|\\mid|\|)\s?(.*)$", re.DOTALL)
MAX_SIGNS = 3
"""So many plus-minus signs are spelled out."""


@lru_cache(maxsize=16_384)
def read(answer: str, kind: Kind = "auto") -> Value:
    """The value of an answer."""
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


def read_choice(answer: str) -> str | None:
    """The option letter an answer names, or None: `(A)`, `A) 12`, `Option A`, `answer: A`."""
    choice = _choice(normalize(answer))
    return choice.letter if choice else None


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
    # a quotation mark at the start of a line (`> 38`), or a number that was rounded
    normal = _LEADING.sub("", normal)
    number = read_number(normal)
    if number is not None:
        return number
    compact = key(normal)
    atom = _ATOMS.get(compact) or _ATOMS.get(compact.casefold())
    if atom:
        return Atom(atom)
    based = read_based(normal)
    if based is not None:
        return based
    return (
        _clock(normal)
        or _read_structure(normal, depth)
        or _read_formula(normal)
        or _read_words(normal)
        or Opaque(compact)
    )


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
    try:
        return Formula(normal, parse(normal))
    except Unreadable:
        pass
    match = _WORD_TAIL.match(normal)
    unit = read_unit(match[2]) if match else None
    if match is None or not unit:
        return None
    try:
        return Formula(match[1], parse(match[1]), unit)
    except Unreadable:
        return None


def _read_words(normal: str) -> Words | None:
    if not _WORDS.match(normal) or not re.search("[A-Za-z]{2}", normal):
        return None
    return Words(normal.casefold().rstrip(" ."))


def _read_structure(normal: str, depth: int) -> Value | None:
    if depth > MAX_DEPTH:
        return None
    for reader in _READERS:
        value = reader(normal, depth)
        if value is not None:
            return value
    return None


def _union(normal: str, depth: int) -> Value | None:
    parts = _split(normal, "\\cup")
    return Group("\\cup", "", _items(parts, depth)) if len(parts) > 1 else None


def _signs(normal: str, depth: int) -> Value | None:
    r"""`1 \pm \sqrt{2}` as its two values; with `\mp` among the signs they turn together."""
    count = len(_SIGNS.findall(normal))
    if not 0 < count <= MAX_SIGNS or len(_parts(normal)) > 1:
        return None
    together = count == 1 or "\\mp" in normal
    choices = (0, 2**count - 1) if together else range(2**count)
    texts = [_spell(normal, bits, together) for bits in choices]
    values = tuple(dict.fromkeys(_read(normalize(text), depth + 1) for text in texts))
    return Group("", "", values)


def _spell(normal: str, bits: int, together: bool) -> str:
    position = iter(range(MAX_SIGNS))

    def sign(match: re.Match[str]) -> str:
        minus = bool(bits >> next(position) & 1)
        return "-" if minus != (together and match[1] == "mp") else "+"

    return re.sub(r"^\+|(?<=[({=,])\s?\+", "", _SIGNS.sub(sign, normal))


def _list(normal: str, depth: int) -> Value | None:
    parts = _parts(normal)
    if len(parts) < 2:
        return None
    found = [match[1] for match in map(_NAME.match, parts) if match]
    if len(found) > len(set(found)) and len(found) == len(parts) and len(set(found)) > 1:
        return _solutions(normal, found, depth)
    return Group("", "", _flat(_items(parts, depth)))


def _solutions(normal: str, found: list[str], depth: int) -> Value | None:
    """`p=5, q=2 and p=7, q=2`: two pairs, where every one names the same."""
    width = len(set(found))
    parts = [part for half in _split(_JOINED.sub(";", normal), ";") for part in _parts(half)]
    groups = [parts[at : at + width] for at in range(0, len(parts), width)]
    if len(parts) % width or any(set(found[:width]) != set(found[at : at + width])
                                 for at in range(0, len(found), width)):  # fmt: skip
        return Opaque(key(normal))
    return Group("", "", tuple(_read(", ".join(group), depth + 1) for group in groups))


def _flat(items: tuple[Value, ...]) -> tuple[Value, ...]:
    """Items without the bare lists among them (`\\pm 1, 2` is three numbers)."""
    flat: list[Value] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Group) and item.left == "" else [item])
    return tuple(flat)


def _compound(normal: str, depth: int) -> Value | None:
    """`5 feet 3 inches`, `2 dollars and fifty cents`: one quantity in two units, in the first."""
    match = _TWO_QUANTITIES.match(normal)
    first, second = (read_number(match[1]), read_number(match[2])) if match else (None, None)
    if first is None or second is None or not first.unit or not second.unit:
        return None
    worth = exchange(second.unit, first.unit)
    if first.percent or not worth or worth >= 1:
        return None
    return Number(first.value + second.value * worth, first.unit)


def _ratio(normal: str, depth: int) -> Value | None:
    parts = _RATIO.split(normal)
    if not 1 < len(parts) <= MAX_ITEMS:
        return None
    items = _items(parts, depth)
    if any(getattr(item, "unit", "") or not isinstance(item, Number | Formula) for item in items):
        return None
    return Group(":", "clock" if _DIGITAL.match(normal) else "", items)


def _assignments(normal: str, depth: int) -> Value | None:
    """`x = 5` as 5, `(x, y) = (1, 2)` as the pair, `y=2, x=1` as values with their names."""
    match = _NAMED.match(normal)
    if match is None or (normal[0] in "([" and _closes(normal) == len(normal) - 1):
        return None
    parts = _parts(normal)
    found = [_NAME.match(part) for part in parts]
    if len(parts) > 1 and all(found):
        pairs = [(m[1], part[m.end() :]) for m, part in zip(found, parts, strict=True) if m]
        if len(dict(pairs)) == len(pairs):
            return Group("named", ",".join(dict(pairs)), _items([rest for _, rest in pairs], depth))
    rest = normal[match.end() :].strip()
    if not rest or any(found[1:]) or "=" in rest:
        return None
    value = _read(rest, depth + 1)
    if isinstance(value, Formula) and names(value.node) and "=" in match[0]:
        name = normal[: match.end()].rstrip(" =").strip()
        return Equation(_formula(name), value, name, value)
    return value


def _equation(normal: str, depth: int) -> Value | None:
    """`2x + y = 6` as an equation; `x = 2 + 3 = 5` as its last value, where the others agree."""
    sides = [side.strip() for side in _split(normal, "=")]
    if not 2 <= len(sides) <= 6 or not all(sides):
        return None
    if len(sides) > 2 and _NAMED.match(sides[0] + "="):
        sides = sides[1:]
    values = [_read(normalize(side), depth + 1) for side in sides]
    if all(isinstance(value, Number) for value in values):
        same = len({value.value for value in values if isinstance(value, Number)}) == 1
        return values[-1] if same else None
    if len(sides) != 2:
        return None
    left, right = (value if isinstance(value, Formula) else _formula(side)
                   for side, value in zip(sides, values, strict=True))  # fmt: skip
    if left is None or right is None or not (names(left.node) | names(right.node)):
        return None
    # `\\sin A = 3/5` states the sine
    said = values[1] if isinstance(left.node, Call) and not names(right.node) else None
    return Equation(left, right, left.text if said else "", said)


def _formula(text: str) -> Formula | None:
    try:
        return Formula(text, parse(text))
    except Unreadable:
        return None


def _read_inequality(normal: str, depth: int) -> Value | None:
    r"""`0 < x \le 1`, `x > 2` and `-x > 1` as intervals, `x + y > 2` as a relation."""
    parts = [part.strip() for part in _RELATION.split(normal)]
    if len(parts) not in (3, 5) or not all(parts):
        return None
    parts = _solved([part.strip() for part in parts])
    if len(parts) == 3 and _VARIABLE.match(parts[0]):
        parts = [parts[2], _MIRRORED[parts[1]], parts[0]]
    if len(parts) == 3 and _VARIABLE.match(parts[2]):
        return _half_line(_read(normalize(parts[0]), depth + 1), parts[1])
    if len(parts) == 3:
        return _relation(parts)
    if not _VARIABLE.match(parts[2]):
        return None
    if parts[1] in (">", "\\ge"):
        parts = [_MIRRORED.get(part, part) for part in reversed(parts)]
    if not {parts[1], parts[3]} <= {"<", "\\le"}:
        return None
    bounds = tuple(_read(normalize(parts[at]), depth + 1) for at in (0, 4))
    return Group("(" if parts[1] == "<" else "[", ")" if parts[3] == "<" else "]", bounds)


def _half_line(bound: Value, sign: str) -> Value:
    """`bound sign x` as an interval."""
    below, above = Group("(", ")", (Atom("-inf"), bound)), Group("(", ")", (bound, Atom("inf")))
    if sign == "\\ne":
        return Group("\\cup", "", (below, above))
    if sign in ("<", "\\le"):
        return above if sign == "<" else replace(above, left="[")
    return below if sign == ">" else replace(below, right="]")


def _solved(parts: list[str]) -> list[str]:
    """The parts of an inequality with its variable alone, where that takes one rational step."""
    middle = parts[2] if len(parts) == 5 else ""
    if _VARIABLE.match(middle or parts[0]) or (not middle and _VARIABLE.match(parts[2])):
        return parts
    forms = [_formula(part) for part in (parts[::2])]
    try:
        if not middle and forms[0] and forms[1]:
            solved = linear(normal_form(Sum((forms[0].node, negative(forms[1].node)))))
            bounds = ["0"]
        elif middle and forms[1]:
            solved = linear(normal_form(forms[1].node))
            bounds = [parts[0], parts[4]]
        else:
            return parts
    except Unreadable:
        return parts
    offset = solved[2].constant() if solved else None
    if solved is None or offset is None:
        return parts
    name, slope, _ = solved
    signs = [sign if slope > 0 else _MIRRORED[sign] for sign in parts[1::2]]
    moved = [f"({bound} - ({offset})) / ({slope})" for bound in bounds]
    return (
        [name, signs[0], moved[0]] if not middle else [moved[0], signs[0], name, signs[1], moved[1]]
    )


def _relation(parts: list[str]) -> Value | None:
    left, sign, right = parts
    if sign in (">", "\\ge"):
        left, sign, right = right, _MIRRORED[sign], left
    sides = _formula(left), _formula(right)
    if sides[0] is None or sides[1] is None:
        return None
    node: Node = Sum((sides[0].node, negative(sides[1].node)))
    if not names(node):
        return None
    return Relation(sign, Formula(f"{sides[0].text}-({sides[1].text})", node))


def _read_matrix(normal: str, depth: int) -> Value | None:
    match = _MATRIX.match(normal)
    if match is None or "\\begin" in match[2]:
        return None
    rows = [row for row in _LOST_ROW.sub(NEW_ROW, match[2]).split(NEW_ROW) if row.strip()]
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
    if left == SET_OPEN and (match := _SUCH_THAT.match(inner)):
        return _read(match[2], depth + 1)
    parts = _parts(inner)
    if len(parts) == 1 and left in "([{":
        return _read(normalize(inner), depth + 1) if _PAIRS[left] == right and inner else None
    if inner.startswith("$") and (price := read_number(inner)):
        return price
    if left == "{":
        left, right = SET_OPEN, SET_CLOSE
    items = _items(parts, depth)
    return Group(left, right, _flat(items) if left == SET_OPEN else items)


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
    return tuple(_read(normalize(part), depth + 1) for part in parts)


_READERS = (
    _assignments,
    _read_inequality,
    _read_matrix,
    _union,
    _signs,
    _bracketed,
    _compound,
    _list,
    _equation,
    _ratio,
)
