"""The table of eval/costs.md, made from what eval/baselines/scale.json holds of training alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "baselines" / "scale.json"
HEADS = ("made by", "updates", "ours over bare TRL", "rounds", "peak memory, MiB")


def costs() -> list[str]:
    """A row per measurement and size: the ratio of updates per second, and both peaks of memory."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    found = [one for name, one in sorted(kept.items()) if name.startswith("training-")]
    if not found:
        return ["Not measured yet."]
    lines = [_row([*HEADS]), _row(["---"] * len(HEADS)).replace(" ", "")]
    rows = [_row(_cells(one["command"], size)) for one in found for size in one["sizes"]]
    return ["\n".join([*lines, *rows])]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cells(command: str, size: dict[str, Any]) -> list[str]:
    rates, memory = size["updates_per_s"], size["peak_memory_mib"]
    rounds = ", ".join(f"{ratio:.2f}" for ratio in size["ours_over_bare"])
    return [
        f"`{command}`",
        f"{size['updates']:,}",
        f"{rates['ours'] / rates['bare']:.2f}",
        rounds,
        f"{memory['ours']:,} against {memory['bare']:,}",
    ]
