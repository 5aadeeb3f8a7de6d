"""The graded samples of what a run measured: read from the store, and written out as one file."""

from __future__ import annotations

import json
from collections.abc import Iterator
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


def graded(run: Run, measured: Measured) -> list[Graded]:
    """Every sample of one model on one suite."""
    return [_graded(row, measured.graded) for row in run.rows(measured.graded)]


def write_rows(run: Run, plan: Plan) -> None:
    """Write `rows.parquet`, a row per sample of every model and suite, unless it is there already.

    The file says which results of the store it is of; their digests change when they do.
    """
    path = run.folder / FILE
    made_of = [[one.model, one.suite, run.items[one.graded].digest] for one in plan.measured]
    mark = json.dumps(made_of).encode()
    if path.is_file() and (pq.read_schema(path).metadata or {}).get(b"made_of") == mark:
        return
    aside = path.with_name(f".{path.name}")
    schema = SAMPLES.with_metadata({b"made_of": mark})
    with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        for one in plan.measured:
            for batch in _batches(run, one):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    aside.rename(path)


def solution_steps(problem: Problem) -> int | str | None:
    """Lines of the gold solution, its steps in GSM8K and the world; from ten on they are one."""
    if problem.solution is None:
        return None
    count = sum(1 for line in problem.solution.split("\n") if line.strip())
    return count if count < 10 else MANY_STEPS


def _graded(row: Row, step: str) -> Graded:
    columns = row.columns
    return Graded(
        problem_id=row.problem.id,
        correct=columns[f"{step}.correct"],
        finish_reason=row.trace.finish_reason,
        n_tokens=row.trace.n_tokens,
        status=columns[f"{step}.status"],
        level=row.problem.level,
        first_correct=columns[f"{step}.first_correct"],
        subject=row.problem.subject,
        steps=solution_steps(row.problem),
        answer=columns[f"{step}.answer"],
    )


def _batches(run: Run, measured: Measured) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in run.rows(measured.graded):
        batch.append(_sample(row, measured))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _sample(row: Row, measured: Measured) -> dict[str, Any]:
    trace, problem = row.trace, row.problem
    names = ("answer", "correct", "first_correct", "status", "rule", "reason")
    return {
        "suite": measured.suite,
        "model": measured.model,
        "step": measured.graded,
        "key": trace.key,
        "problem_id": problem.id,
        "index": trace.index,
        "question": problem.question,
        "gold": problem.gold_text,
        "response": trace.text,
        **{name: row.columns[f"{measured.graded}.{name}"] for name in names},
        "finish_reason": trace.finish_reason,
        "n_prompt": trace.n_prompt,
        "n_tokens": trace.n_tokens,
        "level": problem.level,
        "subject": problem.subject,
    }
