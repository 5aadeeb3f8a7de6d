"""Grading a whole response: extract its final answer, compare it with the gold answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reason_w2s.answers.equal import Gold, check_kind, equal, gold_kind
from reason_w2s.answers.finding.extract import extract, extract_first, unclosed_box
from reason_w2s.answers.parity import parity
from reason_w2s.answers.verdict import PARITY_KINDS, Kind, Verdict


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
    check_kind(kind, rel_tol)
    try:
        found = extract(response, gold_kind(gold, kind))
        closed = found is not None or not unclosed_box(response)
    except Exception as error:
        # as in `equal`: a fault of ours ends nothing
        return Verdict("error", None, reason=f"{type(error).__name__} while finding the answer")
    if found is None:
        reason = "no answer found" if closed else "the box is never closed"
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
