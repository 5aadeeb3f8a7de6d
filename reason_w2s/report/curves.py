"""Curves of the page: scores over samples of a problem, and what attempts are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from reason_w2s.report import charts

Rows = Sequence[Mapping[str, Any]]
CURVES = (
    ("average", "avg", "one"),
    ("pass", "pass", "two"),
    ("majority", "maj", "three"),
    ("best", "best", "four"),
)
PENALTY_STYLES = ("one", "two", "three", "four", "bad")
REFERENCES = ("first", "oracle")
"""Lines of a table that selections are read against; one answer per problem, so no curves."""


def measures(score: Mapping[str, Any], *, selected: bool) -> list[tuple[str, str, str]]:
    """The curves a line has, or lacks for want of samples; best-of-k is of selections alone."""
    return [one for one in CURVES if one[0] != "best" or (selected and _curve(score, "best"))]


def ks(scores: Rows) -> list[int]:
    """All numbers of samples that some curve has a point at."""
    rows = (row for score in scores for name, _, _ in CURVES for row in _curve(score, name))
    return sorted({row["k"] for row in rows})


def _curve(score: Mapping[str, Any], name: str) -> Rows:
    found: Rows = (score.get("curves") or {}).get(name) or []
    return found


def curve_charts(scores: Rows) -> list[tuple[str, Markup]]:
    """A plot per model, all on the same scales."""
    lines = {score["model"]: _curves(score) for score in scores}
    drawn = [line for some in lines.values() for line in some]
    most = max((dot.x for line in drawn for dot in line.dots), default=1)
    if most < 2:
        return []
    up = charts.scale_of(charts.heights(drawn), 10.0)
    across = charts.doublings(most)
    axes = ("samples k", "%")
    return [
        (model, charts.plot(some, axes, across=across, up=up))
        for model, some in lines.items()
        if some
    ]


def _curves(score: Mapping[str, Any]) -> list[charts.Line]:
    return [
        charts.Line(short, [dot(row, "k", "value") for row in _curve(score, name)], style)
        for name, short, style in CURVES
        if _curve(score, name)
    ]


def attempts_chart(row: Mapping[str, Any]) -> Markup:
    """What at most k attempts are worth, a line per penalty."""
    lines = [
        charts.Line(
            penalty_said(best["penalty"]),
            [charts.Dot(one["k"], one["values"][f"{best['penalty']:g}"]) for one in row["points"]],
            style,
        )
        for best, style in zip(row["best"], PENALTY_STYLES, strict=False)
    ]
    across = charts.doublings(row["most"]) if row["most"] > 1 else None
    return charts.plot(lines, ("attempts at most", "worth per problem"), across=across)


def penalty_said(penalty: float) -> str:
    """What a wrong answer costs, in words."""
    return f"a wrong answer is worth {penalty:g}"


def dot(row: Mapping[str, Any], x: str, y: str) -> charts.Dot:
    """A row's share, with its interval, as a point in percent."""
    value, low, high = (
        None if one is None else 100 * one for one in (row.get(name) for name in (y, "low", "high"))
    )
    return charts.Dot(row[x], value or 0.0, low, high)
