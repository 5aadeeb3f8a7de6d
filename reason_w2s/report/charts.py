"""Charts as HTML and inline SVG whose letters never scale: the same on a phone as on a desk.

Places are shares of the width, in percent; colours are classes of report.css, so one chart serves
light, dark and print. The same input gives the same bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

_TICKS = 5
_APART = 1.5
_DOTTED = 16
"""Lines of so many points or fewer show each of them."""


@dataclass(frozen=True)
class Interval:
    """One row of a dot chart: a value and its 95% interval, in the unit of the axis.

    value: None draws nothing. inner: a thicker part of the line. said: what stands at the row's
    end; empty: the value. colour: a class of report.css.
    """

    label: str
    value: float | None
    low: float | None
    high: float | None
    colour: str = "accent"
    inner: tuple[float, float] | None = None
    said: str = ""


@dataclass(frozen=True)
class Reference:
    """A dashed line across all rows, at `value` in the unit of the axis."""

    value: float
    colour: str


@dataclass(frozen=True)
class Dot:
    """A point of a line, with its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """A line of a plot. style: a class of report.css."""

    name: str
    dots: Sequence[Dot]
    style: str = "one"


@dataclass(frozen=True)
class Scale:
    """Values to shares of a length, in percent."""

    low: float
    high: float
    ticks: Sequence[float] = field(default_factory=tuple)
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value is; what lies beyond an end is at that end."""
        low, high, at = (self._of(one) for one in (self.low, self.high, value))
        return min(100.0, max(0.0, 100.0 * (at - low) / (high - low)))

    def _of(self, value: float) -> float:
        return math.log2(value) if self.log else value


def intervals(
    rows: Sequence[Interval],
    lines: Sequence[Reference],
    axis: str,
    *,
    least: float = 10.0,
    within: tuple[float, float] | None = None,
) -> Markup:
    """Draw one dot with its interval per row, from top to bottom.

    The axis holds all values and is at least `least` wide; intervals widen it no further than
    `within`, and are cut there.
    """
    scale = scale_of(_held(rows, lines, within), least)
    parts = [_row(row, lines, scale) for row in rows]
    return Markup(
        '<div class="dots" role="group" aria-label="{}">{}<span></span>{}<span></span>'
        '<span></span><span class="axis-name">{}</span><span></span></div>'
    ).format(axis, Markup("").join(parts), _ticks(scale), axis)


def plot(
    lines: Sequence[Line],
    axes: tuple[str, str],
    *,
    across: Scale | None = None,
    up: Scale | None = None,
) -> Markup:
    """Draw lines, with their intervals as bands; `axes`: what x and y are.

    across, up: the scales of x and y, where several plots share them.
    """
    dots = [dot for line in lines for dot in line.dots]
    x = across or _tight(scale_of([dot.x for dot in dots], 1.0), max(dot.x for dot in dots))
    y = up or scale_of(heights(lines), 0.0)
    drawn = [*_grid(x, y), _stretched(lines, x, y), *_dots(lines, x, y)]
    return Markup(
        '<div class="plot" role="group" aria-label="{} over {}"><span class="axis-name">{}</span>'
        '<div class="area"><svg aria-hidden="true">{}</svg></div>'
        '<span class="axis-name">{}</span></div>'
    ).format(axes[1], axes[0], axes[1], Markup("").join(drawn), axes[0])


def heights(lines: Iterable[Line]) -> list[float]:
    """All y values of lines, their intervals' ends among them."""
    found = [y for line in lines for dot in line.dots for y in (dot.y, dot.low, dot.high)]
    return [y for y in found if y is not None]


