"""Grade each trace's final answer against its problem's gold answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.answers import Kind, check_first, extract
from reason_w2s.answers import check as check_answer
from reason_w2s.records import Row


class CheckConfig(BaseModel):
    """`kind` and `rel_tol`: how answers are compared (see `answers.check`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = "auto"
    rel_tol: float = Field(0.0, ge=0, lt=1)


_NOTHING: dict[str, Any] = dict.fromkeys(
    ("status", "correct", "first_correct", "answer", "rule", "reason")
)


def check(rows: Iterable[Row], cfg: CheckConfig) -> Iterator[dict[str, Any]]:
    """One dict of columns per row, in order. Reads gold labels.

    `correct` is None where nothing could be decided, and `status` says why. `first_correct` is the
    same for the first answer that the trace marks: apart from `correct`, it shows a model that was
    right and went on. Without gold (labels: none) only `answer` and `rule` are filled.
    """
    for row in rows:
        yield {"key": row.trace.key, **_grade(row, cfg)}


def _grade(row: Row, cfg: CheckConfig) -> dict[str, Any]:
    text, problem = row.trace.text, row.problem
    if row.trace.finish_reason == "error":
        return {**_NOTHING, "status": "error", "reason": text}
    if problem.gold is None:
        found = extract(text, kind=cfg.kind)
        return {
            **_NOTHING,
            "answer": found.answer if found else None,
            "rule": found.rule if found else None,
            "reason": "no gold answer to compare with",
        }
    asked = (text, problem.gold, cfg.kind, problem.options)
    verdict = check_answer(*asked, rel_tol=cfg.rel_tol)
    first = check_first(*asked, rel_tol=cfg.rel_tol)
    return {
        "status": verdict.status,
        "correct": verdict.correct,
        "first_correct": first.correct,
        "answer": verdict.answer,
        "rule": verdict.rule,
        "reason": verdict.reason,
    }
