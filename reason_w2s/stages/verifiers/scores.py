"""Verifiers' scores as a table: read from columns, brought to one scale, turned into votes.

Arrays are `[N, K]`: traces by verifiers. A missing score is NaN throughout, and never a low one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reason_w2s.errors import DataError
from reason_w2s.records import Row

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ENDS = (0.05, 0.95)
"""The percentiles between which scores are spread; what lies beyond counts as at the end."""


def table(rows: Sequence[Row], columns: Sequence[str]) -> Floats:
    """The columns' values, `[N, K]`; yes is 1, no is 0.

    Raises:
        DataError: a column holds something else than numbers, yes, no or nothing.
    """
    found = [[_number(row, column) for column in columns] for row in rows]
    return np.array(found, float).reshape(len(rows), len(columns))


def _number(row: Row, column: str) -> float:
    value = row.value(column)
    if value is None:
        return np.nan
    if isinstance(value, (int, float)):
        return float(value)
    hint = f"; a list is reduced by {column}.mean or .min" if isinstance(value, list) else ""
    raise DataError(f"{row.problem.id}: {column} is {value!r}; expected a number{hint}")


def yes_no(scores: Floats) -> Flags:
    """Which columns hold nothing but 0 and 1, `[K]`: these are votes already."""
    return np.asarray(np.all(np.isnan(scores) | (scores == 0) | (scores == 1), axis=0))


def spread(scores: Floats, among: Flags) -> Floats:
    """Each column from 0 to 1, by the percentiles of the traces `among`, `[N]`."""
    low, high = _ends(scores[among])
    return _between(scores, low, high)


def spread_within(scores: Floats, groups: NDArray[np.intp]) -> Floats:
    """As `spread`, by the percentiles of each group of traces, `[N]`: a problem's."""
    found = np.full_like(scores, np.nan)
    for group in np.unique(groups):
        inside = groups == group
        found[inside] = _between(scores[inside], *_ends(scores[inside]))
    return found


def _ends(scores: Floats) -> tuple[Floats, Floats]:
    """The two percentiles of each column, `[K]` each; NaN where nothing is known."""
    ends = np.full((2, scores.shape[1]), np.nan)
    for at in range(scores.shape[1]):
        known = scores[~np.isnan(scores[:, at]), at]
        if known.size:
            ends[:, at] = np.quantile(known, ENDS)
    return ends[0], ends[1]


def _between(scores: Floats, low: Floats, high: Floats) -> Floats:
    """0 at `low`, 1 at `high`; in the middle where both are one."""
    width = high - low
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.clip((scores - low) / width, 0.0, 1.0)
    return np.where((width == 0) & ~np.isnan(scores), 0.5, found)


def votes(scores: Floats, thresholds: Floats) -> Floats:
    """1 from the threshold on, `[K]`, else 0."""
    return np.where(np.isnan(scores), np.nan, (scores >= thresholds).astype(float))


def by_share(scores: Floats, share: float) -> Floats:
    """Thresholds, `[K]`, that `share` of each column's scores reach, as near as equals allow."""
    return np.array([_reached_by(column[~np.isnan(column)], share) for column in scores.T])


def _reached_by(scores: Floats, share: float) -> float:
    values = np.unique(scores)
    if not values.size:
        return np.nan
    reached = 1.0 - np.searchsorted(np.sort(scores), values) / len(scores)
    return float(values[np.abs(reached - share).argmin()])


def by_truth(scores: Floats, truth: Floats) -> Floats:
    """Thresholds, `[K]`, at which yes is likeliest for right and least likely for wrong traces.

    Youden's J: the largest share of the right less the share of the wrong that reach it; of equal
    ones the lowest. truth: `[N]`, NaN: not known. NaN where one of both kinds is missing.
    """
    return np.array([_apart(column, truth) for column in scores.T])


def _apart(scores: Floats, truth: Floats) -> float:
    known = ~np.isnan(scores) & ~np.isnan(truth)
    right, wrong = np.sort(scores[known & (truth == 1)]), np.sort(scores[known & (truth == 0)])
    if not right.size or not wrong.size:
        return np.nan
    values = np.unique(scores[known])
    below = np.searchsorted(wrong, values) / len(wrong) - np.searchsorted(right, values) / len(
        right
    )
    return float(values[below.argmax()])


def named(given: float | Mapping[str, float], columns: Sequence[str]) -> Floats:
    """Thresholds that a recipe says, `[K]`.

    Raises:
        DataError: a column has none.
    """
    if not isinstance(given, Mapping):
        return np.full(len(columns), float(given))
    missing = [column for column in columns if column not in given]
    if missing:
        raise DataError(f"binarise: no threshold for {', '.join(missing)}; give one for each")
    return np.array([given[column] for column in columns])
