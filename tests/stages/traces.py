"""Traces for stage tests: made by hand, and by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from reason_w2s.records import Problem, Row, Trace, by_problem


def group(
    name: str,
    size: int,
    *,
    texts: Sequence[str] | None = None,
    tokens: Sequence[int] | None = None,
    correct: Sequence[bool | None] | None = None,
    ends: str = "stop",
) -> list[Row]:
    """Rows of one problem; the column `g.correct` holds what `correct` says."""
    problem = Problem(id=name, question=f"question {name}", gold="7", level=1)
    rows = []
    for index in range(size):
        trace = Trace(
            key=f"{name}-{index}",
            problem_id=name,
            model="m",
            index=index,
            text=texts[index] if texts else f"text {index}",
            finish_reason=ends,  # type: ignore[arg-type]
            n_prompt=3,
            n_tokens=tokens[index] if tokens else 4,
        )
        rows.append(Row(trace, problem, {"g.correct": correct[index] if correct else True}))
    return rows


@st.composite
def groups(draw: st.DrawFn) -> list[Row]:
    """Up to four problems with up to six traces each; few texts, so that some are equal."""
    rows = []
    for number in range(draw(st.integers(0, 4))):
        size = draw(st.integers(1, 6))

        def several(values: st.SearchStrategy, size: int = size) -> list:
            return draw(st.lists(values, min_size=size, max_size=size))

        rows += group(
            f"p{number}",
            size,
            texts=several(st.sampled_from(["a", "b", "c"])),
            tokens=several(st.integers(0, 9)),
            correct=several(st.sampled_from([True, False, None])),
        )
    return rows


def reordered(rows: Sequence[Row], dice: Random) -> list[Row]:
    """The same rows: problems in another order, and each one's traces too."""
    together = list(by_problem(sorted(rows, key=lambda row: row.problem.id)))
    dice.shuffle(together)
    for one in together:
        dice.shuffle(one)
    return [row for one in together for row in one]
