"""The tables of eval/noisy_labels.md, made from eval/baselines/noisy_labels.json alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "baselines" / "noisy_labels.json"
WAYS = {
    "confident": "confident learning",
    "doubted": "the model says otherwise",
    "checker": "our checker says otherwise (reads gold)",
}
TRUTHS = {"by_person": "a person's judgement", "by_checker": "our checker"}
Found = dict[str, Any]


def noisy_labels() -> list[str]:
    """Precision and recall by each truth, the estimated noise, and counts by file."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    return [
        _said(found),
        _ways(found),
        _false(found),
        "Verdicts that each way doubts:",
        _files(found),
    ]


def _said(found: Found) -> str:
    joint = found["joint"]
    checker = sum(one["checker"] for one in found["files"]) / found["traces"]
    return (
        f"{found['traces']:,} recorded verdicts on {found['questions']:,} questions, "
        f"{100 * found['recorded_right']:.1f}% of them right. The model's log loss out of fold is "
        f"{found['log_loss']:.3f} nats. By the confident joint {100 * joint['wrong']:.2f}% of the "
        f"verdicts are wrong; our checker decides {100 * checker:.2f}% otherwise."
    )


def _false(found: Found) -> str:
    one = found["false_flags"]
    return (
        f"Of the {one['all']:,} verdicts that confident learning flags and the checker does not, "
        f"{one['recorded_wrong']:,} are of answers recorded wrong; {one['commonest']:,} of these "
        f"are the commonest answer to their question."
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _ways(found: Found) -> str:
    rows = []
    for truth, said in TRUTHS.items():
        for way, one in found[truth].items():
            counts = [f"{one['n']:,}", f"{one['wrong']:,}", f"{one['flagged']:,}"]
            rows.append([said, WAYS[way], *counts, _ends(one["precision"]), _ends(one["recall"])])
    heads = ["truth", "what flags verdicts", "rows", "wrong", "flagged", "precision"]
    return _table([*heads, "recall"], rows)


def _ends(share: Found | None) -> str:
    if share is None:
        return "none"
    value, low, high = (100 * share[name] for name in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def _files(found: Found) -> str:
    rows = [
        [f"`{one['file']}`", f"{one['traces']:,}", *(f"{one[way]:,}" for way in WAYS)]
        for one in found["files"]
    ]
    return _table(["", "verdicts", *WAYS.values()], rows)
