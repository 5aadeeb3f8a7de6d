"""Several runs side by side: each suite's models and each gap, a column per run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from reason_w2s.report import charts
from reason_w2s.report.views import View

_MOST_ROWS = 48
"""A chart with more rows than this says less than its table."""

_COLOURS = ("one", "two", "three")
"""Of runs, where there are no more than these."""

Found = Sequence[tuple[str, Sequence[Mapping[str, Any] | None]]]


class Side(NamedTuple):
    """One suite in all runs: rows of a name and what each run has of it, None where nothing."""

    suite: str
    models: Found
    gaps: Found
    chart: Markup | None


def sides(views: Sequence[View]) -> list[Side]:
    """A side per suite that any of the runs has."""
    names = dict.fromkeys(panel.suite for view in views for panel in view.panels)
    return [_side(suite, views) for suite in names]


def _side(suite: str, views: Sequence[View]) -> Side:
    models = _rows([_named(view, "scores", "model", suite) for view in views])
    gaps = _rows([_named(view, "gaps", "name", suite) for view in views])
    return Side(suite, models, gaps, _chart(models, views))


def _named(view: View, rows: str, by: str, suite: str) -> dict[str, Mapping[str, Any]]:
    return {row[by]: row for row in view.r[rows] if row["suite"] == suite}


def _rows(columns: Sequence[Mapping[str, Mapping[str, Any]]]) -> Found:
    names = dict.fromkeys(name for column in columns for name in column)
    return [(name, [column.get(name) for column in columns]) for name in names]


def _chart(models: Found, views: Sequence[View]) -> Markup | None:
    """Each model's accuracies below one another, in the order of the runs."""
    rows = [dot for model, found in models for dot in _dots(model, found, views)]
    return charts.intervals(rows, [], "accuracy, %") if 0 < len(rows) <= _MOST_ROWS else None


def _dots(
    model: str, found: Sequence[Mapping[str, Any] | None], views: Sequence[View]
) -> Iterator[charts.Interval]:
    colours = _COLOURS if len(views) <= len(_COLOURS) else ["accent"] * len(views)
    for view, row, colour in zip(views, found, colours, strict=False):
        if row is not None and row.get("accuracy") is not None:
            ends = [row.get(end) for end in ("accuracy", "low", "high")]
            value, low, high = (None if end is None else 100 * end for end in ends)
            yield charts.Interval(f"{model} · {view.name}", value, low, high, colour)
