"""GSM8K, from the hub or from a local file with the hub's columns.

A hub row is {"question": "...", "answer": "48/2 = <<48/2=24>>24 clips\\n#### 72"}: the answer holds
the solution, and the gold answer after its last `####`. Files that keep the two apart (`solution`
and a bare `answer`) are read too. Calculator annotations `<<48/2=24>>` are taken out of solutions:
a model trained on them would have to be run with the calculator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from reason_w2s.errors import DataError, require
from reason_w2s.problems.files import read
from reason_w2s.problems.jsonl import problem
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.records import Problem

HUB_NAME = "openai/gsm8k"


def load(spec: ProblemSpec, seed: int, wanted: int | None) -> Iterator[Problem]:
    """The split's problems, in order; ids are `gsm8k-<split>-<row>` where the file has none."""
    place = spec.file or f"{HUB_NAME}[{spec.split}]"
    for index, row in enumerate(_rows(spec)):
        one = {"id": f"gsm8k-{spec.split}-{index}", **split_answer(row)}
        found = problem(one, spec.columns, f"{place}:{index + 1}", need_gold=spec.labels != "none")
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


def _rows(spec: ProblemSpec) -> Iterable[dict[str, Any]]:
    if spec.file is not None:
        return read(Path(spec.file))
    datasets = require("datasets", extra="train")
    try:
        rows: Iterable[dict[str, Any]] = datasets.load_dataset(HUB_NAME, "main", split=spec.split)
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{HUB_NAME} [{spec.split}] could not be loaded from the hub "
            f"({type(error).__name__}); without a network, give a local copy: file: {spec.split}"
            ".jsonl with columns question and answer"
        ) from error
    return rows
