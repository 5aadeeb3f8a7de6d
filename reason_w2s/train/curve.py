"""The log of a training, at even distances, wherever it was broken off.

An entry is written with every checkpoint too, as what is summed up since the last one is kept in
none. Afterwards such entries are joined with the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

Entry = dict[str, float]

LATEST = {"step", "epoch", "learning_rate", "grad_norm", "num_tokens"}
"""What an entry says of its own update; all else is a mean over the updates since the last one."""


def even(log: Sequence[Entry], every: int) -> list[Entry]:
    """The entries at multiples of `every` updates; others are joined with the next of these."""
    groups: dict[int, list[Entry]] = {}
    for entry in log:
        groups.setdefault(-(-int(entry["step"]) // every) * every, []).append(entry)
    return [
        _joined(group, end - every) for end, group in groups.items() if group[-1]["step"] == end
    ]


def _joined(group: list[Entry], start: int) -> Entry:
    """Entries that follow each other as one. start: the last update before them."""
    steps = [start, *(entry["step"] for entry in group)]
    last = group[-1]
    if len(group) == 1:
        return last
    return {name: last[name] if name in LATEST else _mean(group, steps, name) for name in last}


def _mean(group: list[Entry], steps: list[float], name: str) -> float:
    told = [
        (entry[name], end - start)
        for entry, start, end in zip(group, steps, steps[1:], strict=False)
        if name in entry
    ]
    values, updates = zip(*told, strict=True)
    return fmean(values, updates)
