"""Reading an item's records back: text joined to every column its lineage added."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from reason_w2s.errors import DataError
from reason_w2s.records import Pair, Problem, Row
from reason_w2s.runs import harness
from reason_w2s.runs.items import Item
from reason_w2s.runs.kept import gone, kept
from reason_w2s.runs.lookup import Index, Lookup, growing, indices
from reason_w2s.runs.store import Store, parts, read_batches
from reason_w2s.runs.tables import (
    ANNOTATIONS,
    KEYS,
    PAIRS,
    PER_TOKEN,
    PROBLEMS,
    TRACES,
    annotation_rows,
    digest,
    pair_of,
    problem_of,
    trace_of,
)
from reason_w2s.stages.sample import trace_key
from reason_w2s.stages.table import STAGES

MARK = ("key", "input")
"""What tells the rows of an annotation apart: the trace, and what of it was looked at."""
USABLE_BY = ("key", "finish_reason", "n_tokens", "max_tokens")
Columns = Collection[str] | None


def problems(store: Store, item: Item) -> list[Problem]:
    """The problems of a problem set, or of the several a trace step was asked of."""
    if item.stage != "problems":
        return joined(store, item.of)
    table = kept(store, item, PROBLEMS)
    return [problem_of(row) for row in table.to_pylist()]


def joined(store: Store, items: Sequence[Item]) -> list[Problem]:
    """The problems of several sets, those in more than one of them once.

    Raises:
        DataError: two sets have different problems under one id.
    """
    found: dict[str, Problem] = {}
    for item in items:
        for problem in problems(store, item):
            if found.setdefault(problem.id, problem).question != problem.question:
                raise DataError(f"{item.step}: another set's problem '{problem.id}' is not its own")
    return list(found.values())


def rows(store: Store, item: Item, columns: Columns = None, keys: Columns = None) -> Iterator[Row]:
    """Traces with their problems and columns, those of one problem together.

    columns: the names that will be asked for (`step.column`); keys: of the traces that are wanted;
    None: all. Where either is named, nothing of single tokens is read.
    """
    if item.stage == "union":
        return of(store, item.of, columns, keys)
    if item.stage in ("sample", "import"):
        whole = columns is None and keys is None
        return _among(drawn(store, item) if whole else texts(store, item), keys)
    if item.stage == "harness":
        return _among(harness.rows(store, item), keys)
    below, above = _layers(item)
    if above:
        return annotated(store, above, of(store, below, columns, keys), columns)
    return _among(of(store, item.of, columns, keys), chosen(store, item))


def of(
    store: Store, items: Sequence[Item], columns: Columns = None, keys: Columns = None
) -> Iterator[Row]:
    """The rows of one item, or of several joined: each trace once, with the columns of all."""
    if len(items) == 1:
        return rows(store, items[0], columns, keys)
    layers = [_layers(item) for item in items]
    if len({tuple(map(_mark, below)) for below, _ in layers}) == 1:
        above = {_mark(one): one for _, several in layers for one in several}
        inner = of(store, layers[0][0], columns, keys)
        return annotated(store, list(above.values()), inner, columns)
    return _union([list(rows(store, parent, columns, keys)) for parent in items])


def pairs(store: Store, item: Item, columns: Columns = None) -> tuple[list[Pair], dict[str, Row]]:
    """The pairs of a pair step, and the rows they name, by key; `columns` as of `rows`."""
    table = kept(store, item, PAIRS)
    found = [pair_of(row) for row in table.to_pylist()]
    wanted = {key for pair in found for key in (pair.chosen, pair.rejected)}
    found_in = of(store, item.of, columns)
    named = {row.trace.key: row for row in found_in if row.trace.key in wanted}
    return found, named


def drawn(store: Store, item: Item, among: Collection[str] | None = None) -> Iterator[Row]:
    """The traces of a sample or import step, of all its problems or of those with these ids."""
    asked = [one for one in problems(store, item) if among is None or one.id in among]
    return _drawn(store, item, asked, TRACES.names)


def texts(store: Store, item: Item) -> Iterator[Row]:
    """As `drawn`, without what traces hold for each token."""
    names = [name for name in TRACES.names if name not in PER_TOKEN]
    what = item.stage, item.key, tuple(item.extent.items()), tuple(one.digest for one in item.of)
    return iter(store.listed_once(what, lambda: _drawn(store, item, problems(store, item), names)))


def _drawn(store: Store, item: Item, asked: list[Problem], columns: Sequence[str]) -> Iterator[Row]:
    return (_imported if item.stage == "import" else _sampled)(store, item, asked, columns)


def _imported(
    store: Store, item: Item, asked: Sequence[Problem], columns: Sequence[str]
) -> Iterator[Row]:
    by_id = {problem.id: problem for problem in asked}
    folder = store.folder("import", item.key)
    if not parts(folder):
        raise gone(store, item)
    for table in read_batches(folder, TRACES, columns=columns):
        names = table["problem_id"].to_pylist()
        wanted = np.array([place for place, name in enumerate(names) if name in by_id], np.int64)
        for row in table.take(indices(wanted)).to_pylist():
            yield Row(trace_of(row), by_id[row["problem_id"]])


def _sampled(
    store: Store, item: Item, asked: list[Problem], columns: Sequence[str]
) -> Iterator[Row]:
    model = {"model": item.extent["model"]}
    table = drawn_table(store, item.key, item.extent["max_tokens"], columns)
    for batch in growing(wanted_keys(item.key, asked, item.extent["n"])):
        found = table.find([key for key, _, _ in batch])
        for row, (_, problem, _) in zip(found, batch, strict=True):
            yield Row(trace_of(_there(row, store, item) | model), problem)


def drawn_table(store: Store, key: str, max_tokens: int, columns: Sequence[str]) -> Lookup:
    """The traces of a sample step's table that are right for this limit, by their keys."""

    def keys(table: pa.Table) -> Iterator[str | None]:
        for row in table.select(USABLE_BY).to_pylist():
            yield row["key"] if usable(row, max_tokens) else None

    folder = store.folder("sample", key)
    what = "index", folder, max_tokens
    return Lookup(store.once(what, lambda: Index(folder, TRACES, USABLE_BY, keys)), columns)


