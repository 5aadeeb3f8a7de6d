"""The final statement alone: what is learned without the reasoning."""

from __future__ import annotations

import dataclasses

import pytest

from reason_w2s.answers import extract
from reason_w2s.errors import DataError
from reason_w2s.stages.check import CheckConfig, check
from reason_w2s.stages.statement import FORMS, statement, statement_in
from reason_w2s.stages.train import from_traces
from reason_w2s.train.config import Answer
from tests.stages.traces import group

STATED = {
    "So 3 + 4 = 7 ; #### 7": "#### 7",
    "3 + 4 = 7, so \\boxed{7} it is.": "\\boxed{7}",
    "He has \\(\\boxed{\\frac{7}{2}}\\).": "\\boxed{\\frac{7}{2}}",
    "3 + 4 = 7\nA: 7": "Answer: 7",
    "3 + 4 = 7.\n\nThe answer is 7.": "The answer is 7.",  # as written
    "Tom has 3 apples and then 7": "7",
    "<think>\n\\boxed{8}? No.\n</think>\n\n\\boxed{7}": "\\boxed{7}",
}


@pytest.mark.parametrize(("text", "stated"), STATED.items())
def test_the_statement_has_the_mark_of_the_trace(text, stated):
    assert statement_in(text) == stated
    assert extract(stated).answer == extract(text).answer


@pytest.mark.parametrize("rule", FORMS)
@pytest.mark.parametrize("answer", ["42", "-3.5", r"\frac{1}{2}", "$18.00", "x = 3", "28\\%"])
def test_every_form_is_read_back_by_its_rule(rule, answer):
    found = extract(FORMS[rule].format(answer))
    assert (found.answer, found.rule) == (answer, rule)


def graded(*texts, name="g", **settings):
    """Rows as a check step leaves them."""
    rows = group("p", len(texts), texts=texts)
    found = check(rows, CheckConfig(**settings))
    return [
        dataclasses.replace(row, columns={f"{name}.{key}": value for key, value in one.items()})
        for row, one in zip(rows, found, strict=True)
    ]


def test_what_the_check_step_read_counts():
    (row,) = graded("It is option 2, or (B)", kind="choice")
    assert statement(row) == "B"
    assert statement_in(row.trace.text) != "B"


def test_examples_are_statements_that_end():
    rows = graded("3 + 4 = 7 ; #### 7", "3 + 4 = 8 ; #### 8")
    cut = dataclasses.replace(rows[1].trace, finish_reason="length", token_ids=(1, 2))
    rows[1] = dataclasses.replace(rows[1], trace=cut)
    found = list(from_traces(rows, "answer"))
    assert [one.answer for one in found] == [Answer("#### 7"), Answer("#### 8")]
    assert [one.answer.text for one in from_traces(rows)] == [row.trace.text for row in rows]


def test_a_trace_without_an_answer_says_what_to_select():
    with pytest.raises(DataError, match=r"problem p: its trace states no answer.*not: null"):
        list(from_traces(graded("Hello there."), "answer"))


def test_two_checks_that_disagree():
    (one,) = graded("It is option 2, or (B)", kind="choice")
    (other,) = graded("It is option 2, or (B)", name="h", kind="number")
    both = dataclasses.replace(one, columns={**one.columns, **other.columns})
    with pytest.raises(DataError, match="g and h read different answers"):
        statement(both)
