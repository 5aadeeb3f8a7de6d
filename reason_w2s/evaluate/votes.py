"""The different answers to a problem, and how many samples gave each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reason_w2s.answers import equal
from reason_w2s.answers.normalize import key, normalize
from reason_w2s.evaluate.metrics import Graded

Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Class:
    """One answer: as first written, how many samples gave it, and the share graded right of these.

    That share is 0 or 1 unless the checker took two spellings for the same answer and one of them
    alone for the gold answer.
    """

    answer: str
    votes: int
    right: float


def same_answer(first: str, second: str) -> bool:
    """Whether two answers mean the same; False where that could not be decided."""
    return equal(first, second).correct is True


def classes(samples: Sequence[Graded], same: Same = same_answer) -> tuple[Class, ...]:
    """The answers of one problem's samples, commonest first; equals in order of first appearance.

    Only samples with an answer and a verdict vote. Spellings that are one when normalised are
    grouped first, so `same` sees each spelling against one answer of each class.
    """
    spelled: dict[str, list[Graded]] = {}
    for one in samples:
        if one.answer is not None and one.answer.strip() and one.correct is not None:
            spelled.setdefault(key(normalize(one.answer)), []).append(one)
    groups: list[list[Graded]] = []
    for members in spelled.values():
        found = next((group for group in groups if same(_text(members), _text(group))), None)
        if found is None:
            groups.append(members)
        else:
            found.extend(members)
    made = (Class(_text(group), len(group), _share(group)) for group in groups)
    return tuple(sorted(made, key=lambda one: -one.votes))


def _text(group: Sequence[Graded]) -> str:
    return group[0].answer or ""


def _share(group: Sequence[Graded]) -> float:
    return sum(one.correct is True for one in group) / len(group)