def annotated(
    store: Store, items: Sequence[Item], inner: Iterable[Row], columns: Columns = None
) -> Iterator[Row]:
    """Rows of what annotating steps were made from, with the columns that they added."""
    asked = {item.step: _asked_of(item, columns) for item in items}
    tables = [
        (item, added_by(store, item.stage, item.key, asked[item.step]))
        for item in items
        if asked[item.step]
    ]
    for batch in growing(inner) if tables else ():
        marks = [(row.trace.key, input_of(row)) for row in batch]
        added = [dict(row.columns) for row in batch]
        for item, table in tables:
            for row, own in zip(table.find(marks), added, strict=True):
                found = _there(row, store, item)
                own |= {f"{item.step}.{name}": found[name] for name in asked[item.step]}
        for one, own in zip(batch, added, strict=True):
            yield Row(one.trace, one.problem, own)
    if not tables:
        yield from inner


def _asked_of(item: Item, columns: Columns) -> list[str]:
    """The columns of an annotating step that will be asked for, by their own names."""
    own = [name for name in ANNOTATIONS[item.stage].names if name not in MARK]
    if columns is None:
        return own
    starts = [f"{name}." for name in columns]
    return [name for name in own if any(one.startswith(f"{item.step}.{name}.") for one in starts)]


def added_by(store: Store, stage: str, key: str, columns: Sequence[str]) -> Lookup:
    """The columns of an annotating step's table, by trace and by what they were made from."""

    def marks(table: pa.Table) -> Iterator[tuple[str, str]]:
        return zip(*(table[name].to_pylist() for name in MARK), strict=True)

    def rows_of(table: pa.Table) -> list[dict[str, Any]]:
        return annotation_rows(stage, table.select(columns)) if columns else [{}] * len(table)

    folder = store.folder(stage, key)
    what = "index", folder
    index = store.once(what, lambda: Index(folder, ANNOTATIONS[stage], MARK, marks))
    return Lookup(index, columns, rows_of)


def _there(row: dict[str, Any] | None, store: Store, item: Item) -> dict[str, Any]:
    if row is None:
        raise gone(store, item)
    return row


def _layers(item: Item) -> tuple[tuple[Item, ...], list[Item]]:
    """The items under all that annotates one after the other, and these, the lowest first."""
    below: tuple[Item, ...] = (item,)
    above: list[Item] = []
    while len(below) == 1 and _annotates(below[0]):
        above.insert(0, below[0])
        below = below[0].of
    return below, above


def _annotates(item: Item) -> bool:
    return item.stage in STAGES and STAGES[item.stage].shape == "annotate"


def _mark(item: Item) -> tuple[str, str, str]:
    """What tells two items apart whose records or columns differ."""
    return item.step, item.stage, item.key


def wanted_keys(item_key: str, asked: list[Problem], n: int) -> Iterator[tuple[str, Problem, int]]:
    """(trace key, problem, sample index) of everything a sample step of this identity owes."""
    for problem in asked:
        for index in range(n):
            yield trace_key(item_key, problem, index), problem, index


def usable(row: Mapping[str, Any], max_tokens: int) -> bool:
    """Whether a stored trace is what sampling under this limit would give."""
    if row["max_tokens"] == max_tokens:
        return True
    # the end token is not counted, but it had to fit as well
    return bool(row["finish_reason"] == "stop" and row["n_tokens"] < max_tokens)


def input_of(row: Row) -> str:
    """What an annotation of this row was made from: a changed text or gold makes it stale."""
    problem = row.problem
    return digest(row.trace.text, row.trace.finish_reason, problem.gold, problem.options)


def _union(sets: list[list[Row]]) -> Iterator[Row]:
    """All rows once, grouped by problem; a trace that came by two ways has the columns of both."""
    grouped: dict[str, dict[str, Row]] = {}
    for one in sets:
        for row in one:
            group = grouped.setdefault(row.problem.id, {})
            seen = group.get(row.trace.key)
            columns = {**(seen.columns if seen else {}), **row.columns}
            group[row.trace.key] = replace(row, columns=columns)
    for group in grouped.values():
        yield from group.values()


def chosen(store: Store, item: Item) -> Collection[str]:
    """The keys of the traces that a choosing step kept."""
    what = "kept", item.stage, item.key
    return store.once(what, lambda: set(kept(store, item, KEYS).column("key").to_pylist()))


def _among(inner: Iterator[Row], keys: Columns) -> Iterator[Row]:
    return inner if keys is None else (row for row in inner if row.trace.key in keys)
