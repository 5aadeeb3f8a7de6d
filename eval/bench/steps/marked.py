"""stepcheck beside people who marked the first wrong step (MR-GSM8K, 323 wrong solutions).

What kind an error is, is decided from what the annotator wrote, not from our verdict: `sum`, the
annotator works out a sum that stands in the step and gets another result; `called`, the annotator
calls it a calculation error, but restates no such sum (algebra, a forgotten term, a unit); `other`.
"""

# ruff: noqa: RUF001 - the annotators' signs.

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from reason_w2s.answers.arithmetic import equations
from reason_w2s.answers.steps import split
from reason_w2s.stages.stepcheck import step_verdicts

KINDS = ("sum", "called", "other")
# Calculation error, wrong result of a calculation, wrong simplification.
_CALLED = re.compile(
    "计算(?:结果)?错误|化简错误|calculat\\w+ error|error on calculat", re.IGNORECASE
)
_CLAUSES = re.compile(r"[，。；,;]|不是|错误|而不| not ")
_NOTE = re.compile(r"<<.*?>>")
_SIGNS = str.maketrans("×✖·÷（）−＝≈", "***/()-==")
_TIMES = re.compile(r"(?<=[\d)])\s*x\s*(?=[\d($])")
_LONE_LETTER = re.compile(r"(?<![\d)])\b[A-Za-z]\b(?!\s*[=+\-*/^])")
_UNIT = re.compile(r"[^\x00-\x7f]+(?=\s*(?:[-+*/=)]|$))")
_SUM = re.compile(
    r"(?<![\d.)+\-*/%A-Za-z])((?:\(|-?\d)[\d.()+\-*/%]*[+\-*/][\d.()+\-*/%]*)"
    r"=(-?\d+(?:\.\d+)?)(?![\dA-Za-z+\-*/%(])"
)


def marked(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Steps before the human's, with false alarms; and what is said of the human's own step."""
    before: Counter[str] = Counter()
    at: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    alarms = []
    for row in rows:
        verdicts = _verdicts(row["response"])
        place = row["first_error_step"] - 1
        before.update(map(said, verdicts[:place]))
        at[kind(row)][said(verdicts[place])] += 1
        if False in verdicts[:place]:
            alarms.append(row["id"])
    return {
        "traces": len(rows),
        "before": {"steps": before.total(), **before},
        "alarms": alarms,
        "at": {name: {"steps": found.total(), **found} for name, found in at.items()},
    }


def said(verdict: bool | None) -> str:
    """A verdict as a word."""
    return "undecided" if verdict is None else "holds" if verdict else "wrong"


def kind(row: dict[str, Any]) -> str:
    """Which of `KINDS` an annotator's words make of an error."""
    if _corrected(row["error_reason"], row["steps"][row["first_error_step"] - 1]):
        return "sum"
    return "called" if _CALLED.search(row["error_reason"]) else "other"


def _verdicts(text: str) -> tuple[bool | None, ...]:
    decided = (one for one in equations(text) if one.holds is not None)
    return step_verdicts(split(text), decided)


def _corrected(reason: str, step: str) -> bool:
    """Whether the reason has a sum of the step with another result."""
    wrote = dict(_sums(step))
    found = (pair for clause in _CLAUSES.split(reason) for pair in _sums(clause))
    return any(left in wrote and wrote[left] != right for left, right in found)


def _sums(text: str) -> Iterable[tuple[str, str]]:
    """Sums and results, without units, words and blanks."""
    for match in _SUM.finditer(_plain(text)):
        if match[1].count("(") == match[1].count(")"):
            yield match[1], match[2]


def _plain(text: str) -> str:
    text = _NOTE.sub("", text).translate(_SIGNS).replace("等于", "=").replace("除以", "/")
    text = re.sub(r"(?<=\d),(?=\d{3})", "", _TIMES.sub("*", text))
    text = re.sub(r"[^\x00-\x7f]+", "|", _UNIT.sub("", _LONE_LETTER.sub("", text)))
    return re.sub(r"[A-Za-z]{2,}|[$\s]", "", re.sub(r"[.,;:](?!\d)", "|", text))
