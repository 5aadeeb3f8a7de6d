"""The tables of eval/flaws.md, made from eval/baselines/flaws.json alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "baselines" / "flaws.json"
TITLES = {
    "qwen_math_x8": "Qwen2.5-Math, 8 samples of each problem of MATH",
    "gsm8k_five": "five models on GSM8K",
    "gpt3_three": "three GPT-3 models on GSM8K",
}
VERIFIERS = {
    "steps": "`stepcheck` flags nothing",
    "same_answer": "a weaker model's answer is the same",
    "source": "the source's own grader",
}
Found = dict[str, Any]


def flaws() -> list[str]:
    """For each set: its verifiers, accuracy by attempts, K* by penalty; then types of problems."""
    sets = json.loads(FILE.read_text(encoding="utf-8"))["sets"]
    parts: list[str] = []
    for name, found in sets.items():
        said = f"{TITLES[name][0].upper()}{TITLES[name][1:]}"
        parts += [f"### {said} ({found['problems']:,} problems, {found['fewest']} samples each)"]
        parts += [_rates(found), _attempts(found), _best(found)]
    return [*parts, "### One type of problem at a time", _types(sets)]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f}"


def _ends(point: Found) -> str:
    if point["accuracy"] is None:
        return "none"
    return f"{_percent(point['accuracy'])} [{_percent(point['low'])}, {_percent(point['high'])}]"


def _each(found: Found) -> list[tuple[str, Found]]:
    return [(VERIFIERS[name], one["verified"]) for name, one in found["verifiers"].items()]


def _rates(found: Found) -> str:
    rows = [
        [said, *map(_percent, (one["accuracy"], one["completeness"], one["false_positives"]))]
        for said, one in _each(found)
    ]
    return _table(
        ["verifier", "single samples right", "accepts of the right", "of the wrong"], rows
    )


def _attempts(found: Found) -> str:
    points = _each(found)[0][1]["points"]
    rows = [
        [said, *(f"{_ends(point)} of {_percent(point['answered'])}" for point in one["points"])]
        for said, one in _each(found)
    ]
    return _table(["right of the answers given, at most", *(str(one["k"]) for one in points)], rows)


def _best(found: Found) -> str:
    penalties = [one["penalty"] for one in _each(found)[0][1]["best"]]
    rows = [
        [
            said,
            *(
                f"{best['k']} [{best['k_low']}, {best['k_high']}]: {best['value']:.3f}"
                for best in one["best"]
            ),
        ]
        for said, one in _each(found)
    ]
    return _table(["K* and what it is worth, wrong at", *(f"{one:g}" for one in penalties)], rows)


def _types(sets: Found) -> str:
    rows = [
        [
            TITLES[name],
            VERIFIERS[verifier],
            "all",
            f"{found['problems']:,}",
            *(_ends(one["verified"]["points"][at]) for at in (0, -1)),
        ]
        if group is None
        else [
            "",
            "",
            f"{group['steps']}",
            f"{group['n']:,}",
            _ends(group["first"]),
            _ends(group["last"]),
        ]
        for name, found in sets.items()
        for verifier, one in found["verifiers"].items()
        if verifier != "source" and one["by_steps"]
        for group in [None, *one["by_steps"]]
    ]
    heads = ["", "verifier", "steps", "problems", "right at 1 attempt", "right at the most"]
    return _table(heads, rows)
