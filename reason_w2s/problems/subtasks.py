"""The steps of a problem but the last, as problems of their own (`subtasks: true`).

Guiding Through Complexity (arXiv 2410.20533) sets easy subtasks beside full tasks; it has a model
decompose each problem. Here they are what people or the maker of the problem wrote: GSM8K's
socratic steps (source gsm8k with name: socratic, or a file with their `steps`), and the world's own
events. A subtask's gold is the running value, its solution the steps up to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reason_w2s.answers.sentences import sentences
from reason_w2s.errors import DataError
from reason_w2s.problems import world
from reason_w2s.records import Problem

STEPS = "steps"
"""Where `meta` holds a problem's socratic steps: [[question, step], ...]."""

_RESULT = re.compile(r"<<[^<>]*=\s*([^<>=]+)>>")
_NOTE = re.compile(r"<<[^<>]*>>")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ASKS = re.compile(r"(?:how|what|which|who|when|where)\b.*\?\s*$", re.IGNORECASE | re.DOTALL)
_REST = re.compile(r"^(.*) (\S+) (?:\S+) \d+ \S+\.$")


def subtasks(problem: Problem) -> Iterator[Problem]:
    """A problem's subtasks, in order; none where they would not be well-defined.

    Ids are the problem's with the number of the step; `level` is that number.

    Raises:
        DataError: nothing says what its steps are.
    """
    if STEPS in problem.meta:
        yield from _socratic(problem)
    elif "skeleton" in problem.meta:
        yield from _of_the_world(problem)
    else:
        raise DataError(
            f"problem {problem.id} says nothing of its steps: subtasks are made of GSM8K's "
            f"socratic form (source: gsm8k, name: socratic) and of the world's problems"
        )


def socratic(row: dict[str, Any]) -> list[list[str]] | None:
    """The steps of a row in GSM8K's socratic form, `Question? ** Step` a line; None: no such."""
    steps = row.get(STEPS)
    if isinstance(steps, list) and all(isinstance(one, list) and len(one) == 2 for one in steps):
        return [[str(question), str(step)] for question, step in steps]
    lines = str(row.get("answer", "")).split("\n")
    pairs = [line.split(" ** ", 1) for line in lines if " ** " in line]
    return pairs or None


def _socratic(problem: Problem) -> Iterator[Problem]:
    """None of a step that no question leads to or no calculator noted a result of, nor of a problem
    whose last sentence says more than what is asked."""
    steps: list[list[str]] = problem.meta[STEPS]
    begins = [0, *sentences(problem.question)]
    if len(begins) < 2 or not _ASKS.match(problem.question[begins[-1] :]):
        return
    told = problem.question[: begins[-1]]
    for number, (question, step) in enumerate(steps[:-1], 1):
        noted = _RESULT.findall(step)
        asks = question.rstrip().endswith("?")
        if asks and noted and _NUMBER.fullmatch(noted[-1].strip()):
            written = [_NOTE.sub("", one) for _, one in steps[:number]]
            yield _subtask(problem, number, told + question, noted[-1].strip(), written, {})


def _of_the_world(problem: Problem) -> Iterator[Problem]:
    """What is told up to an event, then rests; none whose numbers are kept for another split."""
    whole = world.read_skeleton(problem.meta["skeleton"])
    *told, asked = re.findall(r"[^.?]+[.?]\s*", problem.question)
    for number in range(1, len(whole.steps)):
        part = world.Skeleton(whole.start, whole.steps[:number])
        if part.home() in (whole.home(), "pretrain"):
            events = [told[0], *told[1 : number + 1], *map(_rests, told[number + 1 :])]
            *lines, last = world.strip_annotations(world.solution(part)).split("\n")
            gold = last.removeprefix("#### ")
            meta = {"skeleton": str(part)}
            yield _subtask(problem, number, "".join(events) + asked, gold, lines, meta)


def _rests(sentence: str) -> str:
    """`Then Tom buys 3 coins. ` as `Then Tom takes a rest. `; a rest stays one."""
    found = _REST.match(sentence.rstrip())
    return f"{found[1]} {found[2]} takes a rest. " if found else sentence


def _subtask(
    problem: Problem, number: int, question: str, gold: str, lines: list[str], meta: dict[str, Any]
) -> Problem:
    return Problem(
        id=f"{problem.id}/{number}",
        question=question,
        gold=None if problem.gold is None else gold,
        solution=None if problem.gold is None else "\n".join([*lines, f"#### {gold}"]),
        level=number,
        subject=problem.subject,
        meta=meta,
    )
