"""The one predicate form: `where: {column: value | {min, max, in, not}}`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reason_w2s.errors import ConfigError
from reason_w2s.records import Problem, Row

OPERATORS = ("min", "max", "in", "not")


def validate(where: Any, place: str) -> None:
    """Refuse what is no predicate: an operator that does not exist, an operand that none can use.

    Raises:
        ConfigError: with the place, and the operators there are or the operand expected.
    """
    if not isinstance(where, Mapping):
        raise ConfigError(f"{place}: expected a mapping of columns to values, got {where!r}")
    for column, condition in where.items():
        if isinstance(condition, Mapping):
            for operator, operand in condition.items():
                _validate_one(operator, operand, f"{place}.{column}")


def _validate_one(operator: str, operand: Any, place: str) -> None:
    if operator not in OPERATORS:
        raise ConfigError(
            f"{place}: unknown operator '{operator}'; there are: {', '.join(OPERATORS)}"
        )
    if operator == "in" and not isinstance(operand, (list, tuple)):
        raise ConfigError(f"{place}.in: expected a list of values, got {operand!r}")
    number = isinstance(operand, (int, float)) and not isinstance(operand, bool)
    if operator in ("min", "max") and not number:
        raise ConfigError(f"{place}.{operator}: expected a number, got {operand!r}")


def failure(record: Row | Problem, where: Mapping[str, Any]) -> str | None:
    """None where the record meets every condition, else the first it fails, in words.

    A list column equals `none` when it is empty and equals a value that it contains. None (missing)
    equals only null and lies in no range.

    Raises:
        ConfigError: a range over a column that does not hold numbers.
    """
    for column, condition in where.items():
        found = record.value(column)
        try:
            held = holds(found, condition)
        except TypeError as error:
            raise ConfigError(f"{column} is {found!r}: min and max need numbers") from error
        if not held:
            return f"{column} {_words(found, condition)}"
    return None


def holds(found: Any, condition: Any) -> bool:
    """Whether one value meets one condition."""
    if not isinstance(condition, Mapping):
        return _equals(found, condition)
    return all(_operator(found, name, operand) for name, operand in condition.items())


def order(rows: Sequence[Row], by: Sequence[str], seed: int) -> list[Row]:
    """Rows sorted by columns (`-column`: greatest first; missing last).

    Ties, and everything where `by` is empty, are in an order that depends on the seed and the
    trace's key alone, so neither position nor sharding matters.
    """
    ranked = sorted(rows, key=lambda row: _lot(row.trace.key, seed))
    for name in reversed(by):
        column = name.removeprefix("-")
        known = [row for row in ranked if row.value(column) is not None]
        missing = [row for row in ranked if row.value(column) is None]
        ranked = sorted(known, key=_value_of(column), reverse=name.startswith("-")) + missing
    return ranked


def ranks(rows: Sequence[Row], by: Sequence[str]) -> dict[str, int]:
    """Each row's place in `order` by its trace's key, from 0; rows that only a lot tells apart
    share one."""
    found: dict[str, int] = {}
    place, before = -1, None
    for row in order(rows, by, 0):
        values = [row.value(name.removeprefix("-")) for name in by]
        place += values != before
        found[row.trace.key], before = place, values
    return found


def _value_of(column: str) -> Callable[[Row], Any]:
    return lambda row: row.value(column)


def _lot(key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def _equals(found: Any, value: Any) -> bool:
    if isinstance(found, (list, tuple)):
        return not found if value in ("none", None) else value in found
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    return bool(found == value)


def _operator(found: Any, name: str, operand: Any) -> bool:
    if name == "in":
        return any(_equals(found, one) for one in operand)
    if name == "not":
        return not _equals(found, operand)
    if found is None:
        return False
    return bool(found >= operand) if name == "min" else bool(found <= operand)


def _words(found: Any, condition: Any) -> str:
    """A reason that does not vary with numbers, so that reasons can be counted."""
    if found is None:
        return "is missing"
    if isinstance(found, (list, tuple)):
        return "has " + "+".join(map(str, found)) if found else "is empty"
    if isinstance(found, bool):
        return "is " + ("true" if found else "false")
    if isinstance(condition, Mapping):
        return "is not " + ", ".join(f"{name} {operand}" for name, operand in condition.items())
    return f"is not {condition}"
