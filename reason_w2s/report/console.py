"""The table a run ends with on the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reason_w2s.report import wording

# Columns are too narrow for the words themselves; the caption spells them out.
_MISSING = "n.m."


def table(results: Mapping[str, Any], *, plain: bool = False) -> Table:
    """One row per model and suite: accuracy with its interval, rates, tokens, labels.

    The accuracy by first answers is shown where it is another than by last ones.
    `plain` draws with ASCII only, for files and pipes.
    """
    scores = results.get("scores") or []
    suites = list(dict.fromkeys(score["suite"] for score in scores))
    made = Table(title=_title(results, suites), title_justify="left", caption_justify="left")
    made.box, made.padding = (box.ASCII2, (0, 1)) if plain else (box.SIMPLE_HEAD, (0, 1, 0, 0))
    made.add_column("model", overflow="fold", min_width=12)
    first = any(_shows_first(score) for score in scores)
    names = ("accuracy %\n[95%]", "n", "stop\n%", "cut\n%", "no\nanswer %", "tokens")
    for name in (names[0], *(["first\n%"] if first else []), *names[1:]):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("gold labels\nused", min_width=9)
    rows = {
        suite: [_cells(row, first=first) for row in scores if row["suite"] == suite]
        for suite in suites
    }
    for suite in suites:
        if len(suites) > 1:
            made.add_section()
            made.add_row(Text(f"{suite}:"), style="" if plain else "bold")
        for cells in rows[suite]:
            made.add_row(*map(Text, cells))
    if any(_MISSING in cell for made_rows in rows.values() for row in made_rows for cell in row):
        made.caption = f"{_MISSING}: {wording.MISSING}"
    return made


def show(results: Mapping[str, Any], file: TextIO) -> None:
    """Write the table and the warnings to `file`: with colours and lines on a terminal, else as
    plain text."""
    plain = not file.isatty()
    made = table(results, plain=plain)
    console = Console(file=file, no_color=True, highlight=False) if plain else Console(file=file)
    if plain:
        # A file has no width: nothing is wrapped or cut.
        console.width = max(
            80, console.measure(made, options=console.options.update(width=999)).maximum
        )
    console.print(made if results.get("scores") else made.title)
    for warning in results.get("warnings") or []:
        line = Text(f"warning: {warning}", style="" if plain else "yellow")
        console.print(line, soft_wrap=plain)


def _title(results: Mapping[str, Any], suites: list[str]) -> Text:
    name = results.get("name") or "run"
    if not suites:
        return Text(f"{name}: nothing was evaluated")
    return Text(f"{name}: {suites[0]}" if len(suites) == 1 else f"{name}: {len(suites)} suites")


def _shows_first(score: Mapping[str, Any]) -> bool:
    """Whether first answers are right at another rate, to the decimal that is shown."""
    first, last = (wording.percent(score.get(key)) for key in ("first_accuracy", "accuracy"))
    return first not in (last, wording.MISSING)


def _cells(score: Mapping[str, Any], *, first: bool) -> list[str]:
    """The texts of one row; the caller wraps them, or rich would read [brackets] as markup."""
    cells = [
        score["model"],
        f"{wording.percent(score.get('accuracy'))} {wording.interval(score)}",
        *([wording.percent(score.get("first_accuracy"))] if first else []),
        wording.count(score.get("n")),
        wording.percent(score.get("stop_rate")),
        wording.percent(score.get("truncation_rate")),
        wording.percent(score.get("no_answer_rate")),
        wording.number(score.get("mean_tokens")),
        wording.labels(score.get("labels")),
    ]
    return [cells[0], *(cell.replace(wording.MISSING, _MISSING) for cell in cells[1:])]
