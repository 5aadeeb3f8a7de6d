"""Small training runs that several tests share."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from reason_w2s.engines.model_folder import load_tokenizer
from reason_w2s.engines.vocabulary import fingerprint
from reason_w2s.prompts import Prompt
from reason_w2s.records import Problem
from reason_w2s.train.config import (
    Answer,
    Data,
    Example,
    PairExample,
    TokenScores,
    TrainProfile,
    TrainSettings,
    TrainStats,
    ValueExample,
    VerdictExample,
)
from reason_w2s.train.objectives import Learns
from reason_w2s.train.run import TrainPlaces, train

PROMPT = Prompt(template="Question: {question} Answer:")


def sums(count: int = 24) -> list[Example]:
    """Sums of two digits and their answers."""
    dice = random.Random(0)
    rows = []
    for i in range(count):
        a, b = dice.randint(0, 4), dice.randint(0, 5)
        problem = Problem(id=str(i), question=f"{a} + {b}")
        rows.append(Example(problem, Answer(f"so The answer is {a + b} .")))
    return rows


def uneven(count: int = 24) -> list[Example]:
    """Sums whose answers are of one to four sentences."""
    return [
        Example(row.problem, Answer(" ".join([row.answer.text] * (1 + at % 4))))
        for at, row in enumerate(sums(count))
    ]


def preferences(count: int = 24, of: Callable[[int], list[Example]] = sums) -> list[PairExample]:
    """The right answer preferred to a wrong one that was cut."""
    return [
        PairExample(row.problem, row.answer, Answer("hmm take 9 9 9", ends=False))
        for row in of(count)
    ]


def scored_preferences(
    tokenizer: Path, count: int = 24, of: Callable[[int], list[Example]] = sums
) -> list[PairExample]:
    """The same with scores between 0 and 1 of each rejected answer's five tokens."""
    mark = fingerprint(load_tokenizer(tokenizer))
    dice = random.Random(1)
    return [
        replace(one, scores=TokenScores(tuple(dice.random() for _ in range(5)), mark))
        for one in preferences(count, of)
    ]


def verdicts(count: int = 24, of: Callable[[int], list[Example]] = sums) -> list[VerdictExample]:
    """Right answers that are wanted, and in their place, for every third, a cut one that is not."""
    return [
        VerdictExample(row.problem, Answer("hmm take 9 9 9", ends=False), False)
        if at % 3 == 2
        else VerdictExample(row.problem, row.answer, True)
        for at, row in enumerate(of(count))
    ]


def values(count: int = 24, of: Callable[[int], list[Example]] = sums) -> list[ValueExample]:
    """Right answers that are worth 1, and in their place, for every third, a cut one worth -.5."""
    return [
        ValueExample(one.problem, one.answer, 1.0 if one.wanted else -0.5)
        for one in verdicts(count, of)
    ]


DATA: dict[Learns, Callable[[], Data]] = {
    "answers": sums,
    "pairs": preferences,
    "verdicts": verdicts,
    "values": values,
}


def run(
    init: Path,
    folder: Path,
    settings: TrainSettings,
    *,
    ref: Path | None = None,
    profile: TrainProfile | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    data: Data | None = None,
    seed: int = 7,
) -> TrainStats:
    """Train into `folder`/out with work in `folder`/work, on `data` or the objective's own."""
    data = data or DATA[settings.by.learns]()
    places = TrainPlaces(init, ref, folder / "out", folder / "work", {"recipe": "a test"})
    return train(
        data,
        settings,
        places,
        prompt=PROMPT,
        seed=seed,
        profile=profile or TrainProfile(threads=1),
        progress=progress,
    )


def assert_dies(after: int, training: Callable[..., TrainStats], *given: Any, **named: Any) -> None:
    """Train as `run` in a process of its own, which is shot after so many updates.

    It is a fork: to import everything anew takes longer than it trains.
    """
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            training(*given, **named, progress=partial(_shot, after))
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _shot(after: int, done: int, total: int) -> None:
    if done == after:
        os.kill(os.getpid(), signal.SIGKILL)


def weights(folder: Path) -> dict[str, object]:
    """All tensors of a model or adapter folder."""
    from safetensors.torch import load_file

    (path,) = folder.glob("*.safetensors")
    return dict(load_file(path))


def digits(count: int = 16) -> list[Problem]:
    """Problems whose answer is 7, which a random model rarely says."""
    return [Problem(id=str(i), question=f"{i % 5} + {i % 3}", gold="7") for i in range(count)]


def sample_while_training(
    init: Path,
    folder: Path,
    settings: TrainSettings,
    *,
    problems: list[Problem] | None = None,
    prompt: Prompt = PROMPT,
    teacher: Path | None = None,
    profile: TrainProfile | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrainStats:
    """As `run`, for objectives that learn from problems."""
    places = TrainPlaces(init, None, folder / "out", folder / "work", teacher=teacher)
    return train(
        problems or digits(),
        settings,
        places,
        prompt=prompt,
        seed=7,
        profile=profile or TrainProfile(threads=1),
        progress=progress,
    )
