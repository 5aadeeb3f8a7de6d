"""What a run cost: derived from the parts and models it made, never kept beside them.

A part or model is charged to the run that made it, once; where another run (or another step of the
same one) uses it, it is shown as shared. Seconds are wall seconds of the one process that worked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq

from reason_w2s.runs.items import Item
from reason_w2s.runs.rows import rows
from reason_w2s.runs.store import Cost, Store, cost_of, parts, read_json
from reason_w2s.stages.table import STAGES


@dataclass(frozen=True, slots=True)
class Entry:
    """One step's cost in one run. `tokens_shared`: tokens of its rows that others paid for."""

    step: str
    stage: str
    tokens_generated: int
    tokens_shared: int
    tokens_trained: int
    seconds: float
    peak_memory_mib: float
    shared: bool


def ledger(store: Store, items: Mapping[str, Item], run: str) -> dict[str, object]:
    """The rows, one per step that costs anything, and their totals."""
    charged: set[Path] = set()
    entries = [_entry(store, item, run, charged) for item in _costly(items.values())]
    total = {
        name: round(sum(getattr(entry, name) for entry in entries), 3)
        for name in ("tokens_generated", "tokens_trained", "seconds")
    }
    return {"rows": [asdict(entry) for entry in entries], "total": total}


def _costly(items: Iterable[Item]) -> Iterable[Item]:
    """Items that took work, in order. A prompted model is another step's model: not again."""
    return (item for item in items if item.stage in STAGES or item.stage == "problems")


def _entry(store: Store, item: Item, run: str, charged: set[Path]) -> Entry:
    folder = store.folder(item.stage, item.key)
    if item.kind == "model":
        return _model(folder, item, run, charged)
    own = []
    for name in ("part", "dropped"):
        for part in parts(folder, name):
            if part not in charged and cost_of(part).run == run:
                own.append(part)
    charged.update(own)
    generated, shared = _tokens(store, item, own) if item.stage == "sample" else (0, 0)
    return _sum(item, [cost_of(part) for part in own], (generated, shared, 0))


def _model(folder: Path, item: Item, run: str, charged: set[Path]) -> Entry:
    made = read_json(folder / "made.json")
    cost = Cost(**made["cost"])
    mine = cost.run == run and folder not in charged
    charged.add(folder)
    return _sum(item, [cost] if mine else [], (0, 0, made["stats"]["tokens"] if mine else 0))


def _tokens(store: Store, item: Item, own: list[Path]) -> tuple[int, int]:
    """Tokens of the step's rows: those in parts this run made, and the others."""
    keys: set[str] = set()
    for part in own:
        keys.update(pq.read_table(part, columns=["key"]).column("key").to_pylist())
    counted = [(row.trace.key in keys, row.trace.n_tokens) for row in rows(store, item)]
    return sum(n for mine, n in counted if mine), sum(n for mine, n in counted if not mine)


def _sum(item: Item, costs: list[Cost], tokens: tuple[int, int, int]) -> Entry:
    return Entry(
        step=item.step,
        stage=item.stage,
        tokens_generated=tokens[0],
        tokens_shared=tokens[1],
        tokens_trained=tokens[2],
        seconds=round(sum(cost.seconds for cost in costs), 3),
        peak_memory_mib=max((cost.peak_memory_mib for cost in costs), default=0.0),
        shared=not costs,
    )
