"""Imported traces: one table per file and problem set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from reason_w2s.errors import DataError
from reason_w2s.problems.files import digest as file_digest
from reason_w2s.records import Problem, Trace
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.makers.choices import complete, counts_of, finish, written
from reason_w2s.runs.sorting import Sorted
from reason_w2s.runs.tables import TRACES, dropped_row, trace_row
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.imports import ImportConfig, matched

UNMATCHED = (
    "it names no problem",
    "its problem is not in the set",
    "several problems have its question",
)
"""Why a response finds no problem, in the words of `import_traces`."""


def find(work: Work) -> Item | None:
    """The traces, if the same bytes were imported for the same problems before."""
    key = _key(work)
    folder = work.store.folder("import", key)
    if not complete(folder):
        return None
    counts = counts_of(folder)
    return Item(work.step.name, "import", "traces", key, key, work.of, counts=counts)


def make(work: Work) -> None:
    """Read the file, match its rows to problems, keep what matches, in the problems' order."""
    watch = Stopwatch(work.run)
    asked = rows.joined(work.store, work.of)
    with work.store.locked("import", _key(work)) as folder:
        if not complete(folder):
            _import(work, asked, folder, watch)


def _import(work: Work, asked: list[Problem], folder: Path, watch: Stopwatch) -> None:
    cfg = ImportConfig.model_validate(work.step.config)
    places = {problem.id: place for place, problem in enumerate(asked)}
    reasons: Counter[str] = Counter()
    with (
        written(folder, TRACES) as (kept, dropped),
        Sorted(folder / ".sorting", TRACES, len(asked), _bytes(cfg)) as traces,
    ):
        for one in matched(asked, cfg, step=work.step.name):
            if isinstance(one, Trace):
                traces.add(places[one.problem_id], trace_row(one))
            else:
                dropped.add(dropped_row(one))
                reasons[one.reason] += 1
        for table in traces.tables():
            kept.write(table)
        if not kept.size:
            raise DataError(_nothing(cfg, reasons))
        finish(kept, dropped, watch)


def _bytes(cfg: ImportConfig) -> int:
    """Of the files' texts, about: what is compressed is taken for four times as large."""
    return sum(
        Path(file).stat().st_size * (4 if file.endswith((".gz", ".parquet")) else 1)
        for file in cfg.file
    )


def _nothing(cfg: ImportConfig, reasons: Counter[str]) -> str:
    by = "question" if cfg.columns.id is None else "id"
    said = ", ".join(f"{reason} ({count:,})" for reason, count in reasons.most_common())
    nothing = (
        f"{', '.join(cfg.file)}: none of its {reasons.total():,} responses can be used: "
        f"{said or 'there are no rows'}"
    )
    if not any(reason in UNMATCHED for reason in reasons):
        return nothing
    return (
        f"{nothing}; is '{getattr(cfg.columns, by)}' the problems' {by}? (name it under "
        f"import.columns.{by})"
    )


def _key(work: Work) -> str:
    files = [file_digest(Path(file)) for file in work.step.config["file"]]
    return work.key(work.settings("file"), files, [item.digest for item in work.of])
