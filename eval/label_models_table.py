"""The tables of eval/label_models.md, made from eval/baselines/label_models.json alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BASELINE = Path(__file__).parent / "baselines" / "label_models.json"
TITLES = {
    "majority": "majority",
    "moments": "moments",
    "moments_dev": "moments, p from 50 audited",
    "dawid_skene": "Dawid-Skene",
    "dawid_skene_dev": "Dawid-Skene, p from 50 audited",
    "snorkel": "snorkel 0.10, told p",
    "snorkel_slow": "snorkel, 1,000 epochs at 1e-5, told p",
    "crowd_kit": "crowd-kit 1.4 Dawid-Skene",
}
WORLDS = {
    "alone": "Verifiers that err by themselves",
    "harder": "Two that repeat each other on half of the traces, and an adversary",
}
FIGURES = {
    "rmse": "RMSE of accuracies, in points",
    "error": "wrongly judged, percent (draws a point or more worse than a majority, percent)",
    "held": "95% intervals that hold the true accuracy, percent (draws refused, percent)",
}


def label_models() -> list[str]:
    """A table for each world and figure: methods by number of verifiers."""
    found = json.loads(BASELINE.read_text(encoding="utf-8"))
    parts = []
    for world, title in WORLDS.items():
        cells = [one for one in found["cells"] if one["world"] == world]
        parts.append(f"### {title}")
        parts += [_table(cells, figure) for figure in FIGURES]
    return parts


def _table(cells: list[dict[str, Any]], figure: str) -> str:
    names = [name for name in TITLES if name in cells[0]["methods"]]
    heads = [FIGURES[figure], *(f"{one['verifiers']} verifiers" for one in cells)]
    lines = [heads, ["---"] * len(heads)]
    for name in names:
        row = [_cell(one["methods"][name], figure) for one in cells]
        if any(row):
            lines.append([TITLES[name], *row])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(found: dict[str, float | None], figure: str) -> str:
    value = found[figure]
    if value is None:
        return ""
    shown = f"{100 * value:.1f}"
    beside = {"error": "worse", "held": "refused"}.get(figure)
    return shown if beside is None else f"{shown} ({100 * (found[beside] or 0):.0f})"
