"""GSM8K, from the hub or from a local file with the hub's columns.

A hub row is {"question": "...", "answer": "48/2 = <<48/2=24>>24 clips\\n#### 72"}: the answer holds
the solution, and the gold answer after its last `####`. Files that keep the two apart (`solution`
and a bare `answer`) are read too. Calculator annotations `<<48/2=24>>` are taken out of solutions:
a model trained on them would have to be run with the calculator. Of the socratic form (`name:
socratic`) the solution is the steps alone, and `meta` keeps the questions that lead to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reason_w2s.problems.hub import USUAL
from reason_w2s.problems.jsonl import problem
from reason_w2s.problems.rows import numbered, split_name
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.problems.subtasks import STEPS, socratic
from reason_w2s.records import Problem


def load(spec: ProblemSpec, seed: int, wanted: int | None) -> Iterator[Problem]:
    """The split's problems, in order; ids are `gsm8k-<split>-<row>` where the file has none."""
    path, name = spec.path or USUAL["gsm8k"], spec.name or "main"
    for one in numbered(spec, path=path, names=[name], columns="question and answer"):
        row = {"id": f"gsm8k-{split_name(spec)}-{one.number}", **split_answer(one.row)}
        steps = socratic(one.row)
        if steps is not None:
            row["solution"] = "\n".join([*(step for _, step in steps), f"#### {row['answer']}"])
        found = problem(row, spec.columns, one.place, need_gold=spec.labels != "none")
        meta = found.meta if steps is None else {**found.meta, STEPS: steps}
        found = replace(found, meta=meta)
        yield replace(found, level=_steps(found.solution), solution=plain(found.solution))


def split_answer(row: dict[str, Any]) -> dict[str, Any]:
    """A hub row's `answer` as `solution` and bare `answer`; other rows unchanged."""
    answer = row.get("answer")
    if not isinstance(answer, str) or "####" not in answer:
        return row
    return {**row, "solution": answer, "answer": answer.rsplit("####", 1)[1].strip()}


def plain(solution: str | None) -> str | None:
    """A solution without its calculator annotations."""
    return None if solution is None else re.sub(r"<<[^<>]*>>", "", solution)


def _steps(solution: str | None) -> int | None:
    """GSM8K's usual measure of difficulty: the calculator annotations in the gold solution."""
    return len(re.findall(r"<<[^<>]*>>", solution)) or None if solution else None
