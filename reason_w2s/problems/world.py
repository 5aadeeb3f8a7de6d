"""The procedural world: word problems whose skeletons are split by hash, so nothing leaks.

A problem tells how many things somebody has and what happens to them: two to four events, then
sentences in which nothing happens. Its solution is written as GSM8K writes its own, one line per
event with a calculator annotation, and ends in `#### `. Everything is drawn from a seed; no file is
read.

A *skeleton* is the start and the operations, `5 +3 -2`. Its hash decides for good whether it may
appear in the test, dev or train problems or in pretraining documents (`world_corpus`). Verbs are
split too: most are seen in training, some only in dev, some only in test problems with
`wording="held_out"`. Pretraining documents use all of them.
"""

from __future__ import annotations

import hashlib
import random
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, cast

from reason_w2s.errors import ConfigError
from reason_w2s.records import Problem

Split = Literal["train", "dev", "test"]
Wording = Literal["seen", "held_out"]
Home = Literal["test", "dev", "train", "pretrain"]

SENTENCES = 4  # events and idle sentences together
LARGEST = 99
STARTS = range(2, 41)
LEVELS = (2, 3, 4)

NAMES = ("Tom", "Anna", "Ben", "Clara", "David", "Emma", "Fred", "Grace")
OBJECTS = ("apples", "books", "coins", "pens", "stamps", "shells", "cards", "marbles")
# one to three words: the place of a number says nothing about which event it belongs to
WHENS = (
    *("Then", "Later", "Next", "Soon", "On Monday", "On Tuesday", "On Friday"),
    *("The next day", "After a while"),
)

Op = Literal["+", "-", "*"]
Verbs = dict[Op, tuple[str, ...]]
SEEN: Verbs = {
    "+": ("buys", "finds", "gets", "wins"),
    "-": ("sells", "loses", "eats", "gives"),
    "*": ("multiplies",),
}
DEV_ONLY: Verbs = {"+": ("borrows", "gathers"), "-": ("hides", "lends"), "*": ("copies",)}
TEST_ONLY: Verbs = {"+": ("earns", "picks"), "-": ("drops", "breaks"), "*": ("repeats",)}
EVERY: Verbs = {op: SEEN[op] + DEV_ONLY[op] + TEST_ONLY[op] for op in SEEN}

OPERANDS: dict[Op, range] = {"+": range(1, 20), "-": range(1, 20), "*": range(2, 6)}
OP_DRAW: tuple[Op, ...] = ("+", "+", "-", "-", "*")

WORDS = (
    *("+", "-", "*", "=", "####", ".", "?", ":", "Question", "Answer", "Solution"),
    *("How", "many", "does", "have", "has", "so", "times", "takes", "a", "rest"),
)
_TOKENS = (
    *("<pad>", "<eos>", "<unk>", "\n"),
    *(str(value) for value in range(LARGEST + 1)),
    *WORDS,
    *(*NAMES, *OBJECTS),
    *(word for when in WHENS for word in when.split()),
    *(verb for op in EVERY for verb in EVERY[op]),
)
VOCABULARY = tuple(dict.fromkeys(_TOKENS))

