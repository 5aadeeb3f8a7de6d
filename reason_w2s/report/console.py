"""The table a run ends with on the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from reason_w2s.report import wording


def table(results: Mapping[str, Any], *, plain: bool = False) -> Table:
    """One row per model and suite: accuracy with its interval, rates, tokens, labels.

    `plain` draws with ASCII only, for files and pipes.
    """
    scores = results.get("scores") or []
    suites = list(dict.fromkeys(score["suite"] for score in scores))
    made = Table(title=_title(results, suites), title_justify="left", box=_box(plain))
    made.add_column("model", no_wrap=True)
    for name in ("accuracy %", "95% interval", "n", "stop %", "cut %", "no answer %", "tokens"):
        made.add_column(name, justify="right")
    made.add_column("gold labels used")
    for suite in suites:
        if len(suites) > 1:
            made.add_section()
            made.add_row(f"{suite}:", style="" if plain else "bold")
        for score in scores:
            if score["suite"] == suite:
                made.add_row(*_cells(score))
    return made


def show(results: Mapping[str, Any], file: TextIO) -> None:
    """Write the table to `file`: with colours and lines on a terminal, else as plain text."""
    plain = not file.isatty()
    made = table(results, plain=plain)
    if not plain:
        Console(file=file).print(made)
        return
    console = Console(file=file, no_color=True, highlight=False)
    # A file has no width: nothing is wrapped or cut.
    console.width = max(
        80, console.measure(made, options=console.options.update(width=999)).maximum
    )
    console.print(made)


def _box(plain: bool) -> box.Box:
    return box.ASCII2 if plain else box.SIMPLE_HEAD


def _title(results: Mapping[str, Any], suites: list[str]) -> str:
    name = results.get("name") or "run"
    if not suites:
        return f"{name}: nothing was evaluated"
    return f"{name}: {suites[0]}" if len(suites) == 1 else f"{name}: {len(suites)} suites"


def _cells(score: Mapping[str, Any]) -> list[str]:
    return [
        score["model"],
        wording.percent(score.get("accuracy")),
        wording.interval(score),
        wording.count(score.get("n")),
        wording.percent(score.get("stop_rate")),
        wording.percent(score.get("truncation_rate")),
        wording.percent(score.get("no_answer_rate")),
        wording.number(score.get("mean_tokens")),
        wording.labels(score.get("labels")),
    ]
