"""The HTML report of runs: one file, nothing outside it, the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from reason_w2s.report import charts, curves, learned, rows, views, wording
from reason_w2s.report.side import sides
from reason_w2s.visible import visible

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page's content security policy: no script runs and nothing is asked for, whatever it says."""

LONGEST_TEXT = 200_000
"""Characters shown of one text: reasoning of 50,000 tokens; the viewer has longer ones whole."""

Results = Mapping[str, Mapping[str, Any]]
"""The name of each run, and its results.json."""

SECTIONS = (
    "learned",
    "results",
    "gaps",
    "comparisons",
    "samples",
    "breakdowns",
    "flow",
    "lengths",
    "checks",
    "training",
    "labels",
    "examples",
    "cost",
    "recipe",
    "versions",
)
"""The anchors of a run's sections. With several runs each has its own: run1-learned, ..."""


def write(results: Results, out: Path, traces: str | None = None) -> None:
    """Render `results` into the HTML file `out`; `traces`: the viewer's page beside it, to link to.

    A list that is not there is shown as empty, a number that is not there as "not measured".
    """
    text = render(results, traces)
    # a report that says the same stays untouched, like everything else of a finished run
    if not out.is_file() or out.read_text(encoding="utf-8") != text:
        out.write_text(text, encoding="utf-8", newline="\n")


def render(results: Results, traces: str | None = None) -> str:
    """The report as HTML text: with several runs these side by side first, then each."""
    several = len(results) > 1
    shown = [
        views.view(run, found, f"run{number}-" if several else "")
        for number, (run, found) in enumerate(results.items(), 1)
    ]
    page = template("report.html.j2")
    beside = sides(shown) if several else []
    # marks that are not seen, or turn the order round, stand nowhere in our own words
    return visible(page.render(views=shown, sides=beside, sections=SECTIONS, traces=traces))


def template(name: str) -> Template:
    """A template by its file's name."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "POLICY": POLICY,
        "CONTROLS": learned.CONTROLS,
        "PENALTY_STYLES": curves.PENALTY_STYLES,
    }
    environment.filters |= {
        "percent": wording.percent,
        "interval": wording.interval,
        "count": wording.count,
        "number": wording.number,
        "duration": wording.duration,
        "labels": wording.labels,
        "gap": wording.gap,
        "auc": wording.auc,
        "p_value": wording.p_value,
        "setting": wording.setting,
        "size": wording.size,
        "text": text,
        "name": charts.label,
        "own": rows.own,
        "measuring": rows.measuring,
        "choosing": rows.choosing,
        "cost": rows.cost,
        "zip": zip,
        "penalty_said": curves.penalty_said,
        "many": lambda listed: None if listed is None else len(listed),
        "labelled": rows.labelled,
        "curve_at": rows.curve_at,
        "training_chart": views.training_chart,
        "completions_said": views.completions_said,
        "length_chart": views.length_chart,
        "checkpoint_chart": views.checkpoint_chart,
    }
    return environment


def text(raw: str) -> Markup:
    """Escape `raw` for a <pre>, with a mark (not part of a copied text) at each line's end."""
    mark = Markup('<span class="newline" aria-hidden="true">⏎</span>\n')
    return mark.join(escape(line) for line in _shortened(raw).split("\n"))


def _shortened(raw: str) -> str:
    if len(raw) <= LONGEST_TEXT:
        return raw
    half = LONGEST_TEXT // 2
    left = len(raw) - 2 * half
    return f"{raw[:half]} ... ({left:,} characters are left out here) ... {raw[-half:]}"
