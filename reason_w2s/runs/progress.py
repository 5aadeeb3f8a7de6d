"""What a person sees while a run works: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

LINE_EVERY_S = 15.0

log = logging.getLogger(__name__)


class RunProgress:
    """Progress of a run's steps, with rate and time left for each one under way."""

    def __init__(self, total_steps: int, console: Console) -> None:
        self.total_steps = total_steps
        self.finished = 0
        self.console = console
        self.started: dict[str, float] = {}
        self.spoken: dict[str, float] = {}
        self.tasks: dict[str, TaskID] = {}
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[said]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> RunProgress:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def begin(self, step: str, stage: str) -> None:
        """A step starts."""
        self.started[step] = self.spoken[step] = time.monotonic()
        self.tasks[step] = self.bars.add_task(f"{step} ({stage})", total=None, said="")

    def update(self, step: str, done: int, total: int, unit: str) -> None:
        """A step has come so far."""
        said = self._pace(step, done, total, unit)
        self.bars.update(self.tasks[step], completed=done, total=total, said=said)
        now = time.monotonic()
        if not self.console.is_terminal and now - self.spoken[step] >= LINE_EVERY_S:
            self.spoken[step] = now
            self._say(f"{step:<28} {said}")

    def end(self, step: str, summary: str) -> None:
        """A step is done."""
        self.finished += 1
        seconds = time.monotonic() - self.started[step]
        self.bars.remove_task(self.tasks.pop(step))
        place = f"[{self.finished}/{self.total_steps}]"
        self._say(f"{place:>9} {step:<28} {summary}  {seconds:.0f} s")

    def skip(self, number: int) -> None:
        """So many steps were already in the store."""
        self.finished += number

    def _say(self, line: str) -> None:
        self.bars.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _pace(self, step: str, done: int, total: int, unit: str) -> str:
        seconds = max(time.monotonic() - self.started[step], 1e-6)
        rate = done / seconds
        left = (total - done) / rate if rate > 0 else 0.0
        return f"{done:,}/{total:,} {unit}  {rate:,.0f} {unit}/s  {left:.0f} s left"
