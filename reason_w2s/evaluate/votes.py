"""The different answers to a problem, and how many samples gave each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reason_w2s.answers.classes import Same, same_answer
from reason_w2s.answers.classes import classes as answer_classes
from reason_w2s.evaluate.metrics import Graded


@dataclass(frozen=True, slots=True)
class Class:
    """One answer: as first written, how many samples gave it, and the share graded right of these.

    That share is 0 or 1 unless the checker took two spellings for the same answer and one of them
    alone for the gold answer.
    """

    answer: str
    votes: int
    right: float


def classes(samples: Sequence[Graded], same: Same = same_answer) -> tuple[Class, ...]:
    """The answers of one problem's samples, commonest first; equals in order of first appearance.

    Only samples with an answer and a verdict vote.
    """
    answers = [None if one.correct is None else one.answer for one in samples]
    return tuple(_class([samples[at] for at in places]) for places in answer_classes(answers, same))


def _class(group: Sequence[Graded]) -> Class:
    right = sum(one.correct is True for one in group) / len(group)
    return Class(group[0].answer or "", len(group), right)
