"""The answer checker: find the final answer of a response, compare it with the gold answer.

    >>> from reason_w2s.answers import check
    >>> check("He pays 9 * 2 = 18 dollars.\\n#### 18", "18").status
    'correct'

`check` grades a response, `equal` compares two bare answers, `check_many` grades on all cores.
Layers, cheapest first: text, exact numbers, structure, formulas in floats and in normal form, and
sympy in a worker process that is killed when it takes too long. No tolerance unless asked for
(`rel_tol`). What could not be decided is undecided (`correct` None), never wrong. Needs only the
standard library, and sympy for the last layer.
"""

from __future__ import annotations

from reason_w2s.answers.equal import Gold, equal, gold_kind
from reason_w2s.answers.finding.extract import extract, extract_first, unclosed_box
from reason_w2s.answers.grade import check, check_first
from reason_w2s.answers.many import check_many
from reason_w2s.answers.verdict import Extracted, Kind, Rule, Status, Verdict

__all__ = [
    "Extracted",
    "Gold",
    "Kind",
    "Rule",
    "Status",
    "Verdict",
    "check",
    "check_first",
    "check_many",
    "equal",
    "extract",
    "extract_first",
    "gold_kind",
    "unclosed_box",
]
