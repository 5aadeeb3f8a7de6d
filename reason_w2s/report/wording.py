"""How results are put into words, the same on the page and in the console.

A number that is missing is "not measured", never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reason_w2s.report import rows

MISSING = "not measured"
CHANCE = 0.5
"""The AUC of what tells nothing."""


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 as a number of percent, to one decimal."""
    return MISSING if share is None else f"{100 * share:.{digits}f}"


def interval(row: Mapping[str, Any]) -> str:
    """The 95% interval of `row` ("low", "high": shares of 1), in percent."""
    low, high = row.get("low"), row.get("high")
    if low is None or high is None:
        return f"[{MISSING}]"
    return f"[{100 * low:.1f}, {100 * high:.1f}]"


def count(number: int | None) -> str:
    """A whole number with thousands apart."""
    return MISSING if number is None else f"{number:,}"


def number(value: float | None, digits: int = 1) -> str:
    """A number to `digits` decimals, with thousands apart."""
    return MISSING if value is None else f"{value:,.{digits}f}"


def duration(seconds: float | None) -> str:
    """Seconds, as hours and minutes where that reads better."""
    if seconds is None:
        return MISSING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def labels(used: Mapping[str, Any] | None) -> str:
    """The gold labels a model has cost, in words; None: it was not made here."""
    if used is None:
        return "not known"
    parts = [
        f"{used[kind]:,} {kind if used[kind] != 1 else kind.removesuffix('s')}"
        for kind in ("answers", "solutions")
        if used.get(kind)
    ]
    return ", ".join(parts) or "none"


def gap(row: Mapping[str, Any]) -> str:
    """A gap with its interval: a share of the way to the ceiling, or points where it has none."""
    if row.get("value") is None:
        return MISSING
    unit, scale, digits = (" points", 100, 1) if is_gain(row) else ("", 1, 2)
    ends = [
        number(None if row.get(end) is None else scale * row[end], digits)
        for end in ("low", "high")
    ]
    return f"{number(scale * row['value'], digits)}{unit} [{', '.join(ends)}]"


def is_gain(row: Mapping[str, Any]) -> bool:
    """Whether a gap is a difference, in points, and no share of the way to a ceiling."""
    return row.get("measure") == "gain"


def size(score: Mapping[str, Any]) -> str:
    """Problems, and samples of each where there are several: 30x32; (960) where their numbers
    differ: 30 (960)."""
    n, samples = score.get("n"), score.get("samples")
    if not n or samples in (None, n):
        return count(n)
    return f"{n:,}x{samples // n:,}" if samples % n == 0 else f"{n:,} ({samples:,})"


def auc(row: Mapping[str, Any]) -> str:
    """What the length of a response alone says of which side of a pair it is."""
    found = [number(row.get(name), 2) for name in ("auc", "low", "high")]
    said = f"A length-only classifier predicts chosen with AUC {found[0]} [{', '.join(found[1:])}]"
    low, high = row.get("low"), row.get("high")
    if low is None or high is None or low <= CHANCE <= high:
        return f"{said}: no better than chance"
    return f"{said}: the {'longer' if low > CHANCE else 'shorter'} one tends to be chosen"


def p_value(p: float | None) -> str:
    """A p-value to two figures; below 0.001 that is all that is said."""
    if p is None:
        return MISSING
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def setting(value: Any) -> str:
    """A value of a column or setting as a recipe would write it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(setting(item) for item in value)}]"
    return repr(value) if isinstance(value, str) and "\n" in value else str(value)


def summary(results: Mapping[str, Any]) -> str:
    """What the run did, in one sentence of counts."""
    done = [*_making(results), *_judging(results)]
    if not done:
        return "Nothing was sampled, trained or evaluated."
    sentence = done[0] if len(done) == 1 else f"{', '.join(done[:-1])} and {done[-1]}"
    return f"{sentence[0].upper()}{sentence[1:]}."


def _making(results: Mapping[str, Any]) -> list[str]:
    steps = rows.own(results["plan"])
    drawn = {
        done: sum(row.get("out") or 0 for row in steps if row["stage"] == stage)
        for stage, done in (("import", "imported"), ("sample", "sampled"))
    }
    sets = [row for row in steps if row["stage"] in ("select", "pair")]
    parts = [f"{_many(n, 'reasoning trace')} {done}" for done, n in drawn.items() if n]
    if sets:
        parts.append(f"{_many(len(sets), 'training set')} chosen")
    if results["trained"]:
        parts.append(f"{_many(len(results['trained']), 'model')} trained")
    return parts


def _judging(results: Mapping[str, Any]) -> list[str]:
    scores = results["scores"]
    if not scores:
        return []
    largest: dict[str, int] = {}
    for score in scores:
        largest[score["suite"]] = max(largest.get(score["suite"], 0), score.get("n") or 0)
    suites = ", ".join(f"{suite} ({n:,} problems)" for suite, n in largest.items())
    models = len({score["model"] for score in scores})
    return [f"{_many(models, 'model')} evaluated on {suites}"]


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
