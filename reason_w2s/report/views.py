"""What one run has to show, arranged for the page: panels per suite, charts, origins of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

from reason_w2s.report import charts, learned, wording
from reason_w2s.report.cells import origin
from reason_w2s.report.curves import (
    CURVES,
    REFERENCES,
    attempts_chart,
    curve_charts,
    dot,
    ks,
    measures,
)
from reason_w2s.report.rows import suites

Rows = Sequence[Mapping[str, Any]]

BREAKDOWNS = (("level", "by_level"), ("subject", "by_subject"), ("steps", "by_steps"))
_LISTS = (
    "plan",
    "waterfall",
    "graded",
    "flagged",
    "trained",
    "overlaps",
    "noise",
    "verifiers",
    "warnings",
    "suites",
    "scores",
    "selections",
    "resampling",
    "comparisons",
    "gaps",
    "controls",
    "checkpoints",
    "lengths",
    "examples",
    "costs",
)
_TEXTS = ("name", "recipe_file", "title", "recipe_text")


class Panel(NamedTuple):
    """What one suite has to show. floor, ceiling: the models drawn as lines. ks: of all curves.

    drawn: the scores of what was drawn several times, each with its curves. measures: all of these.
    """

    suite: str
    about: Mapping[str, Any]
    scores: Rows
    floor: str | None
    ceiling: str | None
    chart: Markup | None
    comparisons: Rows
    comparison_chart: Markup | None
    gaps: Rows
    gap_charts: Sequence[Markup]
    control_chart: Markup | None
    curves: Sequence[tuple[str, Markup]]
    ks: Sequence[int]
    breakdowns: Sequence[tuple[str, str, Sequence[tuple[str, int | None]]]]
    selections: Rows
    resampling: Sequence[tuple[Mapping[str, Any], Markup]]
    drawn: Sequence[tuple[Mapping[str, Any], Sequence[tuple[str, str, str]]]]

    @property
    def measures(self) -> list[tuple[str, str, str]]:
        """Every curve that a line of the table has, in order."""
        return [one for one in CURVES if any(one in some for _, some in self.drawn)]


@dataclass(frozen=True)
class View:
    """One run on the page. name: of the run. r: its results, every list there.

    prefix: what its anchors start with, so that several runs have each their own.
    """

    name: str
    r: Mapping[str, Any]
    panels: Sequence[Panel]
    prefix: str = ""

    @property
    def summary(self) -> str:
        """What the run did, in one sentence of counts."""
        return wording.summary(self.r)

    @property
    def lessons(self) -> Sequence[learned.Lesson]:
        """What each suite says, in sentences."""
        return learned.lessons(self.r)

    def at(self, section: str) -> str:
        """The anchor of a section."""
        return self.prefix + section

    def score(self, model: str | None, suite: str) -> Mapping[str, Any]:
        """A model's scores on a suite; empty where it was not measured."""
        found = (r for r in self.r["scores"] if r["model"] == model and r["suite"] == suite)
        return next(found, {})

    def keys(self, suite: str, *models: str | None) -> str:
        """The store keys of these models' graded answers."""
        found = (self.score(model, suite).get("key") for model in models if model is not None)
        return " ".join(key for key in found if key)

    def of_score(
        self, row: Mapping[str, Any], field: str, cell: Mapping[str, Any] | None = None
    ) -> Markup:
        """The origin of a number of a score, or of a `cell` below it with its interval."""
        source = (self.name, row.get("key") or "")
        of = (f"{row['model']} on {row['suite']}", field)
        if cell is not None:
            name = "value" if "value" in cell else "accuracy"
            return origin(source, of, _ends(cell, name))
        values = _ends(row, field) if field == "accuracy" else [row.get(field)]
        return origin(source, of, values)

    def of_error(self, row: Mapping[str, Any], part: str) -> Markup:
        """The origin of a standard error."""
        value = (row.get("errors") or {}).get(part)
        source, of = (self.name, row.get("key") or ""), f"{row['model']} on {row['suite']}"
        return origin(source, (of, f"standard error, {part}"), [value])

    def of_checkpoint(self, suite: str, point: Mapping[str, Any]) -> Markup:
        """The origin of one checkpoint's accuracy."""
        source = (self.name, self.keys(suite, point["model"]))
        of = (f"{point['model']} on {suite}", f"accuracy at {point.get('updates')} updates")
        return origin(source, of, _ends(point, "accuracy"))

    def of_comparison(self, row: Mapping[str, Any], field: str) -> Markup:
        """The origin of a number of a comparison; of its wins and losses, their number."""
        source = (self.name, self.keys(row["suite"], row["a"], row["b"]))
        value = row.get(field)
        if field in ("wins", "losses"):
            value = None if value is None else len(value)
        values = _ends(row, field) if field == "difference" else [value]
        return origin(source, (f"{row['a']} against {row['b']} on {row['suite']}", field), values)

    def of_selection(self, row: Mapping[str, Any], field: str) -> Markup:
        """The origin of a number of a selection: its gain, its gap, or what it is made from."""
        source = (self.name, self.keys(row["suite"], row["name"], row["first"], row["oracle"]))
        found = row.get(field)
        values = _ends(found, "value") if isinstance(found, Mapping) else [found]
        return origin(source, (f"{row['name']} on {row['suite']}", field), values)

    def of_attempts(self, row: Mapping[str, Any], field: str, cell: Mapping[str, Any]) -> Markup:
        """The origin of a number of a verifier: at so many attempts, or at its K*."""
        of = (f"{row['name']} on {row['suite']}", field)
        values = _ends(cell, "value" if "value" in cell else "accuracy")
        return origin((self.name, row["key"]), of, values)

    def of_gap(self, row: Mapping[str, Any], role: str | None = None) -> Markup:
        """The origin of a gap, of the accuracy of one of its models, or of its n."""
        names = ("start", "reached", "ceiling") if role in (None, "n") else (role,)
        source = (self.name, self.keys(row["suite"], *(row.get(name) for name in names)))
        of = f"{row['name']} on {row['suite']}"
        if role is None:
            return origin(source, (of, row.get("measure") or "gap"), _ends(row, "value"))
        value = row.get("n") if role == "n" else (row.get("accuracies") or {}).get(role)
        return origin(source, (of, role), [value])


