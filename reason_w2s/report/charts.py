"""Charts as inline SVG text.

Colours are CSS variables of the page (so one chart serves light, dark and print), letters stay
letters (the page's own font), and the same input gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Stand-ins that matplotlib writes out literally and `_themed` turns into the page's colours.
_COLOURS = {
    "ink": "#111101",
    "muted": "#111102",
    "grid": "#111103",
    "accent": "#111104",
    "floor": "#111105",
    "ceiling": "#111106",
}
_WIDTH = 480.0
_ROW = 26.0
_LETTER = 7.2
_LONGEST_LABEL = 24


@dataclass(frozen=True)
class Interval:
    """One row of a dot chart: a value and its 95% interval, in the unit of the axis."""

    label: str
    value: float
    low: float | None
    high: float | None
    colour: str = "accent"


@dataclass(frozen=True)
class Reference:
    """A dashed line across all rows, at `value` in the unit of the axis."""

    value: float
    colour: str


def intervals(rows: Sequence[Interval], lines: Sequence[Reference], axis: str) -> str:
    """Draw one dot with its interval per row, from top to bottom, as SVG."""
    height = _ROW * len(rows) + 44
    left = (_LETTER * max(len(_short(row.label)) for row in rows) + 14) / _WIDTH
    figure, axes = _figure(_WIDTH, height, (left, 38 / height, 0.9 - left, 1 - 44 / height))
    for line in lines:
        axes.axvline(line.value, color=_COLOURS[line.colour], lw=1.4, ls=(0, (5, 3)), zorder=1)
    for position, row in enumerate(rows):
        _draw_row(axes, position, row)
    axes.set_yticks(range(len(rows)), [_short(row.label) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(*_limits(rows, lines))
    axes.set_xlabel(axis)
    axes.grid(axis="x", color=_COLOURS["grid"], lw=0.8, zorder=0)
    axes.tick_params(axis="y", labelcolor=_COLOURS["ink"])
    return _svg(figure, f"intervals {axis} {rows}")


def curve(points: Sequence[tuple[float, float]]) -> str:
    """Draw a loss against the update it was logged at, as a small SVG."""
    width, height = 260.0, 150.0
    figure, axes = _figure(width, height, (0.15, 0.23, 0.81, 0.7))
    updates = [update for update, _ in points]
    losses = [loss for _, loss in points]
    axes.plot(updates, losses, color=_COLOURS["accent"], lw=1.6, marker=_marker(points), ms=4)
    axes.set_ylim(bottom=min(0.0, *losses))
    axes.set_xlabel("update")
    axes.locator_params(nbins=4)
    axes.grid(color=_COLOURS["grid"], lw=0.8)
    return _svg(figure, f"curve {points}")


def _figure(width: float, height: float, box: tuple[float, float, float, float]) -> tuple[Any, Any]:
    """A figure of `width` x `height` points with one axes at `box`: left, bottom, width, height."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes(box)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_COLOURS["grid"])
    axes.tick_params(length=0, pad=6, labelsize=12, labelcolor=_COLOURS["muted"])
    axes.xaxis.label.set(color=_COLOURS["muted"], fontsize=12)
    axes.set_axisbelow(True)
    return figure, axes


def _draw_row(axes: Any, position: int, row: Interval) -> None:
    colour = _COLOURS[row.colour]
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [position, position], color=colour, lw=2.4, zorder=2)
    axes.plot([row.value], [position], "o", color=colour, ms=7, zorder=3, clip_on=False)
    axes.annotate(
        f"{row.value:.1f}",
        (1.035, position),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=12,
        color=_COLOURS["ink"],
    )


def _limits(rows: Sequence[Interval], lines: Sequence[Reference]) -> tuple[float, float]:
    """The smallest range of whole tens that holds everything drawn, at least ten wide."""
    values = [
        value for row in rows for value in (row.value, row.low, row.high) if value is not None
    ]
    values += [line.value for line in lines]
    low = 10 * (min(values) // 10)
    high = -10 * (-max(values) // 10)
    return low, max(high, low + 10)


def _short(label: str) -> str:
    if len(label) <= _LONGEST_LABEL:
        return label
    half = _LONGEST_LABEL // 2 - 1
    return f"{label[: half + 1]}…{label[-half:]}"


def _marker(points: Sequence[tuple[float, float]]) -> str:
    return "o" if len(points) == 1 else ""


def _svg(figure: Any, salt: str) -> str:
    import matplotlib as mpl

    buffer = io.StringIO()
    # The salt names clip paths: different charts on one page must not share names.
    with mpl.rc_context(
        {"svg.hashsalt": salt, "svg.fonttype": "none", "axes.unicode_minus": False}
    ):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _themed(buffer.getvalue())


def _themed(text: str) -> str:
    """Keep the drawing only: page colours, page font, no fixed size, no unused names."""
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"font: (?:\d+ )?([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    used = set(re.findall(r"#([\w-]+)", text))
    text = re.sub(r' id="([\w.-]+)"', lambda m: m[0] if m[1] in used else "", text)
    for name, colour in _COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    return text
