"""Grade each trace's final answer against its problem's gold answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from reason_w2s.answers import check as check_answer
from reason_w2s.answers import check_first, extract
from reason_w2s.records import Row


class CheckConfig(BaseModel):
    """`kind`: how answers are compared (see `answers.check`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["auto", "number", "latex", "choice", "text"] = "auto"


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
    verdict = check_answer(text, problem.gold, kind=cfg.kind, options=problem.options)
    first = check_first(text, problem.gold, kind=cfg.kind, options=problem.options)
    return {
        "status": verdict.status,
        "correct": verdict.correct,
        "first_correct": first.correct,
        "answer": verdict.answer,
        "rule": verdict.rule,
        "reason": verdict.reason,
    }
