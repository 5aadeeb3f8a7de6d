"""How many rows got which verdict, and how that reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import get_args

from reason_w2s.answers.verdict import GUESSES, Rule, Status, Verdict

Cells = tuple[str, ...]


@dataclass
class Tally:
    """Verdicts counted by status, and by rule and whether they are correct."""

    statuses: Counter[Status] = field(default_factory=Counter)
    rules: Counter[tuple[Rule | None, bool | None]] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        """Count one more."""
        self.statuses[verdict.status] += 1
        self.rules[verdict.rule, verdict.correct] += 1

    @property
    def total(self) -> int:
        """How many verdicts there are."""
        return self.statuses.total()


def status_table(tally: Tally) -> list[Cells]:
    """A heading and one row per status that occurs, with those that every check has."""
    always = ("correct", "wrong", "no_answer")
    shown = [name for name in get_args(Status) if name in always or tally.statuses[name]]
    rows = [
        (
            name,
            f"{tally.statuses[name]:,}",
            share(tally.statuses[name], tally.total),
            "" if name in always else "undecided",
        )
        for name in shown
    ]
    return [("status", "rows", "share", ""), *rows, ("in all", f"{tally.total:,}", "", "")]


def rule_table(tally: Tally) -> list[Cells]:
    """A heading and one row per rule that fired, most trusted first; guesses have a star."""
    rows = []
    for rule in (*get_args(Rule), None):
        counts = [tally.rules[rule, correct] for correct in (True, False, None)]
        if total := sum(counts):
            name = "(none)" if rule is None else rule + ("*" if rule in GUESSES else "")
            cells = (f"{count:,}" for count in counts)
            rows.append((name, f"{total:,}", share(total, tally.total), *cells))
    return [("rule", "rows", "share", "correct", "wrong", "undecided"), *rows]


def lines(tally: Tally) -> list[str]:
    """Both tables as text, and what the star means."""
    said = [*aligned(status_table(tally), left=(0, 3)), "", *aligned(rule_table(tally))]
    if any(rule in GUESSES for rule, _ in tally.rules):
        said.append("* a guess: these responses mark no answer")
    return said


def share(count: int, total: int) -> str:
    """`12.3%`; what is there is never shown as nothing, nor nearly all as all."""
    if not total:
        return "-"
    percent = 100 * count / total
    if count and percent < 0.05:
        return "<0.1%"
    return ">99.9%" if count < total and percent >= 99.95 else f"{percent:.1f}%"


def aligned(rows: list[Cells], left: tuple[int, ...] = (0,)) -> list[str]:
    """Columns no wider than they need; those in `left` start at the left, the others end right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
