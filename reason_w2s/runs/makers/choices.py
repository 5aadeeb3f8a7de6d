"""What choosing steps keep and drop: keys only, and a reason for everything dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from reason_w2s.recipe.rules import columns_read
from reason_w2s.records import Dropped, Pair, Row
from reason_w2s.room import room
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.store import PartWriter, parts, read_batches, rows_in
from reason_w2s.runs.tables import DROPPED, KEYS, PAIRS, digest_around, dropped_row
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.mixture import said
from reason_w2s.stages.pair import PairConfig, pair
from reason_w2s.stages.select import SelectConfig, select


def find(work: Work) -> Item | None:
    """The choice, if it was made before from the same input."""
    stage, key = work.step.stage, _key(work)
    folder = work.store.folder(stage, key)
    if not complete(folder):
        return None
    schema = PAIRS if stage == "pair" else KEYS
    counts = counts_of(folder)
    if stage == "pair":
        problems = {one for (one,) in _content(folder, schema, ["problem_id"])}
        counts |= {"out": len(problems), "pairs": counts["out"]}
        counts["in"] = counts["out"] + sum(counts["dropped"].values())
    elif work.step.config["mix"]:
        asked = SelectConfig.model_validate(work.step.config)
        counts["said"] = said(counts["out"], asked.take, asked.mix)
    kind = work.step.kind
    content = (dict(zip(schema.names, one, strict=True)) for one in _content(folder, schema))
    mark = digest_around([stage], content, [[_texts(item) for item in work.of]])
    return Item(work.step.name, stage, kind, key, mark, work.of, counts=counts)


def _content(
    folder: Path, schema: pa.Schema, columns: Sequence[str] | None = None
) -> Iterator[tuple[Any, ...]]:
    for table in read_batches(folder, schema, columns=columns):
        yield from zip(*(column.to_pylist() for column in table.columns), strict=True)


def make(work: Work) -> None:
    """Choose, and write the keys of what stays and the reasons of what goes."""
    stage, watch = work.step.stage, Stopwatch(work.run)
    found: Iterator[Row | Pair | Dropped]
    found = (_paired if stage == "pair" else _selected)(work)
    with work.store.locked(stage, _key(work)) as folder:
        if complete(folder):
            return
        with written(folder, PAIRS if stage == "pair" else KEYS) as (kept, dropped):
            for one in found:
                if isinstance(one, Dropped):
                    dropped.add(dropped_row(one))
                else:
                    kept.add(_kept(one))
            finish(kept, dropped, watch)


def _selected(work: Work) -> Iterator[Row | Dropped]:
    cfg = SelectConfig.model_validate(work.step.config)
    step, seed = work.step.name, work.step.seed
    return select(_upstream(work), cfg, step=step, seed=seed, problems=_ids(work))


def _paired(work: Work) -> Iterator[Pair | Dropped]:
    cfg = PairConfig.model_validate(work.step.config)
    sources = {name: _keys(work, name) for name in cfg.mix}
    return pair(_upstream(work), cfg, step=work.step.name, seed=work.step.seed, sources=sources)


def _upstream(work: Work) -> Iterator[Row]:
    """The rows to choose from, with the columns that the step reads."""
    return rows.of(work.store, work.of, [name for name, _ in columns_read(work.step)])


@contextmanager
def written(folder: Path, schema: pa.Schema) -> Iterator[tuple[PartWriter, PartWriter]]:
    """Where what stays and what is dropped are written as they come; `finish` makes them be there.

    Only for who holds the table's key.

    Raises:
        OutOfSpace: the disk is full.
    """
    with (
        room(folder, "what is kept and dropped"),
        closing(PartWriter(folder, schema)) as kept,
        closing(PartWriter(folder, DROPPED, "dropped")) as dropped,
    ):
        yield kept, dropped


def finish(kept: PartWriter, dropped: PartWriter, watch: Stopwatch) -> None:
    """Each table where it is not there yet."""
    for one in (dropped, kept):
        if not parts(one.folder, one.name):
            one.finish(watch.lap())


def complete(folder: Path) -> bool:
    """Whether both tables are there."""
    return bool(parts(folder) and parts(folder, "dropped"))


def counts_of(folder: Path) -> dict[str, Any]:
    """in = out + dropped, with the reasons."""
    out, reasons = rows_in(folder), Counter[str]()
    for table in read_batches(folder, DROPPED, "dropped", ["reason"]):
        reasons.update(table["reason"].to_pylist())
    return {"in": out + reasons.total(), "out": out, "dropped": dict(reasons.most_common())}


def _kept(one: Row | Pair) -> dict[str, Any]:
    if isinstance(one, Pair):
        return {name: getattr(one, name) for name in PAIRS.names}
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