def scale_of(values: Iterable[float], least: float) -> Scale:
    """The smallest scale between round numbers that holds all values, at least `least` wide."""
    listed = list(values)
    low, high = min(listed), max(listed)
    step = _step(max(high - low, least) or abs(high) or 1.0)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    while (last - first) * step < least * (1.0 - 1e-9):
        last += 1
    ticks = tuple(round(one * step, 10) for one in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def doublings(largest: float) -> Scale:
    """1, 2, 4, ... and the largest, evenly apart."""
    ticks = [2.0**power for power in range(math.ceil(math.log2(largest)))]
    # one just before the largest would stand in its way
    far = [tick for tick in ticks if largest / tick >= _APART]
    return Scale(1.0, largest, (*far, float(largest)), log=True)


def label(raw: str) -> Markup:
    """Escape a name so that it may wrap after an underscore, slash or hyphen and nowhere else."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[_/-])", raw))


def _tight(scale: Scale, high: float) -> Scale:
    """The scale up to `high`, with the ticks that are left."""
    if high <= scale.low:
        return scale
    return Scale(scale.low, high, [tick for tick in scale.ticks if tick <= high])


def _held(
    rows: Sequence[Interval], lines: Sequence[Reference], within: tuple[float, float] | None
) -> list[float]:
    low, high = within or (-math.inf, math.inf)
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    values = [row.value for row in rows if row.value is not None]
    return [*values, *(line.value for line in lines), *(min(high, max(low, end)) for end in ends)]


def _step(width: float) -> float:
    """The round number, 1, 2 or 5 of a power of ten, that `_TICKS` of cover the width."""
    rough = width / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * one for one in (1.0, 2.0, 5.0, 10.0) if power * one >= rough * 0.999)


def _row(row: Interval, lines: Sequence[Reference], scale: Scale) -> Markup:
    drawn = [
        _line("ref " + line.colour, scale.place(line.value), 0, scale.place(line.value), 100)
        for line in lines
    ]
    if row.value is not None:
        drawn += _mark(row, row.value, scale)
    said = row.said or ("" if row.value is None else f"{row.value:.1f}")
    return Markup(
        '<span class="label">{}</span><div class="track"><svg aria-hidden="true">{}</svg></div>'
        '<span class="value">{}</span>'
    ).format(label(row.label), Markup("").join(drawn), said)


def _mark(row: Interval, value: float, scale: Scale) -> list[Markup]:
    drawn = []
    if row.low is not None and row.high is not None:
        drawn.append(_line(row.colour, scale.place(row.low), 50, scale.place(row.high), 50))
    if row.inner is not None:
        low, high = (scale.place(end) for end in row.inner)
        drawn.append(_line(f"inner {row.colour}", low, 50, high, 50))
    return [*drawn, _circle(row.colour, scale.place(value), 50, 4.5)]


def _ticks(scale: Scale) -> Markup:
    texts = [
        Markup('<text x="{}%" y="1em">{}</text>').format(_short(scale.place(tick)), _said(tick))
        for tick in scale.ticks
    ]
    drawn = Markup("").join(texts)
    return Markup('<div class="track ticks"><svg aria-hidden="true">{}</svg></div>').format(drawn)


def _grid(x: Scale, y: Scale) -> list[Markup]:
    drawn = []
    for tick in y.ticks:
        at = 100 - y.place(tick)
        drawn.append(_line("grid", 0, at, 100, at))
        text = Markup('<text class="up" x="-6" y="{}%" dy="0.35em">{}</text>')
        drawn.append(text.format(_short(at), _said(tick)))
    for tick in x.ticks:
        text = Markup('<text x="{}%" y="100%" dy="1.4em">{}</text>')
        drawn.append(text.format(_short(x.place(tick)), _said(tick)))
    return drawn


def _stretched(lines: Sequence[Line], x: Scale, y: Scale) -> Markup:
    """Bands and lines: these may be stretched to any width, their strokes may not."""
    drawn = []
    for line in lines:
        held = [dot for dot in line.dots if dot.low is not None and dot.high is not None]
        if len(held) > 1:
            lower = [(dot.x, dot.low or 0.0) for dot in held]
            upper = [(dot.x, dot.high or 0.0) for dot in reversed(held)]
            drawn.append(_path("polygon", f"band {line.style}", [*lower, *upper], x, y))
        drawn.append(_path("polyline", line.style, [(dot.x, dot.y) for dot in line.dots], x, y))
    box = '<svg viewBox="0 0 100 100" preserveAspectRatio="none">{}</svg>'
    return Markup(box).format(Markup("").join(drawn))


def _dots(lines: Sequence[Line], x: Scale, y: Scale) -> list[Markup]:
    return [
        _circle(line.style, x.place(dot.x), 100 - y.place(dot.y), 3)
        for line in lines
        if len(line.dots) <= _DOTTED
        for dot in line.dots
    ]


def _path(
    tag: str, style: str, points: Iterable[tuple[float, float]], x: Scale, y: Scale
) -> Markup:
    places = " ".join(
        f"{_short(x.place(one))},{_short(100 - y.place(other))}" for one, other in points
    )
    made = '<{} class="{}" points="{}" vector-effect="non-scaling-stroke"/>'
    return Markup(made).format(Markup(tag), style, places)


def _line(style: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    made = '<line class="{}" x1="{}%" y1="{}%" x2="{}%" y2="{}%"/>'
    return Markup(made).format(style, *map(_short, (x1, y1, x2, y2)))


def _circle(style: str, x: float, y: float, radius: float) -> Markup:
    made = '<circle class="{}" cx="{}%" cy="{}%" r="{}"/>'
    return Markup(made).format(style, _short(x), _short(y), _short(radius))


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _said(tick: float) -> str:
    return f"{tick:,.10g}"
