"""Answers or verifiers' scores combined; with scores, what was learned of the verifiers."""

from __future__ import annotations

from dataclasses import replace

from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.makers.annotations import find as find_columns
from reason_w2s.runs.makers.annotations import key_of
from reason_w2s.runs.makers.annotations import make as make_columns
from reason_w2s.runs.store import parts, read_json, write_json, write_part
from reason_w2s.runs.tables import ANNOTATIONS
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.combine import CombineConfig, of_verifiers
from reason_w2s.stages.verifiers.account import said

LEARNED = "verifiers.json"


def find(work: Work) -> Item | None:
    """The columns, if every trace has them; with what was learned of the verifiers."""
    found = find_columns(work)
    if found is None or not work.step.config["columns"]:
        return found
    place = work.store.folder("combine", found.key) / LEARNED
    if not place.is_file():
        return None
    learned = read_json(place)
    return replace(found, counts={**found.counts, "learned": learned, "said": said(learned)})


def make(work: Work) -> None:
    """Judge all traces at once."""
    if not work.step.config["columns"]:
        make_columns(work)
        return
    cfg = CombineConfig.model_validate(work.step.config)
    watch = Stopwatch(work.run)
    parted = {
        role: {problem.id for problem in rows.problems(work.store, work.role(role))}
        for role in work.step.roles
    }
    todo = list(rows.of(work.store, work.of))
    with work.store.locked("combine", key_of(work)) as folder:
        columns, learned = of_verifiers(todo, cfg, parted)
        write_json(folder / LEARNED, learned)
        if not parts(folder):
            made = [
                {**one, "input": rows.input_of(row)} for row, one in zip(todo, columns, strict=True)
            ]
            write_part(folder, made, ANNOTATIONS["combine"], watch.lap())
