"""The procedural world as a source: as many problems as asked, from the run's seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, cast

from reason_w2s.errors import ConfigError
from reason_w2s.problems import world
from reason_w2s.problems.gsm8k import plain
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.records import Problem

SPLITS = ("train", "dev", "test")


def load(spec: ProblemSpec, seed: int, wanted: int | None) -> Iterator[Problem]:
    """`wanted` problems of the split.

    Raises:
        ConfigError: the world has no such split.
    """
    if spec.split not in SPLITS:
        raise ConfigError(f"world has no split '{spec.split}'; there are: {', '.join(SPLITS)}")
    assert wanted is not None
    split = cast(Literal["train", "dev", "test"], spec.split)
    for problem in world.problems(split, take=wanted, seed=seed, wording=spec.wording):
        yield replace(problem, solution=plain(problem.solution))
