"""What a finished run holds, to be set beside another's: every record, count, loss and weight."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_json, read_parts
from reason_w2s.runs.tables import TRACES


def picture(folder: Path) -> dict[str, Any]:
    """Per step: digest, counts and all records with their texts; per model its losses and weights.

    The ledger's tokens are in it too: what a kill cost is in the seconds alone.
    """
    run = Run.open(folder)
    manifest = read_json(folder / "manifest.json")
    ledger = read_json(folder / "ledger.json")
    return {
        "complete": manifest["complete"],
        "steps": {name: _step(run, name) for name in manifest["steps"]},
        "tokens": {row["step"]: _tokens(row) for row in ledger["rows"]},
    }


def differences(one: dict[str, Any], other: dict[str, Any], at: str = "") -> Iterator[str]:
    """Where two pictures differ, in a few words each."""
    for name in sorted(one.keys() | other.keys()):
        a, b, place = one.get(name), other.get(name), f"{at}.{name}" if at else name
        if isinstance(a, dict) and isinstance(b, dict):
            yield from differences(a, b, place)
        elif a != b:
            yield f"{place}: {str(a)[:80]} unbroken, {str(b)[:80]} after"


def stored(folder: Path) -> set[str]:
    """The keys of all traces in the store beside a run, by parts that are what was written."""
    found: set[str] = set()
    for place in (folder.parent / "store" / "sample").glob("*"):
        found |= set(read_parts(place, TRACES, columns=["key"])["key"].to_pylist())
    return found


def _step(run: Run, name: str) -> dict[str, Any]:
    item = run.item(name)
    found: dict[str, Any] = {"digest": item.digest, "counts": dict(item.counts)}
    if item.kind == "model":
        made = read_json(run.store.folder(item.stage, item.key) / "made.json")
        losses = [[entry["step"], entry["loss"]] for entry in made["stats"]["log"]]
        return {**found, "losses": losses, "weights": made["fingerprint"]}
    if item.kind in ("traces", "pairs", "problems"):
        records = sorted(json.dumps(one, sort_keys=True, default=str) for one in run.records(name))
        found["records"] = hashlib.sha256("\n".join(records).encode()).hexdigest()
        found["number"] = len(records)
    if "dropped" in item.counts:
        found["reasons"] = dict(sorted(run.dropped(name).items()))
    return found


def _tokens(row: dict[str, Any]) -> list[int]:
    return [row[name] for name in ("tokens_generated", "tokens_shared", "tokens_trained")]
