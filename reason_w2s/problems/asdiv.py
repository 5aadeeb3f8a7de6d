"""ASDiv (Miao et al. 2020), from the hub or from a local file.

A hub row is {"body": "Seven apples ...", "question": "How many ...?", "answer": "9 (apples)",
"solution_type": "Addition", "formula": "7+2=9"}: what is asked is the body and the question, the
gold the answer without its unit. Rows with several answers ("3 (cats); 4 (dogs)") are left out, as
usual. Copies with a whole `question`, a bare `answer` and a `subject` are read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reason_w2s.problems.hub import USUAL
from reason_w2s.problems.jsonl import NAMES, problem
from reason_w2s.problems.rows import numbered
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.records import Problem

ASDIV_NAMES = {**NAMES, "subject": ("subject", "solution_type")}


def load(spec: ProblemSpec, seed: int, wanted: int | None) -> Iterator[Problem]:
    """The problems with one answer, in order; ids are `asdiv-<row>` where the set has none."""
    path = spec.path or USUAL["asdiv"]
    columns = "body, question, solution_type and answer"
    for one in numbered(spec, path=path, names=[spec.name], columns=columns):
        if ";" in str(one.row.get("answer")):
            continue
        row = {"id": f"asdiv-{one.number}", **whole(one.row)}
        need_gold = spec.labels != "none"
        yield problem(row, spec.columns, one.place, need_gold=need_gold, names=ASDIV_NAMES)


def whole(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its body and question as one, and its answer without the unit."""
    found = {key: value for key, value in row.items() if key != "body"}
    if row.get("body") and row.get("question"):
        found["question"] = f"{row['body']} {row['question']}"
    if isinstance(row.get("answer"), str):
        found["answer"] = row["answer"].partition(" (")[0]
    return found
