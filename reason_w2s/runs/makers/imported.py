"""Imported traces: one table per file and problem set."""

from __future__ import annotations

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
        raise DataError(
            f"{cfg.file}: none of its {len(dropped)} responses answers a problem of the set; is "
            f"'{cfg.columns.id}' the problems' id? (name it under import.columns.id)"
        )
    with work.store.locked("import", _key(work)) as folder:
        if not parts(folder):
            write_dropped(folder, dropped, watch)
            write_part(folder, [trace_row(trace) for trace in traces], TRACES, watch.lap())


def _key(work: Work) -> str:
    file = file_digest(Path(work.step.config["file"]))
    return work.key(work.settings("file"), file, [item.digest for item in work.of])
