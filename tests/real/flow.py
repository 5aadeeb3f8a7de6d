"""Real responses through import, check, step check, select and pair, and what must hold after."""

from __future__ import annotations

import io
import logging
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from reason_w2s.problems.files import read
from reason_w2s.recipe.load import plan_of
from reason_w2s.records import Row
from reason_w2s.runs.execute import summary
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Run, Selection, execute

log = logging.getLogger("waterfall")

SOUND = {"graded.correct": True, "clean.flags": "none"}
WRONG = {"graded.correct": False}
MAX_PAIRS = 4


def graded(
    name: str, problems: dict[str, Any], imports: dict[str, dict[str, Any]], kind: str = "auto"
) -> dict[str, Any]:
    """A recipe that imports and checks. `imports`: step -> its settings."""
    steps: dict[str, Any] = {
        step: {"import": {"of": list(problems), **settings}} for step, settings in imports.items()
    }
    steps["graded"] = {"check": {"of": list(imports), "kind": kind}}
    return {"name": name, "problems": problems, "steps": steps}


def recipe(
    name: str, problems: dict[str, Any], imports: dict[str, dict[str, Any]], kind: str = "auto"
) -> dict[str, Any]:
    """The step check after it; all sound traces are chosen; pairs are sound against wrong."""
    data = graded(name, problems, imports, kind)
    rule = {"chosen": SOUND, "rejected": WRONG, "max": MAX_PAIRS}
    data["steps"] |= {
        "clean": {"stepcheck": {"of": "graded"}},
        "chosen": {"select": {"of": "clean", "where": SOUND}},
        "pairs": {"pair": {"of": "clean", "rules": [rule]}},
    }
    return data


def run(data: dict[str, Any], folder: Path) -> Run:
    """The recipe done in this process, without a model; runs in one folder share a store."""
    return execute(
        plan_of(data, place=data["name"]),
        data,
        folder / data["name"],
        Profile(isolate="none", sampler="fake"),
        selection=Selection(),
        console=Console(file=io.StringIO()),
    )


def conserved(done: Run, imports: dict[str, dict[str, Any]]) -> dict[str, Row]:
    """Assert in = out + dropped for every step, by keys read back; the checked rows by key."""
    imported: set[str] = set()
    for step, settings in imports.items():
        keys = [row.trace.key for row in done.rows(step)]
        _partition(done, step, keys, _responses(settings))
        imported |= set(keys)
    rows = {row.trace.key: row for row in done.rows("clean")}
    assert set(rows) == imported
    for step in ("graded", "clean"):
        assert done.items[step].counts["in"] == done.items[step].counts["out"] == len(rows)
    statuses = Counter(row.columns["graded.status"] or "not graded" for row in rows.values())
    assert statuses == done.items["graded"].counts["status"]
    _partition(done, "chosen", [row.trace.key for row in done.rows("chosen")], len(rows))
    pairs, _ = done.pairs("pairs")
    paired = list(dict.fromkeys(pair.problem_id for pair in pairs))
    _partition(done, "pairs", paired, len({row.problem.id for row in rows.values()}))
    for step, item in done.items.items():
        log.info("%-16s %-10s %s", done.folder.name, step, summary(item))
    return rows


def _responses(settings: dict[str, Any]) -> int:
    columns = settings.get("columns", {}).get("response", "response")
    files = settings["file"] if isinstance(settings["file"], list) else [settings["file"]]
    per_row = 1 if isinstance(columns, str) else len(columns)
    return per_row * sum(1 for file in files for _ in read(Path(file)))


def _partition(done: Run, step: str, kept: list[str], size: int) -> None:
    """What is kept and what is dropped are all that came in, each once, each drop with a reason."""
    dropped, counts = done.dropped(step), done.items[step].counts
    assert len(set(kept)) == len(kept) and not set(kept) & set(dropped), step
    assert len(kept) + len(dropped) == size == counts["in"], (step, len(kept), len(dropped), size)
    assert counts["out"] == len(kept)
    assert counts["dropped"] == Counter(dropped.values()) and all(dropped.values())


def chosen_are_sound(done: Run, rows: dict[str, Row]) -> None:
    """Exactly the rows that are correct and unflagged are chosen, with the columns they had."""
    sound = {key for key, row in rows.items() if is_sound(row)}
    chosen = {row.trace.key: row for row in done.rows("chosen")}
    assert set(chosen) == sound
    assert all(rows[key].columns == row.columns for key, row in chosen.items())


def pairs_are_right_against_wrong(done: Run, rows: dict[str, Row]) -> None:
    """Of one problem, never the same text, none twice, and as many as a problem can give."""
    pairs, named = done.pairs("pairs")
    by_problem: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs:
        chosen, rejected = named[pair.chosen], named[pair.rejected]
        assert chosen.problem.id == rejected.problem.id == pair.problem_id
        assert is_sound(rows[pair.chosen]) and is_wrong(rows[pair.rejected])
        texts = (chosen.trace.text, rejected.trace.text)
        assert texts[0] != texts[1]
        by_problem.setdefault(pair.problem_id, []).append(texts)
    sides: dict[str, tuple[set[str], set[str]]] = {}
    for row in rows.values():
        good, bad = sides.setdefault(row.problem.id, (set(), set()))
        if is_sound(row):
            good.add(row.trace.text)
        if is_wrong(row):
            bad.add(row.trace.text)
    for problem, (good, bad) in sides.items():
        made = by_problem.get(problem, [])
        possible = len(good) * len(bad) - len(good & bad)
        assert len(set(made)) == len(made) == min(MAX_PAIRS, possible), problem


def is_sound(row: Row) -> bool:
    return row.columns["graded.correct"] is True and not row.columns["clean.flags"]


def is_wrong(row: Row) -> bool:
    return row.columns["graded.correct"] is False