_ANNOTATION = re.compile(r"<<[^<>]*>>")


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What has to be computed: a start, then (operation, operand) in order."""

    start: int
    steps: tuple[tuple[Op, int], ...]

    def __str__(self) -> str:
        return " ".join([str(self.start), *(f"{op}{operand}" for op, operand in self.steps)])

    def home(self) -> Home:
        """Where alone it may be used: 15% test, 10% dev, 20% train, 55% pretraining."""
        place = zlib.crc32(str(self).encode()) % 20
        if place < 3:
            return "test"
        if place < 5:
            return "dev"
        return "train" if place < 9 else "pretrain"

    def values(self) -> list[int]:
        """The start and the value after each step."""
        values = [self.start]
        for op, operand in self.steps:
            values.append(apply(values[-1], op, operand))
        return values


def read_skeleton(text: str) -> Skeleton:
    """`5 +3 -2` as a skeleton."""
    start, *steps = text.split()
    return Skeleton(int(start), tuple((cast(Op, step[0]), int(step[1:])) for step in steps))


def apply(value: int, op: Op, operand: int) -> int:
    """One exact step."""
    if op == "+":
        return value + operand
    return value - operand if op == "-" else value * operand


def skeleton(rng: random.Random, level: int) -> Skeleton:
    """A skeleton of `level` steps whose values all stay within 0..LARGEST."""
    start = value = rng.choice(STARTS)
    steps: list[tuple[Op, int]] = []
    while len(steps) < level:
        op = rng.choice(OP_DRAW)
        operand = rng.choice(OPERANDS[op])
        after = apply(value, op, operand)
        if 0 <= after <= LARGEST:
            steps.append((op, operand))
            value = after
    return Skeleton(start, tuple(steps))


def skeletons(rng: random.Random, home: Home, levels: tuple[int, ...]) -> Iterator[Skeleton]:
    """Skeletons that live in `home`, without end, the levels in turn; they may repeat."""
    while True:
        for level in levels:
            drawn = skeleton(rng, level)
            while drawn.home() != home:
                drawn = skeleton(rng, level)
            yield drawn


@dataclass(frozen=True, slots=True)
class Telling:
    """A skeleton in words. `sentences`: the start, then one per event or idle stretch."""

    skeleton: Skeleton
    name: str
    things: str
    sentences: tuple[str, ...]

    @property
    def question(self) -> str:
        """The whole question."""
        return " ".join([*self.sentences, f"How many {self.things} does {self.name} have?"])


def tell(rng: random.Random, drawn: Skeleton, verbs: Verbs) -> Telling:
    """Put a skeleton into words."""
    name, things = rng.choice(NAMES), rng.choice(OBJECTS)
    sentences = [f"{name} has {drawn.start} {things}."]
    for op, operand in drawn.steps:
        counted = "times" if op == "*" else things
        verb = rng.choice(verbs[op])
        sentences.append(f"{rng.choice(WHENS)} {name} {verb} {operand} {counted}.")
    while len(sentences) <= SENTENCES:
        sentences.append(f"{rng.choice(WHENS)} {name} takes a rest.")
    return Telling(drawn, name, things, tuple(sentences))


def solution(drawn: Skeleton) -> str:
    """The worked solution in GSM8K's form, calculator annotations included."""
    values = drawn.values()
    lines = []
    for (op, operand), before, after in zip(drawn.steps, values, values[1:], strict=False):
        lines.append(f"{before} {op} {operand} = <<{before}{op}{operand}={after}>>{after}")
    return "\n".join([*lines, f"#### {values[-1]}"])


def strip_annotations(text: str) -> str:
    """The solution without its `<<...>>`: what a model is trained to write."""
    return _ANNOTATION.sub("", text)


def problems(split: Split, *, take: int, seed: int, wording: Wording = "seen") -> Iterator[Problem]:
    """`take` problems of distinct skeletons; another seed draws others from the same split.

    `wording="held_out"` uses verbs that occur in no train problem: dev has its own, test its own.

    Raises:
        ConfigError: the split or the wording is unknown, or train is asked for held-out wording.
    """
    if split not in ("train", "dev", "test") or wording not in ("seen", "held_out"):
        raise ConfigError(
            f"world: split '{split}', wording '{wording}'; "
            "there are train, dev, test and seen, held_out"
        )
    if split == "train" and wording == "held_out":
        raise ConfigError(
            "world: held-out wording is for dev and test; train has seen wording only"
        )
    held_out = DEV_ONLY if split == "dev" else TEST_ONLY
    verbs = SEEN if wording == "seen" else held_out
    # a string seed is hashed by random itself, the same in every process
    rng = random.Random(f"world {split} {wording} {seed}")
    taken: set[Skeleton] = set()
    for drawn in skeletons(rng, split, LEVELS):
        if len(taken) == take:
            return
        if drawn not in taken:
            taken.add(drawn)
            yield _problem(split, wording, tell(rng, drawn, verbs))


def _problem(split: Split, wording: Wording, told: Telling) -> Problem:
    drawn = told.skeleton
    return Problem(
        id=f"world-{split}-{hashlib.sha256(told.question.encode()).hexdigest()[:12]}",
        question=told.question,
        gold=str(drawn.values()[-1]),
        solution=solution(drawn),
        level=len(drawn.steps),
        subject=wording,
        meta={"skeleton": str(drawn)},
    )


def facts() -> list[str]:
    """Every single step that can occur, `5 + 3 = 8`."""
    found = []
    for op, operands in OPERANDS.items():
        for value, operand in product(range(LARGEST + 1), operands):
            after = apply(value, op, operand)
            if 0 <= after <= LARGEST:
                found.append(f"{value} {op} {operand} = {after}")
    return found
