"""Where a number of the page comes from: attributes of its cell, written and read back."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import NamedTuple

from markupsafe import Markup

_SHOWN = ("value", "low", "high")


class Cell(NamedTuple):
    """One number of a page.

    section: the id it stands under. row, field: what it is of, and what it is. run: the run's name.
    key: the store key of the graded step it was computed from; several, apart by blanks, where it
    was computed from several. values: the number and the ends of its interval as they are written,
    unrounded; empty where not measured. text: what the reader sees.
    """

    section: str
    row: str
    field: str
    run: str
    key: str
    values: tuple[str, ...]
    text: str

    @property
    def place(self) -> tuple[str, ...]:
        """What tells it from other cells."""
        return self.section, self.row, self.field, self.run, self.key


def origin(source: tuple[str, str], of: tuple[str, str], values: Sequence[float | None]) -> Markup:
    """The attributes of a cell, a blank before them.

    source: run and store keys. of: row and field. values: the number, or it and both ends of its
    interval.
    """
    texts = ["" if value is None else repr(value) for value in values]
    said = texts[0] or "not measured"
    if any(texts[1:]):
        said += f" [{', '.join(texts[1:])}]"
    given = {"run": source[0], "key": source[1], "row": of[0], "field": of[1]}
    given |= dict(zip(_SHOWN, texts, strict=False))
    made = Markup("").join(Markup(' data-{}="{}"').format(*one) for one in given.items())
    return made + Markup(' title="{} · rows {} · {}"').format(*source, said)


def cells(page: str) -> list[Cell]:
    """The cells of a page that carry an origin, in its order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    """Sections do not nest, nor do cells."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Cell] = []
        self._section = ""
        self._open: dict[str, str] | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "section":
            self._section = given.get("id", "")
        if tag == "td" and "data-value" in given:
            self._open, self._text = given, []

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag != "td" or self._open is None:
            return
        given, self._open = self._open, None
        row, field, run, key = (
            given.get(f"data-{one}", "") for one in ("row", "field", "run", "key")
        )
        values = tuple(given[name] for one in _SHOWN if (name := f"data-{one}") in given)
        text = " ".join("".join(self._text).split())
        self.found.append(Cell(self._section, row, field, run, key, values, text))
