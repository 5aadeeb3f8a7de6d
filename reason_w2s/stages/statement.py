r"""The final statement of a trace without its reasoning: `#### 42`, `\boxed{42}`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reason_w2s.answers import extract
from reason_w2s.errors import DataError
from reason_w2s.records import Row

FORMS: Mapping[str, str] = MappingProxyType(
    {
        "hashes": "#### {}",
        "boxed": r"\boxed{{{}}}",
        "a_colon": "Answer: {}",
        "final_answer": "Final Answer: {}",
        "the_answer_is": "The answer is {}",
    }
)
"""The mark that a rule of the checker reads, around the answer. Under other rules nothing marks it:
there it stands alone."""
RULE = ".rule"


def statement(row: Row) -> str | None:
    """The answer of a trace under the mark that the trace states it with; None where it has none.

    As a check step above read it, where there is one, else as the checker reads any text.

    Raises:
        DataError: check steps above read different answers.
    """
    checks = [name.removesuffix(RULE) for name in row.columns if name.endswith(RULE)]
    if not checks:
        return statement_in(row.trace.text)
    stated = {
        name: _stated(row.columns.get(f"{name}.answer"), row.columns[f"{name}{RULE}"])
        for name in checks
    }
    if len(set(stated.values())) > 1:
        raise DataError(
            f"{row.problem.id}: {' and '.join(checks)} read different answers in its trace; "
            f"train on traces that come by one check step"
        )
    return stated[checks[0]]


def statement_in(text: str) -> str | None:
    """The same of any text, as the checker reads it."""
    found = extract(text)
    return _stated(found.answer, found.rule) if found else None


def _stated(answer: str | None, rule: str | None) -> str | None:
    return FORMS.get(str(rule), "{}").format(answer) if answer else None
