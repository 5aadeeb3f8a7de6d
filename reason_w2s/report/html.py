"""The HTML report of a run: one file, nothing outside it, the same bytes for the same results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reason_w2s.report import charts, rows, wording

_LISTS = (
    "plan",
    "waterfall",
    "graded",
    "flagged",
    "trained",
    "overlaps",
    "warnings",
    "suites",
    "scores",
    "comparisons",
    "gaps",
    "examples",
)
_TEXTS = ("name", "recipe_file", "title", "recipe_text")


class Panel(NamedTuple):
    """What one suite has to show: its scores, the models drawn as lines, and the charts."""

    suite: str
    n: int | None
    sampling: Mapping[str, Any]
    scores: Sequence[Mapping[str, Any]]
    floor: str | None
    ceiling: str | None
    chart: Markup | None
    levels: Sequence[tuple[str, int | None]]
    comparisons: Sequence[Mapping[str, Any]]
    comparison_chart: Markup | None


def write(results: Mapping[str, Any], out: Path) -> None:
    """Render `results` (a run's results.json) into the HTML file `out`.

    A list that is not there is shown as empty, a number that is not there as "not measured".
    """
    text = render(results)
    # a report that says the same stays untouched, like everything else of a finished run
    if not out.is_file() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8", newline="\n")


def render(results: Mapping[str, Any]) -> str:
    """The report as HTML text."""
    whole = _whole(results)
    page = _environment().get_template("report.html.j2")
    return page.render(
        r=whole,
        panels=[_panel(whole, suite) for suite in _suites(whole)],
        summary=wording.summary(whole),
        losses=[_loss_chart(row) for row in whole["trained"]],
    )


def _whole(results: Mapping[str, Any]) -> dict[str, Any]:
    """The results with every top-level key there."""
    whole = dict(results)
    for key in _LISTS:
        whole[key] = whole.get(key) or []
    for key in _TEXTS:
        whole[key] = whole.get(key) or ""
    ledger = whole.get("ledger") or {}
    whole["ledger"] = {"rows": ledger.get("rows") or [], "total": ledger.get("total") or {}}
    whole["environment"] = whole.get("environment") or {}
    whole.setdefault("seed", None)
    return whole


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": wording.percent,
        "interval": wording.interval,
        "count": wording.count,
        "number": wording.number,
        "duration": wording.duration,
        "labels": wording.labels,
        "gap": wording.gap,
        "p_value": wording.p_value,
        "setting": wording.setting,
        "text": text,
        "name": name,
        "own": rows.own,
        "measuring": rows.measuring,
        "choosing": rows.choosing,
        "cost": rows.cost,
    }
    return environment


def text(raw: str) -> Markup:
    """Escape `raw` for a <pre>, with a mark (not part of a copied text) at each line's end."""
    mark = Markup('<span class="newline" aria-hidden="true">⏎</span>\n')
    return mark.join(escape(line) for line in raw.split("\n"))


def name(raw: str) -> Markup:
    """Escape a name so that it may wrap after an underscore or slash and nowhere else."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[_/])", raw))


def _suites(results: Mapping[str, Any]) -> list[str]:
    """Suite names in the order they are declared, then any that only scores mention."""
    named = [suite["name"] for suite in results["suites"]]
    return list(dict.fromkeys(named + [score["suite"] for score in results["scores"]]))


def _panel(results: Mapping[str, Any], suite: str) -> Panel:
    about: Mapping[str, Any] = next((row for row in results["suites"] if row["name"] == suite), {})
    scores = [score for score in results["scores"] if score["suite"] == suite]
    comparisons = [row for row in results["comparisons"] if row["suite"] == suite]
    floor, ceiling = _references(results, suite, {score["model"] for score in scores})
    return Panel(
        suite=suite,
        n=about.get("n"),
        sampling=about.get("sampling") or {},
        scores=scores,
        floor=floor,
        ceiling=ceiling,
        chart=_accuracy_chart(scores, floor, ceiling),
        levels=_levels(scores),
        comparisons=comparisons,
        comparison_chart=_difference_chart(comparisons),
    )


def _levels(scores: Sequence[Mapping[str, Any]]) -> list[tuple[str, int | None]]:
    """Each level with its number of problems, None where models differ in it."""
    sizes: dict[str, set[int | None]] = {}
    for score in scores:
        for level, cell in (score.get("by_level") or {}).items():
            sizes.setdefault(level, set()).add(cell.get("n"))
    return [
        (level, next(iter(sizes[level])) if len(sizes[level]) == 1 else None)
        for level in sorted(sizes, key=_order)
    ]


def _order(level: str) -> tuple[float, str]:
    """Levels that are numbers come in their own order, the others after them by name."""
    try:
        return float(level), level
    except ValueError:
        return float("inf"), level


def _references(
    results: Mapping[str, Any], suite: str, models: set[str]
) -> tuple[str | None, str | None]:
    """The models drawn as lines: those called teacher and ceiling, else those of the first gap."""
    found: list[str | None] = []
    for name, role in (("teacher", "floor"), ("ceiling", "ceiling")):
        named = [gap.get(role) for gap in results["gaps"] if gap["suite"] == suite]
        found.append(next((model for model in [name, *named] if model in models), None))
    return found[0], found[1]


def _accuracy_chart(
    scores: Sequence[Mapping[str, Any]], floor: str | None, ceiling: str | None
) -> Markup | None:
    colours = {ceiling: "ceiling", floor: "floor"}
    measured = [score for score in scores if score.get("accuracy") is not None]
    dots = [
        _interval(score["model"], score, "accuracy", colours.get(score["model"], "accent"))
        for score in measured
    ]
    lines = [charts.Reference(dot.value, dot.colour) for dot in dots if dot.colour != "accent"]
    return Markup(charts.intervals(dots, lines, "accuracy, %")) if dots else None


def _difference_chart(comparisons: Sequence[Mapping[str, Any]]) -> Markup | None:
    dots = [
        _interval(f"{row['a']} - {row['b']}", row, "difference", "accent")
        for row in comparisons
        if row.get("difference") is not None
    ]
    zero = [charts.Reference(0.0, "muted")]
    return Markup(charts.intervals(dots, zero, "difference, points")) if dots else None


def _interval(label: str, row: Mapping[str, Any], key: str, colour: str) -> charts.Interval:
    low, high = row.get("low"), row.get("high")
    return charts.Interval(
        label=label,
        value=100 * row[key],
        low=None if low is None else 100 * low,
        high=None if high is None else 100 * high,
        colour=colour,
    )


def _loss_chart(row: Mapping[str, Any]) -> Markup | None:
    points = [(update, loss) for update, loss in row.get("losses") or [] if loss is not None]
    return Markup(charts.curve(points)) if points else None
