"""Records as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from reason_w2s.errors import ConfigError
from reason_w2s.runs.execute import summary
from reason_w2s.runs.run import Run

HIDDEN = ("key", "token_ids", "logprobs", "parent", "meta", "max_tokens")
DROPPING = ("select", "pair", "import")


def listing(folder: Path) -> Iterator[str]:
    """A line per step of a run: what it is and what came of it."""
    for name, item in Run.open(folder).items.items():
        yield f"{name:<32} {item.stage:<10} {item.kind:<9} {summary(item)}"


def records(folder: Path, step: str, *, n: int, dropped: bool) -> Iterator[str]:
    """The first `n` records of a step, or of what it dropped, with their reasons."""
    run = Run.open(folder)
    item = run.item(step)
    if dropped and item.stage not in DROPPING:
        raise ConfigError(f"{step} drops nothing: only {', '.join(DROPPING)} do")
    if item.kind == "model":
        yield f"model: {item.reference().path}"
        yield f"asked with: {item.reference().prompt}"
        return
    found = _dropped(run, step) if dropped else run.records(step)
    first = next(found, None)
    if first is None:
        yield f"{step} dropped nothing" if dropped else f"{step} holds nothing"
        return
    for number, record in enumerate(islice(chain([first], found), n), 1):
        yield f"--- {number}"
        for name, value in record.items():
            if name not in HIDDEN and value is not None:
                yield _field(name, value)


def _dropped(run: Run, step: str) -> Iterator[dict[str, Any]]:
    item = run.item(step)
    texts = {
        row.trace.key: {"question": row.problem.question, "text": row.trace.text, **row.columns}
        for parent in item.of
        if parent.kind == "traces"
        for row in run.rows(parent.step)
    }
    for key, reason in run.dropped(step).items():
        yield {"reason": reason, **texts.get(key, {"of": key})}


def _field(name: str, value: Any) -> str:
    text = str(value)
    if "\n" in text:
        indented = "\n".join(f"    {line}" for line in text.split("\n"))
        return f"{name}:\n{indented}"
    return f"{name}: {text}"
