"""What the command line says: text from data does nothing to a terminal."""

from __future__ import annotations

import typer

from reason_w2s.redaction import without_known
from reason_w2s.visible import visible


def say(text: str, *, err: bool = False) -> None:
    """Print text and a newline, with everything that a terminal would obey spelled out."""
    typer.echo(visible(without_known(text)), err=err)
