"""What a person sees while a run works: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from reason_w2s.visible import visible

LINE_EVERY_S = 15.0

log = logging.getLogger(__name__)


class RunProgress:
    """Progress of a run's steps, with rate and time left for each one under way."""

    def __init__(self, total_steps: int, console: Console) -> None:
        self.total_steps = total_steps
        self.finished = 0
        self.began = time.monotonic()
        self.whole = TaskID(0)
        self.console = console
        self.started: dict[str, float] = {}
        self.spoken: dict[str, float] = {}
        self.first: dict[str, tuple[float, int]] = {}
        self.tasks: dict[str, TaskID] = {}
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[said]}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> RunProgress:
        self.bars.start()
        self.whole = self.bars.add_task("all steps", total=self.total_steps, said="")
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def begin(self, step: str, stage: str) -> None:
        """A step starts."""
        self.started[step] = self.spoken[step] = time.monotonic()
        self.tasks[step] = self.bars.add_task(visible(f"{step} ({stage})"), total=None, said="")

    def update(self, step: str, done: int, total: int, unit: str) -> None:
        """A step has come so far."""
        said = visible(self._pace(step, done, total, unit))
        self.bars.update(self.tasks[step], completed=done, total=total, said=said)
        now = time.monotonic()
        if not self.console.is_terminal and now - self.spoken[step] >= LINE_EVERY_S:
            self.spoken[step] = now
            self.say(f"{step:<28} {said}")

    def end(self, step: str, summary: str) -> None:
        """A step is done."""
        self.finished += 1
        seconds = time.monotonic() - self.started[step]
        self.bars.remove_task(self.tasks.pop(step))
        self._count()
        place = f"[{self.finished}/{self.total_steps}]"
        self.say(f"{place:>9} {step:<28} {summary}  {seconds:.0f} s")

    def skip(self, number: int) -> None:
        """So many steps were already in the store."""
        self.finished += number
        self._count()

    def _count(self) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        said = f"{self.finished}/{self.total_steps}  {minutes}:{seconds:02d} so far"
        self.bars.update(self.whole, completed=self.finished, said=said)

    def say(self, line: str) -> None:
        """Print a line above the display."""
        self.bars.console.print(visible(line), markup=False, highlight=False, soft_wrap=True)

    def _pace(self, step: str, done: int, total: int, unit: str) -> str:
        """Rate and time left, counted from the first sign of work: loading a model is no rate."""
        now = time.monotonic()
        since, before = self.first.setdefault(step, (now, done))
        said = f"{done:,}/{total:,} {unit}"
        if now - since < 1 or done == before:
            return said
        rate = (done - before) / (now - since)
        shown = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
        return f"{said}  {shown} {unit}/s  {(total - done) / rate:.0f} s left"