def view(name: str, results: Mapping[str, Any], prefix: str = "") -> View:
    """Arrange a run's results.json; a list that is not there is empty."""
    whole = _whole(results)
    return View(name, whole, [_panel(whole, suite) for suite in suites(whole)], prefix)


def _whole(results: Mapping[str, Any]) -> dict[str, Any]:
    """The results with every top-level key there."""
    whole = dict(results)
    for key in _LISTS:
        whole[key] = whole.get(key) or []
    for key in _TEXTS:
        whole[key] = whole.get(key) or ""
    ledger = whole.get("ledger") or {}
    whole["ledger"] = {name: ledger.get(name) or [] for name in ("rows", "kept")}
    whole["ledger"]["total"] = ledger.get("total") or {}
    whole["environment"] = whole.get("environment") or {}
    whole.setdefault("seed", None)
    return whole


def _ends(row: Mapping[str, Any], field: str) -> list[float | None]:
    return [row.get(name) for name in (field, "low", "high")]


def _panel(results: Mapping[str, Any], suite: str) -> Panel:
    about: Mapping[str, Any] = next((row for row in results["suites"] if row["name"] == suite), {})
    scores, comparisons, gaps = (
        [row for row in results[name] if row["suite"] == suite]
        for name in ("scores", "comparisons", "gaps")
    )
    floor, ceiling = _references(gaps, {row["model"] for row in scores})
    return Panel(
        suite=suite,
        about=about,
        scores=scores,
        floor=floor,
        ceiling=ceiling,
        chart=accuracy_chart(scores, floor, ceiling),
        comparisons=comparisons,
        comparison_chart=_difference_chart(comparisons),
        gaps=gaps,
        gap_charts=_gap_charts(gaps),
        control_chart=_control_chart(results["controls"], scores, floor, ceiling),
        curves=curve_charts(scores),
        ks=ks(scores),
        breakdowns=[
            (title, key, groups)
            for title, key in BREAKDOWNS
            if len(groups := _groups(scores, key)) > 1
        ],
        selections=[row for row in results["selections"] if row["suite"] == suite],
        resampling=[
            (row, attempts_chart(row)) for row in results["resampling"] if row["suite"] == suite
        ],
        drawn=[
            (row, measures(row, selected=row.get("kind") == "selection"))
            for row in scores
            if row.get("kind") not in REFERENCES
        ],
    )


def _groups(scores: Rows, key: str) -> list[tuple[str, int | None]]:
    """Each group with its number of problems, None where models differ in it."""
    sizes: dict[str, set[int | None]] = {}
    for score in scores:
        for name, cell in (score.get(key) or {}).items():
            sizes.setdefault(name, set()).add(cell.get("n"))
    return [
        (name, next(iter(sizes[name])) if len(sizes[name]) == 1 else None)
        for name in sorted(sizes, key=_order)
    ]


def _order(name: str) -> tuple[float, str]:
    """Names that are numbers come in their own order, the others after them by name."""
    try:
        return float(name), name
    except ValueError:
        return float("inf"), name


def _references(gaps: Rows, models: set[str]) -> tuple[str | None, str | None]:
    """The models drawn as lines: those called teacher and ceiling, else those of the first PGR."""
    first: Mapping[str, Any] = next((gap for gap in gaps if gap.get("measure") == "PGR"), {})
    named = (("teacher", first.get("start")), ("ceiling", first.get("ceiling")))
    floor, ceiling = (next((one for one in two if one in models), None) for two in named)
    return floor, ceiling


