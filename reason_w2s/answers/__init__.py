"""The answer checker: find the final answer of a response, compare it with the gold answer.

    >>> from reason_w2s.answers import check
    >>> check("He pays 9 * 2 = 18 dollars.\\n#### 18", "18").status
    'correct'

Exact: text, numbers (as fractions) and structure, with no tolerance. What would need algebra is
undecided, never wrong: there is no symbolic layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reason_w2s.answers.equal import Gold, equal, gold_kind
from reason_w2s.answers.extract import extract, extract_first, unclosed_box
from reason_w2s.answers.parity import parity
from reason_w2s.answers.verdict import PARITY_KINDS, Extracted, Kind, Rule, Status, Verdict

__all__ = [
    "Extracted",
    "Gold",
    "Kind",
    "Rule",
    "Status",
    "Verdict",
    "check",
    "check_first",
    "equal",
    "extract",
    "extract_first",
    "unclosed_box",
]


def check(
    response: str | int | float | None,
    gold: Gold,
    kind: Kind = "auto",
    options: Sequence[str] | None = None,
    *,
    rel_tol: float = 0.0,
) -> Verdict:
    """Grade a whole response: extract its final answer and compare it with the gold answer.

    `kind` auto takes the kind of the gold answer, which decides how a response without any mark is
    read. A number instead of a response is the answer itself. For `gold`, `options`, `rel_tol` and
    what is no answer at all see `equal`. Never raises on a response, whatever it holds.

    Raises:
        ConfigError: there is no such kind, or a tolerance below 0.
    """
    if not isinstance(response, str):
        return equal(response, gold, kind, options, rel_tol=rel_tol)
    if kind in PARITY_KINDS:
        return parity(response, gold, kind)
    found = extract(response, gold_kind(gold, kind))
    if found is None:
        reason = "the box is never closed" if unclosed_box(response) else "no answer found"
        return Verdict("no_answer", False, reason=reason)
    return replace(equal(found.answer, gold, kind, options, rel_tol=rel_tol), rule=found.rule)


def check_first(
    response: str,
    gold: Gold,
    kind: Kind = "auto",
    options: Sequence[str] | None = None,
    *,
    rel_tol: float = 0.0,
) -> Verdict:
    """As `check`, but for the first answer that the response marks instead of the last.

    Apart from `check` it tells a model that was right and then did not stop.
    """
    found = None if kind in PARITY_KINDS else extract_first(response, gold_kind(gold, kind))
    if found is None:
        return check(response, gold, kind, options, rel_tol=rel_tol)
    return replace(equal(found.answer, gold, kind, options, rel_tol=rel_tol), rule=found.rule)
