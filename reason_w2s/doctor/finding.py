"""What a check may say: a finding, a plain fact, or that it could not look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
STATUS: dict[Severity, int] = {"note": 0, "warning": 1, "error": 2}
"""The exit status of the gravest finding."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to act upon.

    where: `file: key`. why: what it costs. todo: what to change. severity: `error` (the run would
    stop or learn something else than the recipe says), `warning` (it would run, and probably
    disappoint), `note` (worth knowing).
    """

    what: str
    where: str
    why: str
    todo: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was found as it should be. data: its numbers, for `--json`."""

    about: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that could not be looked at here, and why; never a finding."""

    what: str
    why: str


Said = Finding | Fact | Unchecked


def exit_status(said: Iterable[Said]) -> int:
    """0: no finding above a note; 1: warnings; 2: errors."""
    return max((STATUS[one.severity] for one in said if isinstance(one, Finding)), default=0)