def accuracy_chart(scores: Rows, floor: str | None, ceiling: str | None) -> Markup | None:
    """A dot per model, in percent."""
    colours = {ceiling: "ceiling", floor: "floor"}
    dots = [
        _interval(score["model"], score, "accuracy", colours.get(score["model"], "accent"))
        for score in scores
        if score.get("accuracy") is not None
    ]
    lines = [
        charts.Reference(dot.value, dot.colour)
        for dot in dots
        if dot.colour != "accent" and dot.value is not None
    ]
    return charts.intervals(dots, lines, "accuracy, %") if dots else None


def _difference_chart(comparisons: Rows) -> Markup | None:
    dots = [
        _interval(f"{row['a']} - {row['b']}", row, "difference", _verdict(row))
        for row in comparisons
        if row.get("difference") is not None
    ]
    zero = [charts.Reference(0.0, "muted")]
    return charts.intervals(dots, zero, "difference, points") if dots else None


def _verdict(row: Mapping[str, Any]) -> str:
    colours = {"above": "ceiling", "below": "bad", "within noise": "muted"}
    return colours.get(row.get("outcome") or "", "accent")


def _interval(label: str, row: Mapping[str, Any], key: str, colour: str) -> charts.Interval:
    value, low, high = (None if one is None else 100 * one for one in _ends(row, key))
    return charts.Interval(label, value, low, high, colour)


def _gap_charts(gaps: Rows) -> list[Markup]:
    """Shares of a way from 0 to 1, and gains in points; the refused stand among them."""
    drawn = []
    shares = [row for row in gaps if not wording.is_gain(row)]
    gains = [row for row in gaps if wording.is_gain(row)]
    if any(row.get("value") is not None for row in shares):
        ends = [charts.Reference(0.0, "floor"), charts.Reference(1.0, "ceiling")]
        rows = [_share(row) for row in shares]
        axis = "share of the gap: 0 the start, 1 the ceiling"
        drawn.append(charts.intervals(rows, ends, axis, least=1.0, within=(-1.0, 2.0)))
    if any(row.get("value") is not None for row in gains):
        rows = [_interval(row["name"], row, "value", "accent") for row in gains]
        drawn.append(charts.intervals(rows, [charts.Reference(0.0, "muted")], "gain, points"))
    return drawn


def _share(gap: Mapping[str, Any]) -> charts.Interval:
    value, low, high = _ends(gap, "value")
    if value is None:
        said = "refused" if gap.get("refused") else wording.MISSING
    else:
        said = f"{value:.2f}"
    return charts.Interval(gap["name"], value, low, high, said=said)


def _control_chart(
    controls: Rows, scores: Rows, floor: str | None, ceiling: str | None
) -> Markup | None:
    """The controls that were measured, between the two ends."""
    names = {control["model"] for control in controls if control.get("model")}
    shown = [row for row in scores if row["model"] in names]
    ends = [row for row in scores if row["model"] in (floor, ceiling)]
    return accuracy_chart([*shown, *ends], floor, ceiling) if shown else None


def checkpoint_chart(points: Rows) -> Markup | None:
    """Accuracy over the updates of one training."""
    measured = [row for row in points if row.get("accuracy") is not None]
    if not measured:
        return None
    line = charts.Line("accuracy", [dot(row, "updates", "accuracy") for row in measured])
    return charts.plot([line], ("update", "accuracy, %"))


def training_chart(row: Mapping[str, Any]) -> Markup | None:
    """The mean reward, or else the loss, over the updates it was logged at."""
    found, name = (row["rewards"], "reward") if row.get("rewards") else (row.get("losses"), "loss")
    dots = [charts.Dot(update, value) for update, value in found or [] if value is not None]
    if not dots:
        return None
    up = charts.scale_of([0.0, *(dot.y for dot in dots)], 0.0)
    return charts.plot([charts.Line(name, dots)], ("update", name), up=up)


def completions_said(row: Mapping[str, Any]) -> str | None:
    """How completions sampled while training were at first and at last, in words."""
    lengths, clipped, kl = (row.get(name) for name in ("lengths", "clipped", "kl"))
    if not lengths or not clipped:
        return None
    said = (
        f"completions of {lengths[0][1]:.0f} tokens at first, {lengths[-1][1]:.0f} at last; cut "
        f"{100 * clipped[0][1]:.0f}%, {100 * clipped[-1][1]:.0f}%"
    )
    return f"{said}; KL at last {kl[-1][1]:.3f} nats" if kl else said


def length_chart(row: Mapping[str, Any]) -> Markup:
    """Both sides' lengths: 5% to 95%, thick the middle half, a dot at the median."""
    sides = [_side(side, row[side], colour) for side, colour in _SIDES]
    return charts.intervals(sides, [], "tokens: median, middle half, 5% to 95%")


_SIDES = (("chosen", "ceiling"), ("rejected", "floor"))


def _side(name: str, side: Mapping[str, Any], colour: str) -> charts.Interval:
    low, lower, middle, upper, high = (
        side["quantiles"][at] for at in ("5", "25", "50", "75", "95")
    )
    return charts.Interval(name, middle, low, high, colour, (lower, upper), f"{middle:,.0f}")
