"""Whether the numbers of a run's results and page are what its rows say."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reason_w2s.errors import StoreError
from reason_w2s.report.cells import Cell, cells
from reason_w2s.report.html import render
from reason_w2s.report.recount import recounted
from reason_w2s.runs.results import FILE, compute
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_json

PAGE = "report.html"
_LEFT_OUT = ("environment",)
"""Of the machine that asks, not of the rows."""
_NAMES = ("name", "role", "model", "a", "b", "suite", "problem_id", "k")
"""What a row is called by, where it has it; by its step, where it has none of these."""
_RELATIVE = 1e-9
"""Sums may come out in another order on another machine."""

Leaf = str | float | int | bool | None


@dataclass(frozen=True)
class Verified:
    """How many numbers were compared (texts are too), and a line for each that differs."""

    compared: int
    differences: list[str]


def verify(run: Run) -> list[str]:
    """A line for each number of results.json and report.html that the rows in the store deny.

    A line says section, row, field, what stands there and what the rows say.

    Raises:
        StoreError: the store itself is damaged, or results.json is no JSON.
    """
    return verified(run).differences


def verified(run: Run) -> Verified:
    """As `verify`, with the count of what was compared."""
    found = _computed(run)
    path = run.folder / FILE
    if not path.is_file():
        return Verified(0, [f"{FILE}: is not there"])
    stands = read_json(path)
    compared, lines = _leaves(found, stands)
    # the page shows the versions that results.json was written with
    found |= {name: stands.get(name) for name in _LEFT_OUT}
    number, more = _page(run, found)
    return Verified(compared + number, [*lines, *more])


def _computed(run: Run) -> dict[str, Any]:
    """What the rows say, as results.json would hold it."""
    try:
        found: dict[str, Any] = json.loads(json.dumps(compute(recounted(run))))
    except (KeyError, FileNotFoundError) as error:
        raise StoreError(
            f"{run.folder}: the tables in its store do not fit together (nothing for {error}): one "
            f"was changed or is gone; run the recipe again"
        ) from error
    return found


def _leaves(found: Mapping[str, Any], stands: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Compare two results value by value."""
    should, there = (dict(_walk(_compared(one), "", "")) for one in (found, stands))
    lines = [
        _line(FILE, place, _said(there, place), _said(should, place))
        for place in dict.fromkeys([*there, *should])
        if place not in there or place not in should or not _equal(there[place], should[place])
    ]
    return sum(_is_number(one) for one in should.values()), lines


def _is_number(value: Leaf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compared(results: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in results.items() if name not in _LEFT_OUT}


def _walk(value: Any, row: str, field: str) -> Iterator[tuple[tuple[str, str], Leaf]]:
    """Every value below, with the row it stands in and its field there."""
    if isinstance(value, Mapping):
        if not value:
            yield (row, f"{field}{{}}"), None
        for name, one in value.items():
            yield from _walk(one, row, f"{field}.{name}" if field else str(name))
    elif isinstance(value, list):
        yield (row, f"number of {field}"), len(value)
        for place, (name, one) in enumerate(_named(value)):
            if name is None:
                yield from _walk(one, row, f"{field}[{place}]")
            else:
                yield from _walk(one, f"{row}, {field} {name}" if row else f"{field}, {name}", "")
    else:
        yield (row, field), value


def _named(rows: list[Any]) -> Iterator[tuple[str | None, Any]]:
    """Each row of a list with a name of its own; None where it is no row."""
    often: dict[str, int] = defaultdict(int)
    for row in rows:
        if not isinstance(row, Mapping):
            yield None, row
            continue
        names = [str(row[key]) for key in _NAMES if row.get(key) is not None]
        name = " ".join(names) or str(row.get("step") or "row")
        often[name] += 1
        yield (f"{name} ({often[name]})" if often[name] > 1 else name), row


def _said(values: Mapping[tuple[str, str], Leaf], place: tuple[str, str]) -> str:
    return "nothing" if place not in values else json.dumps(values[place], ensure_ascii=False)


def _line(file: str, place: tuple[str, ...], there: str, should: str) -> str:
    where = ", ".join(one for one in place if one)
    return f"{file}: {where}: {_brief(there)} stands there, the rows say {_brief(should)}"


def _brief(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text):,} characters)"


def _equal(one: Leaf, other: Leaf) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_RELATIVE)
    return type(one) is type(other) and one == other


def _page(run: Run, found: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Compare the cells of the run's own page with those of a page of what the rows say."""
    path = run.folder / PAGE
    if not path.is_file():
        return 0, []
    name = run.folder.resolve().name
    should = _by_place(cells(render({name: found})))
    there = _by_place(cells(path.read_text(encoding="utf-8", errors="replace")))
    if should and not there:
        return 0, [f"{PAGE}: has no number that says where it comes from: it is of another version"]
    lines = [
        _line(PAGE, place[:3], _shown(there.get(place)), _shown(should.get(place)))
        for place in dict.fromkeys([*there, *should])
        if not _alike(there.get(place), should.get(place))
    ]
    return sum(value != "" for cell in should.values() for value in cell.values), lines


def _by_place(found: list[Cell]) -> dict[tuple[str, ...], Cell]:
    """Cells by where they stand; where a page has two there, the second is told apart."""
    placed: dict[tuple[str, ...], Cell] = {}
    often: dict[tuple[str, ...], int] = defaultdict(int)
    for cell in found:
        often[cell.place] += 1
        again = (str(often[cell.place]),) if often[cell.place] > 1 else ()
        placed[(*cell.place, *again)] = cell
    return placed


def _alike(there: Cell | None, should: Cell | None) -> bool:
    if there is None or should is None:
        return False
    if there.text != should.text or len(there.values) != len(should.values):
        return False
    return all(_same(*two) for two in zip(there.values, should.values, strict=True))


def _same(one: str, other: str) -> bool:
    try:
        return one == other or _equal(float(one), float(other))
    except ValueError:
        return False


def _shown(cell: Cell | None) -> str:
    return "nothing" if cell is None else f"{cell.text} ({' '.join(cell.values) or 'no value'})"
