"""The page of a sweep: one HTML file, the same bytes for the same results."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from reason_w2s.report import charts, html, wording
from reason_w2s.visible import visible

Row = Mapping[str, Any]
FILE = "report.html"
_MOST_ROWS = 48


class Panel(NamedTuple):
    """A suite in one group. scores, comparisons, gaps: rows of it. columns: its strata, each with
    its runs; one without a name where nothing is a stratum."""

    suite: str
    scores: Sequence[Row]
    comparisons: Sequence[Row]
    gaps: Sequence[Row]
    chart: Markup | None
    comparison_chart: Markup | None
    columns: Sequence[tuple[str, Sequence[str]]]


class Frontier(NamedTuple):
    """A suite over settings. rows: a model and its score in each group, None where not measured.
    plots: accuracy against a number that is set, by model and what is set."""

    suite: str
    rows: Sequence[tuple[str, Sequence[Row | None]]]
    chart: Markup | None
    plots: Sequence[tuple[str, Markup]]


def write(found: Mapping[str, Any], out: Path, folders: Mapping[str, Path]) -> None:
    """Render a sweep (`evaluate.sweep.sweep`) into `out`; folders: of its runs, to link to."""
    links = {name: os.path.relpath(folder / FILE, out.parent) for name, folder in folders.items()}
    text = render(found, links)
    if not out.is_file() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8", newline="\n")


def render(found: Mapping[str, Any], links: Mapping[str, str]) -> str:
    """The page as HTML text."""
    suites = [one["name"] for one in found["suites"]]
    several = len(found["groups"]) > 1
    page = html.template("sweep.html.j2").render(
        s=found,
        links=links,
        varies=list(varies(found)),
        counted=counted(found),
        frontiers=[_frontier(found, suite) for suite in suites] if several else [],
        groups=[
            (label(group["settings"]), group, [_panel(group, suite) for suite in suites])
            for group in found["groups"]
        ],
    )
    return visible(page)


def label(values: Mapping[str, Any]) -> str:
    """`weak 4096, gold 256`; of a mapping its keys with their values."""
    parts = []
    for name, value in values.items():
        pairs = value.items() if isinstance(value, Mapping) else [(name, value)]
        parts += [f"{key} {wording.setting(one)}" for key, one in pairs]
    return ", ".join(parts)


def varies(found: Mapping[str, Any]) -> Iterator[str]:
    """What differs between the runs, a sentence per variable."""
    moved = [one["name"] for one in found["suites"] if one["varies"]]
    for one in found["variables"]:
        values = "; ".join(map(_value, one["values"]))
        if one["role"] == "seed":
            said = "which problems are drawn, what is sampled, and the order of training"
            more = f"; also the problems of {', '.join(moved)}" if moved else ""
            same = [suite["name"] for suite in found["suites"] if not suite["varies"]]
            more += f". The problems of {', '.join(same)} are the same in all runs" if same else ""
            yield f"The recipe's seed ({values}): {said}{more}."
        elif one["role"] == "stratum":
            yield (
                f"{one['name']} ({values}): the seed of what several runs share, such as "
                f"pretrained models. Intervals are for exactly these {len(one['values'])}: how far "
                f"others would differ is not in them; each one's mean is shown."
            )
        else:
            yield f"{one['name']} ({values}): a setting; runs that differ in it are not averaged."


def _value(value: Any) -> str:
    return label(value) if isinstance(value, Mapping) else wording.setting(value)


def counted(found: Mapping[str, Any]) -> str:
    """How the intervals are made, and from how many runs."""
    numbers = {len(group["runs"]) for group in found["groups"]}
    runs = " or ".join(map(str, sorted(numbers)))
    free = {one["df"] for group in found["groups"] for one in group["scores"]}
    if free <= {0}:
        return (
            f"Means over {runs} runs. There is no interval: no two runs differ in their seed alone."
        )
    degrees = " or ".join(map(str, sorted(free)))
    return (
        f"Means over {runs} runs with 95% t intervals from how far runs differ that differ in the "
        f"seed alone (pooled over strata, {degrees} degrees of freedom). Differences are paired: "
        f"both models on the same problems in every run. p is two-sided and not corrected for the "
        f"number of comparisons."
    )


def _panel(group: Row, suite: str) -> Panel:
    scores, comparisons, gaps = (
        [row for row in group[name] if row["suite"] == suite]
        for name in ("scores", "comparisons", "gaps")
    )
    return Panel(
        suite,
        scores,
        comparisons,
        gaps,
        _chart([(row["model"], row, "accuracy", "accent") for row in scores], "accuracy, %"),
        _chart(
            [(f"{row['a']} - {row['b']}", row, "difference", _colour(row)) for row in comparisons],
            "difference, points",
            zero=True,
        ),
        _columns(group),
    )


def _columns(group: Row) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for run in group["runs"]:
        found.setdefault(label(group["strata_of"][run]), []).append(run)
    return list(found.items())


def _chart(
    rows: Sequence[tuple[str, Row, str, str]], axis: str, *, zero: bool = False
) -> Markup | None:
    dots = [
        charts.Interval(name, *_points(row, field), colour=colour)
        for name, row, field, colour in rows
    ]
    lines = [charts.Reference(0.0, "muted")] if zero else []
    return charts.intervals(dots, lines, axis) if 0 < len(dots) <= _MOST_ROWS else None


def _points(row: Row, field: str) -> tuple[float | None, float | None, float | None]:
    value, low, high = (
        None if row[name] is None else 100 * row[name] for name in (field, "low", "high")
    )
    return value, low, high


def _colour(row: Row) -> str:
    colours = {"above": "ceiling", "below": "bad", "within noise": "muted"}
    return colours.get(row["outcome"], "accent")


def _frontier(found: Mapping[str, Any], suite: str) -> Frontier:
    groups = found["groups"]
    of = {
        label(group["settings"]): {
            row["model"]: row for row in group["scores"] if row["suite"] == suite
        }
        for group in groups
    }
    models = dict.fromkeys(model for rows in of.values() for model in rows)
    rows = [(model, [scores.get(model) for scores in of.values()]) for model in models]
    dots = [
        (f"{model} · {setting}", scores[model], "accuracy", "accent")
        for model in models
        for setting, scores in of.items()
        if model in scores
    ]
    settings = [group["settings"] for group in groups]
    lines = [(model, *line) for model, scores in rows for line in _lines(settings, scores)]
    return Frontier(suite, rows, _chart(dots, "accuracy, %"), _plots(lines))


def _plots(lines: Sequence[tuple[str, str, charts.Line]]) -> list[tuple[str, Markup]]:
    """A plot for each, all on the same scale of accuracy."""
    if not lines:
        return []
    up = charts.scale_of(charts.heights([line for _, _, line in lines]), 10.0)
    return [
        (f"{model}, by {name}", charts.plot([line], (name, "accuracy, %"), up=up))
        for model, name, line in lines
    ]


def _lines(
    settings: Sequence[Mapping[str, Any]], scores: Sequence[Row | None]
) -> Iterator[tuple[str, charts.Line]]:
    """Accuracy against each number that is set, where it has more than one value."""
    flat = [_flat(one) for one in settings]
    for name in dict.fromkeys(name for one in flat for name in one):
        dots = [
            charts.Dot(one[name], *_heights(score))
            for one, score in zip(flat, scores, strict=True)
            if score is not None and name in one
        ]
        if len({dot.x for dot in dots}) == len(dots) > 1:
            yield name, charts.Line("accuracy", sorted(dots, key=lambda dot: dot.x))


def _heights(score: Row) -> tuple[float, float | None, float | None]:
    value, low, high = _points(score, "accuracy")
    return value or 0.0, low, high


def _flat(settings: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that are set, also those inside of mappings."""
    pairs = [
        pair
        for name, value in settings.items()
        for pair in (value.items() if isinstance(value, Mapping) else [(name, value)])
    ]
    return {str(name): float(value) for name, value in pairs if type(value) in (int, float)}
