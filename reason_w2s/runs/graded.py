"""The graded samples of what a run measured: read from the store, and written out as one file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reason_w2s.evaluate.metrics import Graded
from reason_w2s.evaluate.samples import FILE, SAMPLES
from reason_w2s.recipe.plan import Measured, Plan
from reason_w2s.records import Problem, Row
from reason_w2s.runs.run import Run

BATCH = 1024
MANY_STEPS = "10+"
_VERDICT = ("answer", "correct", "first_correct", "status", "rule", "reason")
_TRACE = ("key", "index", "text", "finish_reason", "n_prompt", "n_tokens")
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(_VERDICT),
    **{"correct": False, "first_correct": False, "status": "no_answer"},
    "reason": "nothing was chosen",
}
"""The verdict on a problem that has no trace."""


def graded(run: Run, measured: Measured) -> list[Graded]:
    """Every sample of one model on one suite; of a selection, and what it is read against, one of
    each problem."""
    return [_graded(problem, row, measured.graded) for problem, row in _lines(run, measured)]


def answers(run: Run, measured: Measured, step: str) -> list[tuple[str, list[Row]]]:
    """For each problem that a selection owes an answer to, by its id, the traces of a step."""
    owed = _owed(run, measured)
    return [(problem.id, group) for problem, group in _grouped(run, owed, step)]


def drawn(run: Run, selection: Measured) -> list[Graded]:
    """Every sample that a selection chose from; none where a problem has no sample."""
    found = answers(run, selection, selection.drawn)
    if not all(group for _, group in found):
        return []
    return [_graded(row.problem, row, selection.drawn) for _, group in found for row in group]


def _owed(run: Run, measured: Measured) -> dict[str, Problem]:
    """The problems of a suite that a selection answers, in order."""
    return {one.id: one for name in measured.problems for one in run.problems(name)}


def _grouped(
    run: Run, owed: Mapping[str, Problem], step: str
) -> Iterator[tuple[Problem, list[Row]]]:
    found: dict[str, list[Row]] = {name: [] for name in owed}
    for row in _rows(run, step):
        if row.problem.id in found:
            found[row.problem.id].append(row)
    for name, group in found.items():
        yield owed[name], group


def _rows(run: Run, step: str) -> Iterable[Row]:
    """The rows of a grading step, with its verdicts."""
    columns = [f"{step}.{name}" for name in _VERDICT]
    mark = "graded", step, run.item(step).digest
    return run.store.listed_once(mark, lambda: run.rows(step, columns))


def _lines(run: Run, measured: Measured) -> Iterator[tuple[Problem, Row | None]]:
    """What is scored: each row with its problem; None where a problem has no trace."""
    if measured.kind == "model":
        for row in _rows(run, measured.graded):
            yield row.problem, row
        return
    for problem, group in _grouped(run, _owed(run, measured), measured.graded):
        right = (row for row in group if row.columns[f"{measured.graded}.correct"] is True)
        first = next(iter(group), None)
        yield problem, next(right, first) if measured.kind == "oracle" else first


def write_rows(run: Run, plan: Plan) -> None:
    """Write `rows.parquet`, a row per sample of every model and suite, unless it is there already.

    The file says which results of the store it is of; their digests change when they do.
    """
    path = run.folder / FILE
    made_of = [
        [one.model, one.suite, *(run.items[name].digest for name in (one.graded, *one.problems))]
        for one in plan.measured
    ]
    mark = json.dumps(made_of).encode()
    if _mark_of(path) == mark:
        return
    aside = path.with_name(f".{path.name}")
    schema = SAMPLES.with_metadata({b"made_of": mark})
    with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        for one in plan.measured:
            for batch in _batches(run, one):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    aside.rename(path)


def _mark_of(path: Path) -> bytes | None:
    """What a file says that it was made of; None where there is none, or it cannot be read."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, FileNotFoundError):
        return None
    found: bytes | None = metadata.get(b"made_of")
    return found


def solution_steps(problem: Problem) -> int | str | None:
    """Lines of the gold solution, its steps in GSM8K and the world; from ten on they are one."""
    if problem.solution is None:
        return None
    count = sum(1 for line in problem.solution.split("\n") if line.strip())
    return count if count < 10 else MANY_STEPS


def _graded(problem: Problem, row: Row | None, step: str) -> Graded:
    columns = _NOTHING if row is None else _verdict(row, step)
    return Graded(
        problem_id=problem.id,
        correct=columns["correct"],
        finish_reason=None if row is None else row.trace.finish_reason,
        n_tokens=0 if row is None else row.trace.n_tokens,
        status=columns["status"],
        level=problem.level,
        first_correct=columns["first_correct"],
        subject=problem.subject,
        steps=solution_steps(problem),
        answer=columns["answer"],
    )


def _verdict(row: Row, step: str) -> dict[str, Any]:
    return {name: row.columns[f"{step}.{name}"] for name in _VERDICT}


def _batches(run: Run, measured: Measured) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for problem, row in _lines(run, measured):
        batch.append(_sample(problem, row, measured))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _sample(problem: Problem, row: Row | None, measured: Measured) -> dict[str, Any]:
    trace = {} if row is None else {name: getattr(row.trace, name) for name in _TRACE}
    return {
        "suite": measured.suite,
        "model": measured.model,
        "step": measured.graded,
        "problem_id": problem.id,
        "question": problem.question,
        "gold": problem.gold_text,
        **{"response" if name == "text" else name: trace.get(name) for name in _TRACE},
        **(_NOTHING if row is None else _verdict(row, measured.graded)),
        "level": problem.level,
        "subject": problem.subject,
    }
