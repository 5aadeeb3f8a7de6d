"""The tables a sweep ends with on the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from reason_w2s.report import wording
from reason_w2s.report.console import PLAIN, WIDTH, shown
from reason_w2s.report.sweep import counted, label, varies

Row = Mapping[str, Any]


def show(found: Mapping[str, Any], file: TextIO) -> None:
    """Write a table of accuracies and one of differences per group, and what they are over."""
    plain = not file.isatty()
    console = Console(file=file, no_color=True, highlight=False) if plain else Console(file=file)
    console.width = WIDTH if plain else min(WIDTH, console.width)
    for group in found["groups"]:
        said = label(group["settings"])
        about = f"{found['name']}{': ' if said else ''}{said}, {len(group['runs'])} runs"
        for made in _tables(group, about, plain=plain):
            console.print(made)
    for line in (*varies(found), counted(found)):
        console.print(shown(line), soft_wrap=plain)
    for one in found["warnings"]:
        if len(one["runs"]) == len(found["cells"]):
            told = shown(f"warning: {one['text']}", style="" if plain else "yellow")
            console.print(told, soft_wrap=plain)


def _tables(group: Row, about: str, *, plain: bool) -> Iterator[Table]:
    strata = [label(one["values"]) for one in group["scores"][0]["strata"]]
    heads = ["accuracy %\n[95%]", *strata, "each run"]
    scores = _by_suite(group["scores"])
    rows = [_cells(row, row["model"], "accuracy") for row in scores]
    yield _table(about, heads, scores, rows, plain=plain)
    if group["comparisons"]:
        heads = ["points\n[95%]", *strata, "each run", "p"]
        rows = [
            [*_cells(row, f"{row['a']} - {row['b']}", "difference"), wording.p_value(row["p"])]
            for row in group["comparisons"]
        ]
        yield _table("paired differences", heads, group["comparisons"], rows, plain=plain)
    if group["gaps"]:
        heads = ["% of the gap\n[95%]", *strata, "each run"]
        rows = [_cells(row, f"{row['name']} ({row['measure']})", "value") for row in group["gaps"]]
        yield _table("gaps recovered", heads, group["gaps"], rows, plain=plain)


def _by_suite(rows: Sequence[Row]) -> list[Row]:
    suites = list(dict.fromkeys(row["suite"] for row in rows))
    return sorted(rows, key=lambda row: suites.index(row["suite"]))


def _table(
    title: str, heads: Sequence[str], of: Sequence[Row], rows: Sequence[list[str]], *, plain: bool
) -> Table:
    made = Table(title=shown(title), title_justify="left")
    made.box, made.padding = (PLAIN if plain else box.SIMPLE_HEAD), (0, 1, 0, 0)
    made.add_column("", overflow="fold", min_width=12)
    for head in heads:
        made.add_column(shown(head), justify="right")
    suite = None
    for row, cells in zip(of, rows, strict=True):
        if row["suite"] != suite:
            suite = row["suite"]
            made.add_section()
            made.add_row(shown(f"{suite}:"))
        made.add_row(*map(shown, cells))
    return made


def _cells(row: Row, name: str, field: str) -> list[str]:
    ends = "" if row["low"] is None else f" {wording.interval(row)}"
    strata = [wording.percent(one[field]) for one in row["strata"]]
    runs = " ".join(wording.percent(one[field]) for one in row["cells"])
    return [name, f"{wording.percent(row[field])}{ends}", *strata, runs]
