"""What choosing steps keep and drop: keys only, and a reason for everything dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from reason_w2s.records import Dropped, Pair, Row
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.store import parts, read_parts, write_part
from reason_w2s.runs.tables import DROPPED, KEYS, PAIRS, digest
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.mixture import said
from reason_w2s.stages.pair import PairConfig, pair
from reason_w2s.stages.select import SelectConfig, select


def find(work: Work) -> Item | None:
    """The choice, if it was made before from the same input."""
    stage, key = work.step.stage, _key(work)
    folder = work.store.folder(stage, key)
    if not parts(folder):
        return None
    schema = PAIRS if stage == "pair" else KEYS
    content = read_parts(folder, schema).to_pylist()
    counts = counts_of(folder, schema)
    if stage == "pair":
        counts |= {"out": len({row["problem_id"] for row in content}), "pairs": len(content)}
        counts["in"] = counts["out"] + sum(counts["dropped"].values())
    elif work.step.config["mix"]:
        asked = SelectConfig.model_validate(work.step.config)
        counts["said"] = said(counts["out"], asked.take, asked.mix)
    kind = work.step.kind
    mark = digest(stage, content, [_texts(item) for item in work.of])
    return Item(work.step.name, stage, kind, key, mark, work.of, counts=counts)


def make(work: Work) -> None:
    """Choose, and write the keys of what stays and the reasons of what goes."""
    stage, step, seed = work.step.stage, work.step.name, work.step.seed
    watch = Stopwatch(work.run)
    upstream = rows.of(work.store, work.of)
    found: Sequence[Row | Pair | Dropped]
    if stage == "pair":
        pairing = PairConfig.model_validate(work.step.config)
        sources = {name: _keys(work, name) for name in pairing.mix}
        found = list(pair(upstream, pairing, step=step, seed=seed, sources=sources))
    else:
        choosing = SelectConfig.model_validate(work.step.config)
        found = list(select(upstream, choosing, step=step, seed=seed, problems=_ids(work)))
    schema = PAIRS if stage == "pair" else KEYS
    kept = [_kept(one) for one in found if not isinstance(one, Dropped)]
    dropped = [one for one in found if isinstance(one, Dropped)]
    with work.store.locked(stage, _key(work)) as folder:
        if not parts(folder):
            write_dropped(folder, dropped, watch)
            write_part(folder, kept, schema, watch.lap())


def write_dropped(folder: Path, dropped: Sequence[Dropped], watch: Stopwatch) -> None:
    """The dropped records' table. Written first: the kept table says that the step is done."""
    for stale in parts(folder, "dropped"):
        stale.unlink()
    rows_ = [{"key": one.key, "step": one.step, "reason": one.reason} for one in dropped]
    write_part(folder, rows_, DROPPED, watch.lap(), name="dropped")


def counts_of(folder: Path, schema: pa.Schema) -> dict[str, Any]:
    """in = out + dropped, with the reasons."""
    out = read_parts(folder, schema).num_rows
    reasons = read_parts(folder, DROPPED, "dropped").column("reason").to_pylist()
    dropped = dict(Counter(reasons).most_common())
    return {"in": out + len(reasons), "out": out, "dropped": dropped}


def _kept(one: Row | Pair | Dropped) -> dict[str, Any]:
    if isinstance(one, Pair):
        return {name: getattr(one, name) for name in PAIRS.names}
    assert isinstance(one, Row)
    return {"key": one.trace.key, "problem_id": one.problem.id}


def _ids(work: Work) -> set[str] | None:
    """The problems whose traces may stay; None: all."""
    if "problems" not in work.step.roles:
        return None
    return {problem.id for problem in rows.problems(work.store, work.role("problems"))}


def _keys(work: Work, name: str) -> set[str]:
    """The keys of the traces of a step that this one was made from."""
    item = next(one for of in work.of for one in of.lineage() if one.step == name)
    return {row.trace.key for row in rows.rows(work.store, item)}


def _texts(item: Item) -> list[str]:
    """The digests of the drawn or imported texts that a choice points into."""
    return sorted(one.digest for one in item.lineage() if one.stage in ("sample", "import"))


def _key(work: Work) -> str:
    """By all it may read: columns come from steps above a choice whose own content is the same."""
    seen = [one.digest for item in work.of for one in item.lineage()]
    named = [work.role("problems").digest] if "problems" in work.step.roles else []
    return work.key(work.settings(), seen, work.step.seed, *named)
