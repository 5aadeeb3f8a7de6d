"""The table of eval/survival.md, made from eval/baselines/chaos.json alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "baselines" / "chaos.json"
HEADS = ("what is done", "times", "runs", "not as unbroken", "drawn again, at most", "minutes")


def chaos() -> list[str]:
    """A row per kind, and what they come to."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    kinds = list(found["kinds"].values())
    lines = [HEADS, ("---", *["---:"] * (len(HEADS) - 1)), *map(_row, kinds), _total(kinds)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    wrong = [f"- {one['said']}: {line}" for one in kinds for line in one["wrong"]]
    said = f"Seed {found['seed']}."
    return [said, table, *(["Not as unbroken:", "\n".join(wrong)] if wrong else [])]


def _row(kind: dict[str, Any]) -> tuple[str, ...]:
    # where nothing is drawn there is nothing to draw again
    again = "" if kind["part"] is None else f"{kind['redone']} of a part of {kind['part']}"
    counts = (kind["events"], kind["chains"], _broken(kind))
    return (kind["said"], *(f"{count:,}" for count in counts), again, f"{kind['seconds'] / 60:.0f}")


def _total(kinds: list[dict[str, Any]]) -> tuple[str, ...]:
    events, chains = (sum(kind[name] for kind in kinds) for name in ("events", "chains"))
    broken = sum(map(_broken, kinds))
    minutes = sum(kind["seconds"] for kind in kinds) / 60
    return ("all", f"{events:,}", f"{chains:,}", str(broken), "", f"{minutes:.0f}")


def _broken(kind: dict[str, Any]) -> int:
    """Runs that did not come out as the unbroken one."""
    return len({line.split(":", maxsplit=1)[0] for line in kind["wrong"]})
