"""Reading an item's records back: text joined to every column its lineage added."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reason_w2s.errors import DataError
from reason_w2s.records import Pair, Problem, Row
from reason_w2s.runs import harness
from reason_w2s.runs.items import Item
from reason_w2s.runs.store import Store, read_parts
from reason_w2s.runs.tables import (
    ANNOTATIONS,
    KEYS,
    PAIRS,
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

BATCH = 1024
"""Traces turned into Python objects at a time; the table itself stays compact Arrow memory."""


def problems(store: Store, item: Item) -> list[Problem]:
    """The problems of a problem set, or of the several a trace step was asked of."""
    if item.stage != "problems":
        return joined(store, item.of)
    table = read_parts(store.folder("problems", item.key), PROBLEMS)
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


def rows(store: Store, item: Item) -> Iterator[Row]:
    """Traces with their problems and columns, those of one problem together."""
    if item.stage == "union":
        return of(store, item.of)
    if item.stage in ("sample", "import"):
        return drawn(store, item)
    if item.stage == "harness":
        return harness.rows(store, item)
    below, above = _layers(item)
    if above:
        return annotated(store, above, of(store, below))
    return _chosen(store, item, of(store, item.of))


def of(store: Store, items: Sequence[Item]) -> Iterator[Row]:
    """The rows of one item, or of several joined: each trace once, with the columns of all."""
    if len(items) == 1:
        return rows(store, items[0])
    layers = [_layers(item) for item in items]
    if len({tuple(map(_mark, below)) for below, _ in layers}) == 1:
        return _layered(store, layers)
    return _union([list(rows(store, parent)) for parent in items])


def pairs(store: Store, item: Item) -> tuple[list[Pair], dict[str, Row]]:
    """The pairs of a pair step, and the rows they name, by key."""
    table = read_parts(store.folder("pair", item.key), PAIRS)
    found = [pair_of(row) for row in table.to_pylist()]
    wanted = {key for pair in found for key in (pair.chosen, pair.rejected)}
    named = {row.trace.key: row for row in of(store, item.of) if row.trace.key in wanted}
    return found, named


def drawn(store: Store, item: Item, among: Collection[str] | None = None) -> Iterator[Row]:
    """The traces of a sample or import step, of all its problems or of those with these ids."""
    table = read_parts(store.folder(item.stage, item.key), TRACES)
    asked = [one for one in problems(store, item) if among is None or one.id in among]
    if item.stage == "import":
        by_id = {problem.id: problem for problem in asked}
        if among is not None:
            table = table.filter(pc.is_in(table["problem_id"], pa.array(by_id, pa.string())))
        for row in table.to_pylist():
            yield Row(trace_of(row), by_id[row["problem_id"]])
        return
    places = _places(table, item.extent["max_tokens"])
    wanted = list(wanted_keys(item.key, asked, item.extent["n"]))
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        found = table.take([places[key] for key, _, _ in batch]).to_pylist()
        for row, (_, problem, _) in zip(found, batch, strict=True):
            yield Row(replace(trace_of(row), model=item.extent["model"]), problem)


def annotated(store: Store, items: Sequence[Item], inner: Iterable[Row]) -> Iterator[Row]:
    """Rows of what annotating steps were made from, with the columns that they added."""
    tables = [(f"{item.step}.", _added(store, item)) for item in items]
    for row in inner:
        mark = row.trace.key, input_of(row)
        columns = dict(row.columns)
        for prefix, found in tables:
            for name, value in found[mark].items():
                columns[prefix + name] = value
        yield Row(row.trace, row.problem, columns)


def _added(store: Store, item: Item) -> dict[tuple[str, str], dict[str, Any]]:
    """The columns of an annotating step, by trace and by what they were made from."""
    table = read_parts(store.folder(item.stage, item.key), ANNOTATIONS[item.stage])
    return {(row.pop("key"), row.pop("input")): row for row in annotation_rows(item.stage, table)}


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


def _layered(store: Store, layers: Sequence[tuple[tuple[Item, ...], list[Item]]]) -> Iterator[Row]:
    """The rows under several annotations of the same traces, read once, with the columns of all."""
    above = {_mark(one): one for _, several in layers for one in several}
    return annotated(store, list(above.values()), of(store, layers[0][0]))


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


def _places(table: pa.Table, max_tokens: int) -> dict[str, int]:
    """Trace key -> row of the table that is right for this limit."""
    names = ("key", "finish_reason", "n_tokens", "max_tokens")
    narrow = table.select(names).to_pylist()
    return {row["key"]: place for place, row in enumerate(narrow) if usable(row, max_tokens)}


def _chosen(store: Store, item: Item, inner: Iterator[Row]) -> Iterator[Row]:
    table = read_parts(store.folder(item.stage, item.key), KEYS)
    kept = set(table.column("key").to_pylist())
    return (row for row in inner if row.trace.key in kept)
