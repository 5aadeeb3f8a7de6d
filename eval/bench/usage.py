"""What a command costs: wall and CPU seconds, and memory, its children's included."""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]


class Memory(threading.Thread):
    """The most that a process and its children hold at once, in bytes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self.process, self.peak = process, 0

    def run(self) -> None:
        """Look until the process has ended."""
        parent = psutil.Process(self.process.pid)
        while self.process.poll() is None:
            try:
                held = [one.memory_info().rss for one in (parent, *parent.children(recursive=True))]
            except psutil.Error:
                held = []
            self.peak = max(self.peak, sum(held))
            time.sleep(0.1)


def measured(
    command: list[str], folder: Path, also: Mapping[str, str] | None = None
) -> tuple[dict[str, float], str]:
    """What a command costs, run in a folder, and what it prints. also: of its environment."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(also or {})}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
    ) as process:
        memory = Memory(process)
        memory.start()
        assert process.stdout is not None
        said = process.stdout.read()
    memory.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = {
        "wall_s": round(time.perf_counter() - start, 2),
        "cpu_s": round(cpu, 2),
        "peak_memory_mib": round(memory.peak / 2**20),
    }
    return found, said


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def exponents(
    sizes: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """How CPU seconds and memory of each contestant grow with the rows; None of one size."""
    return {
        name: {of: _exponent(sizes, name, of) for of in ("cpu_s", "peak_memory_mib")}
        for name in names
    }


def _exponent(sizes: Sequence[Mapping[str, Any]], name: str, of: str) -> float | None:
    """The slope of a cost over the rows, both as logarithms, by least squares."""
    points = [(math.log(one["rows"]), math.log(one["costs"][name][of])) for one in sizes]
    if len(points) < 2:
        return None
    x, y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    spread = sum((a - x) ** 2 for a, _ in points)
    return round(sum((a - x) * (b - y) for a, b in points) / spread, 3)


def keep(path: Path | None, name: str, found: Mapping[str, Any]) -> None:
    """Write what was found under its name into a JSON file, beside what else is there."""
    if path is not None:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        kept[name] = found
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
