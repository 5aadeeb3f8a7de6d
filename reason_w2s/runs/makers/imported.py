"""Imported traces: one table per file and problem set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from reason_w2s.errors import DataError
from reason_w2s.problems.files import digest as file_digest
from reason_w2s.records import Dropped, Trace
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.makers.choices import counts_of, write_dropped
from reason_w2s.runs.store import parts, write_part
from reason_w2s.runs.tables import TRACES, trace_row
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.imports import ImportConfig, import_traces

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
    if not parts(folder):
        return None
    counts = counts_of(folder, TRACES)
    return Item(work.step.name, "import", "traces", key, key, work.of, counts=counts)


def make(work: Work) -> None:
    """Read the file, match its rows to problems, keep what matches."""
    cfg = ImportConfig.model_validate(work.step.config)
    watch = Stopwatch(work.run)
    asked = rows.joined(work.store, work.of)
    found = list(import_traces(asked, cfg, step=work.step.name))
    traces = [one for one in found if isinstance(one, Trace)]
    dropped = [one for one in found if isinstance(one, Dropped)]
    if not traces:
        raise DataError(_nothing(cfg, dropped))
    with work.store.locked("import", _key(work)) as folder:
        if not parts(folder):
            write_dropped(folder, dropped, watch)
            write_part(folder, [trace_row(trace) for trace in traces], TRACES, watch.lap())


def _nothing(cfg: ImportConfig, dropped: list[Dropped]) -> str:
    by = "question" if cfg.columns.id is None else "id"
    reasons = Counter(one.reason for one in dropped).most_common()
    said = ", ".join(f"{reason} ({count:,})" for reason, count in reasons)
    nothing = (
        f"{', '.join(cfg.file)}: none of its {len(dropped):,} responses can be used: "
        f"{said or 'there are no rows'}"
    )
    if not any(reason in UNMATCHED for reason, _ in reasons):
        return nothing
    return (
        f"{nothing}; is '{getattr(cfg.columns, by)}' the problems' {by}? (name it under "
        f"import.columns.{by})"
    )


def _key(work: Work) -> str:
    files = [file_digest(Path(file)) for file in work.step.config["file"]]
    return work.key(work.settings("file"), files, [item.digest for item in work.of])
