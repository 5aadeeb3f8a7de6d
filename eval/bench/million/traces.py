"""Traces for the bench: what several models might answer to the world's problems, told apart.

    python eval/bench/million/traces.py FOLDER ROWS

Deterministic: the same number of rows gives the same bytes. Of 100 responses about 55 are right, 27
slip in one step, 6 go round in circles, 6 are cut, 4 give no answer and 2 carry noise.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reason_w2s.problems.world import Skeleton, apply, problems, read_skeleton
from reason_w2s.records import Problem

PER_PROBLEM = 64
PLAN = (
    "Let me work through this one event at a time.",
    "To find the number, we follow what happens in order.",
    "We start with what is there and go on from sentence to sentence.",
    "First, I note what is given, then I compute each change.",
)
STEPS = {
    "+": (
        "{name} gets {operand} more, which gives {before} + {operand} = {after} {things}.",
        "Adding {operand} {things}: {before} + {operand} = {after}.",
        "So the count grows to \\({before} + {operand} = {after}\\).",
    ),
    "-": (
        "{operand} {things} are gone, so {before} - {operand} = {after} are left.",
        "Taking away {operand}: {before} - {operand} = {after}.",
        "That leaves \\({before} - {operand} = {after}\\) {things}.",
    ),
    "*": (
        "The {things} become {operand} times as many: {before} * {operand} = {after}.",
        "Multiplying, {before} \\times {operand} = {after}.",
        "This is {operand} times what it was, that is \\({before} \\cdot {operand} = {after}\\).",
    ),
}
ASIDES = (
    "Resting changes nothing.",
    "The number of {things} stays the same for the other sentences.",
    "Note that only what {name} does with the {things} counts.",
    "Let me double check this: yes, {after} it is.",
    "We keep {after} in mind and go on.",
    "Nothing else happens to the {things} here.",
)
ENDS = (
    "The answer is \\boxed{{{answer}}}.",
    "Therefore, {name} has {answer} {things}.\n\n#### {answer}",
    "Thus the final answer is $\\boxed{{{answer}}}$",
    "So {name} has \\boxed{{{answer}}} {things} in the end.",
)


def write(folder: Path, rows: int) -> None:
    """`problems.jsonl` and `traces.jsonl` with so many rows, those of one problem together."""
    count = -(-rows // PER_PROBLEM)
    left = rows
    with (folder / "problems.jsonl").open("w") as asked, (folder / "traces.jsonl").open("w") as out:
        for number, problem in enumerate(problems("train", take=count, seed=0)):
            row = {"id": problem.id, "question": problem.question, "answer": problem.gold}
            asked.write(json.dumps(row) + "\n")
            for text, finish in responses(problem, min(left, PER_PROBLEM), number):
                row = {"id": problem.id, "response": text, "finish": finish}
                out.write(json.dumps(row) + "\n")
            left -= PER_PROBLEM


def responses(problem: Problem, count: int, number: int) -> Iterator[tuple[str, str]]:
    """(text, how it ended) of each of a problem's responses."""
    dice = random.Random(number)
    skeleton = read_skeleton(problem.meta["skeleton"])
    name, things = problem.question.split()[0], problem.question.split()[3].rstrip(".")
    for _ in range(count):
        (way,) = dice.choices(WAYS, WEIGHTS)
        yield way(told(dice, skeleton, name, things, slip=way is slipped), dice)


def told(dice: random.Random, skeleton: Skeleton, name: str, things: str, *, slip: bool) -> Told:
    """The lines of a solution and what ends it; with `slip` one step's result is off."""
    said: dict[str, Any] = {"name": name, "things": things}
    value = skeleton.start
    lines = [dice.choice(PLAN), f"{name} starts with {value} {things}."]
    wrong = dice.randrange(len(skeleton.steps)) if slip else -1
    for place, (op, operand) in enumerate(skeleton.steps):
        after = apply(value, op, operand) + (dice.randint(1, 9) if place == wrong else 0)
        said |= {"before": value, "operand": operand, "after": after}
        lines.append(dice.choice(STEPS[op]).format(**said))
        lines += [one.format(**said) for one in dice.sample(ASIDES, dice.randint(0, 2))]
        value = after
    return lines, dice.choice(ENDS).format(**said, answer=value)


Told = tuple[list[str], str]


def right(made: Told, dice: random.Random) -> tuple[str, str]:
    """The whole solution, its steps numbered or not."""
    lines, end = made
    if dice.random() < 0.5:
        lines = [f"Step {place}: {line}" for place, line in enumerate(lines, 1)]
    return dice.choice(("\n", "\n\n", " ")).join([*lines, end]), "stop"


def slipped(made: Told, dice: random.Random) -> tuple[str, str]:
    """The same; its slip is in the lines."""
    return right(made, dice)


def looping(made: Told, dice: random.Random) -> tuple[str, str]:
    """The last line again and again."""
    lines, _ = made
    return "\n".join([*lines, *[lines[-1]] * dice.randint(30, 60)]), "length"


def cut(made: Told, dice: random.Random) -> tuple[str, str]:
    """Broken off somewhere."""
    text, _ = right(made, dice)
    return text[: dice.randint(len(text) // 3, len(text) - 20)], "length"


def unanswered(made: Told, dice: random.Random) -> tuple[str, str]:
    """All but the end."""
    return " ".join([*made[0], "But I am not sure about this."]), "stop"


def noisy(made: Told, dice: random.Random) -> tuple[str, str]:
    """With a link that nobody asked for."""
    text, finish = right(made, dice)
    return f"{text}\nSee https://example.com/{dice.randint(1, 10**6)} for more.", finish


WAYS: tuple[Callable[[Told, random.Random], tuple[str, str]], ...] = (
    *(right, slipped, looping, cut, unanswered, noisy),
)
WEIGHTS = (55, 27, 6, 6, 4, 2)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
