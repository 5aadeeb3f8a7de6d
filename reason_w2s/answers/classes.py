"""Answers that mean the same, grouped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reason_w2s.answers.equal import equal
from reason_w2s.answers.normalize import key, normalize

Same = Callable[[str, str], bool]


def same_answer(first: str, second: str) -> bool:
    """Whether two answers mean the same; False where that could not be decided."""
    return equal(first, second).correct is True


def classes(answers: Sequence[str | None], same: Same = same_answer) -> tuple[tuple[int, ...], ...]:
    """The places of the answers that mean the same, the largest class first.

    Classes of one size are in order of first appearance. Where there is no answer (None or blank)
    there is no class. Spellings that are one when normalised are grouped first, so `same` sees each
    spelling against one answer of each class.
    """
    spelled: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        if answer is not None and answer.strip():
            spelled.setdefault(key(normalize(answer)), []).append(place)
    groups: list[list[int]] = []
    for places in spelled.values():
        text = answers[places[0]] or ""
        found = next((one for one in groups if same(text, answers[one[0]] or "")), None)
        if found is None:
            groups.append(places)
        else:
            found.extend(places)
    return tuple(sorted((tuple(sorted(one)) for one in groups), key=lambda one: (-len(one), one)))
