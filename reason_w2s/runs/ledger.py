"""What a run cost: derived from the parts and models it made, never kept beside them.

A part or model is charged to the run that made it, once; where another run (or another step of the
same one) uses it, it is shown as shared. Seconds are wall seconds of every process that worked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pyarrow.compute as pc

from reason_w2s.records import Trace
from reason_w2s.runs.items import Item
from reason_w2s.runs.rows import rows
from reason_w2s.runs.store import Cost, Store, cost_of, parts, read_json, read_part
from reason_w2s.stages.table import STAGES


@dataclass(frozen=True, slots=True)
class Entry:
    """One step's cost in one run. `tokens_shared`: tokens of its rows that others paid for.
    `tokens_scored`: of responses, once however many models read them."""

    step: str
    stage: str
    tokens_generated: int
    tokens_shared: int
    tokens_trained: int
    seconds: float
    peak_memory_mib: float
    shared: bool
    tokens_scored: int = 0


def ledger(store: Store, items: Mapping[str, Item], run: str) -> dict[str, object]:
    """The rows, one per step that costs anything, and their totals."""
    charged = _Charged()
    entries = [_entry(store, item, run, charged) for item in _costly(items.values())]
    total = {
        name: round(sum(getattr(entry, name) for entry in entries), 3)
        for name in ("tokens_generated", "tokens_trained", "tokens_scored", "seconds")
    }
    return {"rows": [asdict(entry) for entry in entries], "total": total}


def _costly(items: Iterable[Item]) -> Iterable[Item]:
    """Items that took work, in order. A prompted model is another step's model: not again."""
    return (item for item in items if item.stage in STAGES or item.stage == "problems")


@dataclass(frozen=True, slots=True)
class _Charged:
    """What has been charged to a step already: files, and traces by key and limit."""

    places: set[Path] = field(default_factory=set)
    traces: set[tuple[str, int]] = field(default_factory=set)


def _entry(store: Store, item: Item, run: str, charged: _Charged) -> Entry:
    folder = store.folder(item.stage, item.key)
    if item.kind == "model":
        return _model(folder, item, run, charged)
    mine = [
        part
        for name in ("part", "dropped")
        for part in parts(folder, name)
        if cost_of(part).run == run
    ]
    if item.stage == "sample":
        return _sample(store, item, mine, charged)
    own = [part for part in mine if part not in charged.places]
    charged.places.update(own)
    if item.stage == "score":
        entry = _sum(item, [cost_of(part) for part in own], (0, 0, 0))
        return replace(entry, tokens_scored=sum(map(_scored, own)))
    tokens = item.counts["tokens"] if item.stage == "harness" else 0
    generated = (tokens, 0, 0) if own else (0, tokens, 0)
    return _sum(item, [cost_of(part) for part in own], generated)


def _scored(part: Path) -> int:
    """The tokens that a part of a score step holds scores of."""
    lengths = pc.list_value_length(read_part(part, ["tokens"])["tokens"])
    return pc.sum(lengths).as_py() or 0


def _sample(store: Store, item: Item, mine: list[Path], charged: _Charged) -> Entry:
    """Parts that hold any of the step's traces; a table may be shared with a step of more."""
    owed = {_mark(row.trace): row.trace.n_tokens for row in rows(store, item, ())}
    held = {part: _marks(part) & owed.keys() for part in mine}
    own = [part for part, marks in held.items() if marks and part not in charged.places]
    generated = {mark for marks in held.values() for mark in marks} - charged.traces
    charged.places.update(own)
    charged.traces.update(generated)
    tokens = sum(owed[mark] for mark in generated)
    return _sum(item, [cost_of(part) for part in own], (tokens, sum(owed.values()) - tokens, 0))


def _mark(trace: Trace) -> tuple[str, int]:
    return trace.key, trace.max_tokens or 0


def _marks(part: Path) -> set[tuple[str, int]]:
    columns = read_part(part, ["key", "max_tokens"]).to_pydict()
    return set(zip(columns["key"], columns["max_tokens"], strict=True))


def _model(folder: Path, item: Item, run: str, charged: _Charged) -> Entry:
    made = read_json(folder / "made.json")
    cost = Cost(**made["cost"])
    mine = cost.run == run and folder not in charged.places
    charged.places.add(folder)
    # what a step sampled while it trained; older ones did not
    sampled = made["stats"].get("generated", 0)
    tokens = (sampled, 0, made["stats"]["tokens"]) if mine else (0, sampled, 0)
    return _sum(item, [cost] if mine else [], tokens)


def _sum(item: Item, costs: list[Cost], tokens: tuple[int, int, int]) -> Entry:
    return Entry(
        step=item.step,
        stage=item.stage,
        tokens_generated=tokens[0],
        tokens_shared=tokens[1],
        tokens_trained=tokens[2],
        seconds=round(sum(cost.seconds for cost in costs), 3),
        peak_memory_mib=max((cost.peak_memory_mib for cost in costs), default=0.0),
        shared=not costs and not tokens[0],
    )
