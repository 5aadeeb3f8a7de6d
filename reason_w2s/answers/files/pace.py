"""How far a command has come, on standard error: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

LINE_EVERY_S = 10.0
# A bar is drawn again after so long at the soonest.
_SHOW_EVERY_S = 0.1


class Pace:
    """Rows done of so many, with their rate and the time left."""

    def __init__(self, doing: str, total: int, console: Console) -> None:
        self.doing, self.total, self.console = doing, total, console
        self.done = 0
        self.began = self.spoken = self.shown = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[said]}", markup=False),
            console=console,
            transient=True,
            auto_refresh=False,
            disable=not console.is_terminal,
            expand=True,
        )
        self.task = self.bar.add_task(doing, total=total, said="")

    def __enter__(self) -> Pace:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def at(self, done: int) -> None:
        """So many rows are done."""
        self.done = done
        now = time.monotonic()
        if self.console.is_terminal and now - self.shown >= _SHOW_EVERY_S:
            self.shown = now
            self.bar.update(self.task, completed=self.done, said=self._said(now), refresh=True)
        elif not self.console.is_terminal and now - self.spoken >= LINE_EVERY_S:
            self.spoken = now
            self._line(f"{self.doing}  {self._said(now)}")

    def close(self) -> None:
        """Say how long it took in all."""
        self.bar.stop()
        seconds = time.monotonic() - self.began
        rate = f" ({self.done / seconds:,.0f} rows/s)" if seconds >= 0.05 else ""
        self._line(f"{self.doing}  {self.done:,} rows in {_duration(seconds)}{rate}")

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _said(self, now: float) -> str:
        passed = now - self.began
        said = f"{self.done:,}/{self.total:,}"
        if passed < 0.5 or not self.done:
            return said
        rate = self.done / passed
        left = max(self.total - self.done, 0) / rate
        return f"{said}  {rate:,.0f} rows/s  {_duration(left)} left"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
