"""The table a run ends with on the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reason_w2s.report import wording
from reason_w2s.visible import visible

WIDTH = 100
"""Columns that a table fits into; longer names of models are folded."""

# Columns are too narrow for the words themselves; the caption spells them out.
_MISSING = "n.m."
_UNKNOWN = "n.k."
PLAIN = box.Box("\n".join(["    "] * 2 + [" -- "] + ["    "] * 5) + "\n", ascii=True)


def table(results: Mapping[str, Any], *, plain: bool = False) -> Table:
    """One row per model and suite: accuracy with its interval, rates, tokens, gold labels.

    n: problems, and samples of each where there are several: 30x32. The accuracy by first answers
    is shown where it is another than by last ones. `plain` draws with ASCII only, for files and
    pipes.
    """
    scores = results.get("scores") or []
    suites = list(dict.fromkeys(score["suite"] for score in scores))
    first = any(_shows_first(score) for score in scores)
    made = _head(_title(results, suites), plain=plain, first=first)
    rows = {
        suite: [_cells(row, first=first) for row in scores if row["suite"] == suite]
        for suite in suites
    }
    for suite in suites:
        if len(suites) > 1:
            made.add_section()
            made.add_row(shown(f"{suite}:"), style="" if plain else "bold")
        for cells in rows[suite]:
            made.add_row(*map(shown, cells))
    said = {cell for some in rows.values() for cells in some for cell in cells[1:]}
    made.caption = _caption(" ".join(said))
    return made


def show(results: Mapping[str, Any], file: TextIO) -> None:
    """Write the table and the warnings to `file`: with colours and lines on a terminal, else as
    plain text."""
    plain = not file.isatty()
    console = Console(file=file, no_color=True, highlight=False) if plain else Console(file=file)
    console.width = WIDTH if plain else min(WIDTH, console.width)
    made = table(results, plain=plain)
    console.print(made if results.get("scores") else made.title)
    for warning in results.get("warnings") or []:
        line = shown(f"warning: {warning}", style="" if plain else "yellow")
        console.print(line, soft_wrap=plain)


def shown(text: str, style: str = "") -> Text:
    """Text for a table: rich would take [brackets] as markup, and pass escapes on."""
    return Text(visible(text), style=style)


def _head(title: Text, *, plain: bool, first: bool) -> Table:
    made = Table(title=title, title_justify="left", caption_justify="left")
    made.box, made.padding = (PLAIN if plain else box.SIMPLE_HEAD), (0, 1, 0, 0)
    made.add_column("model", overflow="fold", min_width=12)
    names = ["accuracy %\n[95%]", *(["first\n%"] if first else []), "n", "stop\n%", "cut\n%"]
    for name in [*names, "no\nans. %", "tokens", "gold\nanswers", "gold\nsolutions"]:
        made.add_column(name, justify="right", no_wrap=True)
    return made


def _title(results: Mapping[str, Any], suites: list[str]) -> Text:
    name = results.get("name") or "run"
    if not suites:
        return shown(f"{name}: nothing was evaluated")
    return shown(f"{name}: {suites[0]}" if len(suites) == 1 else f"{name}: {len(suites)} suites")


def _caption(said: str) -> str | None:
    """What the short forms in the table mean, where they occur."""
    meant = ((_MISSING, wording.MISSING), (_UNKNOWN, "not known, as the model was made elsewhere"))
    return "; ".join(f"{short}: {long}" for short, long in meant if short in said) or None


def _shows_first(score: Mapping[str, Any]) -> bool:
    """Whether first answers are right at another rate, to the decimal that is shown."""
    first, last = (wording.percent(score.get(key)) for key in ("first_accuracy", "accuracy"))
    return first not in (last, wording.MISSING)


def _cells(score: Mapping[str, Any], *, first: bool) -> list[str]:
    """The texts of one row."""
    cells = [
        f"{wording.percent(score.get('accuracy'))} {wording.interval(score)}",
        *([wording.percent(score.get("first_accuracy"))] if first else []),
        wording.size(score),
        wording.percent(score.get("stop_rate")),
        wording.percent(score.get("truncation_rate")),
        wording.percent(score.get("no_answer_rate")),
        wording.number(score.get("mean_tokens")),
        *_labels(score.get("labels")),
    ]
    return [score["model"], *(cell.replace(wording.MISSING, _MISSING) for cell in cells)]


def _labels(used: Mapping[str, Any] | None) -> list[str]:
    if used is None:
        return [_UNKNOWN, _UNKNOWN]
    return [wording.count(used.get(kind)) for kind in ("answers", "solutions")]
