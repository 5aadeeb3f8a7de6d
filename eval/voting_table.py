"""The tables of eval/voting.md, made from eval/baselines/voting.json and lengths.json alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BASELINES = Path(__file__).parent / "baselines"
TITLES = {
    "gair_w2s": "GAIR's three teachers",
    "gpt3": "four GPT-3 models",
    "gsm8k_six": "six models on GSM8K",
    "rho_math": "four rho-math models",
    "r1_distilled": "two R1 distillations",
    "qwen_math_x8": "Qwen2.5-Math, 8 samples",
}
METHODS = {"majority": "vote", "dawid_skene": "Dawid-Skene", "one_coin": "with difficulty: 0"}
COVERAGES = (0.1, 0.25, 0.5, 0.75, 1.0)


def voting() -> list[str]:
    """Counts, abilities, accuracy against coverage, calibration, and lengths of pairs."""
    sets = _read("voting")["sets"]
    parts = [_counts(sets["gair_w2s"]["counts"])]
    for name, found in sets.items():
        said = f"{TITLES[name][0].upper()}{TITLES[name][1:]} ({found['problems']:,} problems)"
        parts += [f"### {said}", _abilities(found), _curves(found), _calibration(found)]
    return [*parts, "### Length of pairs", _lengths(_read("lengths")["sets"])]


def _read(name: str) -> Any:
    return json.loads((BASELINES / f"{name}.json").read_text(encoding="utf-8"))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _percent(value: float, low: float | None = None, high: float | None = None) -> str:
    if low is None or high is None:
        return f"{100 * value:.1f}"
    return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _ends(found: dict[str, float]) -> str:
    return _percent(found["value"], found["low"], found["high"])


def _counts(counts: dict[str, dict[str, list[float]]]) -> str:
    heads = ["agree, without gold", "by the text after `####`", "by our answers after it"]
    named = {"two": "Gemma and Llama 2", "three": "all three", "majority": "two of three"}
    rows = [
        [said, *(f"{one[key][0]:,} ({one[key][1]:.3f} right)" for one in counts.values())]
        for key, said in named.items()
    ]
    return _table(heads, rows)


def _abilities(found: dict[str, Any]) -> str:
    rows = [
        [
            one["model"],
            f"{one['answered']:,}",
            _percent(one["ability"], one["ability_low"], one["ability_high"]),
            _percent(one["accuracy"]),
        ]
        for one in found["abilities"]
    ]
    return _table(["teacher", "answered", "estimated to be right", "is right"], rows)


def _curves(found: dict[str, Any]) -> str:
    heads = ["", *(f"surest {share:.0%} or just over" for share in COVERAGES[:-1])]
    rows = []
    for name, said in METHODS.items():
        one = found["methods"][name]
        points = [_at(one["curve"], share) for share in COVERAGES]
        cells = [
            f"{_percent(point['accuracy'], point['low'], point['high'])} "
            f"at {_percent(point['coverage'])}"
            for point in points
        ]
        rows.append([said, *cells, _ends(one["area"])])
    return _table([*heads, "all", "mean over coverages"], rows)


def _at(curve: Sequence[dict[str, Any]], share: float) -> dict[str, Any]:
    """The first point that covers the share; the last where none does."""
    return next((one for one in curve if one["coverage"] >= share), curve[-1])


def _calibration(found: dict[str, Any]) -> str:
    bins = sorted({one["from"] for name in METHODS for one in _bins(found, name)})
    rows = [
        [f"{start:.1f} to {start + 0.1:.1f}", *(_bin(found, name, start) for name in METHODS)]
        for start in bins
    ]
    errors = [_ends(found["methods"][name]["ece"]) for name in METHODS]
    heads = ["confidence", *(f"{said}: n, said, right" for said in METHODS.values())]
    return _table(heads, [*rows, ["expected calibration error", *errors]])


def _bins(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = found["methods"][name]["calibration"]
    return table


def _bin(found: dict[str, Any], name: str, start: float) -> str:
    for one in _bins(found, name):
        if one["from"] == start:
            right = _percent(one["accuracy"], one["low"], one["high"])
            return f"{one['n']:,}: {_percent(one['confidence'])}, {right}"
    return ""


def _lengths(sets: dict[str, list[dict[str, Any]]]) -> str:
    bounds = [one["apart"] for one in next(iter(sets.values()))]
    heads = ["AUC of length alone (pairs)", *(f"{bound or 'any'} apart" for bound in bounds)]
    rows = [
        [
            TITLES[name],
            *(
                f"{one['auc']:.3f} [{one['low']:.3f}, {one['high']:.3f}] ({one['pairs']:,})"
                for one in found
            ),
        ]
        for name, found in sets.items()
    ]
    return _table(heads, rows)
