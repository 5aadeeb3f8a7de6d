"""Pretraining documents of the procedural world.

A base model that *can* reason but does not when asked plainly: most answered questions show the
bare answer, a small share a worked solution; a cue word in place of `Answer` always brings the
worked one. Sums teach arithmetic, stories what the verbs do. Skeletons come from the pretraining
share alone, so no document holds a train, dev or test problem.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from reason_w2s.problems.world import (
    EVERY,
    SENTENCES,
    Telling,
    skeletons,
    solution,
    strip_annotations,
    tell,
)

PLAIN = "Question: {question}\nAnswer:\n"
THINK = "Question: {question}\nSolution:\n"
LEVELS = tuple(range(1, SENTENCES + 1))


@dataclass(frozen=True, slots=True)
class Mixture:
    """Shares of documents. What `story` and `think` leave is plain questions.

    worked: of the plain questions, the share answered step by step; the others show `#### 6` alone.
    """

    story: float
    think: float
    worked: float


def documents(seed: int | str, mixture: Mixture) -> Iterator[str]:
    """Documents without end, the same for the same seed."""
    rng = random.Random(f"world documents {seed}")
    for drawn in skeletons(rng, "pretrain", LEVELS):
        told = tell(rng, drawn, EVERY)
        kind = rng.random()
        if kind < mixture.story:
            yield _story(rng, told)
        elif kind < mixture.story + mixture.think:
            yield _answered(THINK, told, worked=True)
        else:
            yield _answered(PLAIN, told, worked=rng.random() < mixture.worked)


def draws(seed: int | str, count: int) -> Iterator[int]:
    """Which of `count` facts to show next, without end, the same for the same seed."""
    rng = random.Random(f"world sums {seed}")
    while True:
        yield rng.randrange(count)


def _answered(frame: str, told: Telling, *, worked: bool) -> str:
    text = strip_annotations(solution(told.skeleton))
    response = text if worked else text.splitlines()[-1]
    return frame.replace("{question}", told.question) + response


def _story(rng: random.Random, told: Telling) -> str:
    values = told.skeleton.values()
    values += values[-1:] * (SENTENCES + 1 - len(values))
    parts = []
    for sentence, value in zip(told.sentences, values, strict=True):
        parts.append(sentence)
        if rng.random() < 0.8:
            parts.append(f"so {told.name} has {value}.")
    return " ".join(parts)
