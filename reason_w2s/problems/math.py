r"""MATH (Hendrycks et al. 2021), from the hub or from a local file.

A row is {"problem", "level": "Level 3", "type", "solution"} as released, or has `question`,
`subject` and an `answer` of its own, as MATH-500 and most copies do. Where there is no answer
column, the gold is the last `\boxed{...}` of the solution.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reason_w2s.answers.normalize import close
from reason_w2s.problems.hub import USUAL
from reason_w2s.problems.jsonl import NAMES, problem
from reason_w2s.problems.rows import numbered, split_name
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.records import Problem

SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)
BOX = r"\boxed"
MATH_NAMES = {
    **NAMES,
    "id": ("id", "unique_id"),
    "question": ("question", "problem"),
    "subject": ("subject", "type"),
}


def load(spec: ProblemSpec, seed: int, wanted: int | None) -> Iterator[Problem]:
    """The split's problems, in order; ids are `math-<split>-<row>` where the set has none."""
    path = spec.path or USUAL["math"]
    names = SUBJECTS if path == USUAL["math"] and spec.name is None else (spec.name,)
    for one in numbered(spec, path=path, names=names, columns="problem, level, type and solution"):
        row = with_answer(one.row)
        if not any(row.get(name) for name in MATH_NAMES["id"]):
            row = {**row, "id": f"math-{split_name(spec)}-{one.number}"}
        # two solutions of MATH's train split box nothing: such a problem has no gold, and that
        # alone must not keep the other 7,498 from being read
        boxed = spec.columns.gold is None and BOX in str(row.get("solution"))
        need_gold = spec.labels != "none" and not boxed
        yield problem(row, spec.columns, one.place, need_gold=need_gold, names=MATH_NAMES)


def with_answer(row: dict[str, Any]) -> dict[str, Any]:
    """The row with what its solution boxes last as `answer`, where it has none."""
    if row.get("answer") is not None:
        return row
    return {**row, "answer": last_box(str(row.get("solution") or ""))}


def last_box(solution: str) -> str | None:
    r"""What the last `\boxed{...}` holds, or the sign after a `\boxed 2`; None without either.

    Unlike the answer checker, which reads neighbouring boxes as one list: the gold answers that
    were published with MATH are its last boxes.
    """
    start = solution.rfind(BOX)
    if start < 0:
        return None
    after = solution[start + len(BOX) :]
    if not after.startswith("{"):
        return after.lstrip()[:1] or None
    end = close(after, 0)
    return after[1:end].strip() or None if end > 0 else None
