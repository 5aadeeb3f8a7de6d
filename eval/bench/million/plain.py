"""The job as a script without a framework: a plain loop over the file, the same functions.

    python eval/bench/million/plain.py FOLDER OUT

Reads FOLDER/problems.jsonl and traces.jsonl, whose rows of one problem stand together; checks every
response, looks at its steps, keeps up to `TAKE` clean right ones per problem and pairs a right with
a wrong one; writes the same five tables to OUT. Prints what it counted as one JSON object. It does
not resume, knows of no stale or damaged file and keeps no account of what it did.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reason_w2s.answers import check, check_first
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.stepcheck import StepcheckConfig, stepcheck

TAKE = 4
BUFFER = 4096
LOOK = StepcheckConfig()
CHECKS = pa.schema(
    [
        ("key", pa.string()),
        ("status", pa.string()),
        ("correct", pa.bool_()),
        ("first_correct", pa.bool_()),
        ("answer", pa.string()),
        ("rule", pa.string()),
        ("reason", pa.string()),
    ]
)
LOOKS = pa.schema(
    [
        ("key", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("reasons", pa.list_(pa.string())),
        ("n_steps", pa.int32()),
        ("ends", pa.list_(pa.int32())),
        ("verdicts", pa.list_(pa.bool_())),
        ("n_equations", pa.int32()),
        ("n_wrong_equations", pa.int32()),
        ("first_error", pa.int32()),
        ("wrong_share", pa.float64()),
        ("think", pa.string()),
    ]
)
TEXTS = pa.schema(
    [
        ("key", pa.string()),
        ("problem_id", pa.string()),
        ("text", pa.string()),
        ("finish_reason", pa.string()),
        ("n_tokens", pa.int32()),
    ]
)
KEPT = pa.schema([("key", pa.string()), ("problem_id", pa.string())])
PAIRS = pa.schema([("problem_id", pa.string()), ("chosen", pa.string()), ("rejected", pa.string())])
Dict = dict[str, Any]


class Table:
    """A Parquet file that is written a few thousand rows at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.rows: list[Dict] = []
        self.writer = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, row: Dict) -> None:
        """Add a row."""
        self.rows.append(row)
        if len(self.rows) == BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what is there."""
        self.writer.write_table(pa.Table.from_pylist(self.rows, schema=self.writer.schema))
        self.rows = []

    def close(self) -> None:
        """Write the rest."""
        self.flush()
        self.writer.close()


def groups(folder: Path) -> Iterator[tuple[Problem, list[tuple[Trace, Dict, Dict]]]]:
    """Each problem with its traces, what the checker says of them and how they look."""
    with (folder / "problems.jsonl").open() as stream:
        asked = {row["id"]: row for row in map(json.loads, stream)}
    with (folder / "traces.jsonl").open() as stream:
        numbered = enumerate(map(json.loads, stream))
        for name, group in groupby(numbered, key=lambda one: one[1]["id"]):
            row = asked[name]
            problem = Problem(id=name, question=row["question"], gold=row["answer"])
            yield problem, [judged(number, one, problem) for number, one in group]


def judged(number: int, row: Dict, problem: Problem) -> tuple[Trace, Dict, Dict]:
    """One response, graded and looked at."""
    text = row["response"]
    trace = Trace(
        key=str(number),
        problem_id=problem.id,
        model="m",
        index=number,
        text=text,
        finish_reason=row["finish"],
        n_prompt=0,
        n_tokens=len(text.split()),
    )
    verdict, first = check(text, problem.gold), check_first(text, problem.gold)
    graded = {
        "key": trace.key,
        "status": verdict.status,
        "correct": verdict.correct,
        "first_correct": first.correct,
        "answer": verdict.answer,
        "rule": verdict.rule,
        "reason": verdict.reason,
    }
    (look,) = stepcheck([Row(trace, problem)], LOOK)
    return trace, graded, look


def lot(key: str) -> str:
    """An order that is nobody's choice."""
    return hashlib.sha256(key.encode()).hexdigest()


def main() -> None:
    """Read, judge, choose, write."""
    folder, out = map(Path, sys.argv[1:])
    schemas = {"texts": TEXTS, "check": CHECKS, "stepcheck": LOOKS, "select": KEPT, "pair": PAIRS}
    tables = {name: Table(out / f"{name}.parquet", schema) for name, schema in schemas.items()}
    counted: Counter[str] = Counter()
    for problem, group in groups(folder):
        good, bad = [], []
        for trace, graded, look in group:
            tables["texts"].add({name: getattr(trace, name) for name in TEXTS.names})
            tables["check"].add(graded)
            tables["stepcheck"].add(look)
            counted.update([f"check {graded['status']}", *(f"flag {one}" for one in look["flags"])])
            if graded["correct"] and not look["flags"]:
                good.append(trace)
            elif graded["correct"] is False:
                bad.append(trace)
        good.sort(key=lambda trace: lot(trace.key))
        for trace in good[:TAKE]:
            tables["select"].add({"key": trace.key, "problem_id": problem.id})
        counted["selected"] += len(good[:TAKE])
        if good and bad:
            rejected = min(bad, key=lambda trace: lot(trace.key))
            pair = {"problem_id": problem.id, "chosen": good[0].key, "rejected": rejected.key}
            tables["pair"].add(pair)
            counted["pairs"] += 1
    for table in tables.values():
        table.close()
    print(json.dumps(dict(sorted(counted.items()))))


if __name__ == "__main__":
    main()
