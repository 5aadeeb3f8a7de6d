"""An engine without a model: made-up responses in a fixed mix, for tests and dry runs.

Of 100 responses about 40 are right, 30 wrong, 10 loop, 8 are cut, 8 give no answer and 4 are empty.
The same (seed, key) always gives the same response. Nothing here says anything about a model.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator

from reason_w2s.engines.protocols import Completion, Request
from reason_w2s.errors import DataError
from reason_w2s.records import FinishReason, Problem

LOOP_WORDS = 64


class FakeSampler:
    """Answers from `request.problem`. Tokens are words between blanks; there are no token ids."""

    def sample(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """One completion per request, in order.

        Raises:
            DataError: a request without its problem, from which the response would be made.
        """
        for request in requests:
            if request.problem is None:
                raise DataError(
                    f"request {request.key}: the fake engine needs the request's problem"
                )
            yield _complete(request, request.problem)

    def close(self) -> None:
        """Nothing to give back."""


def _complete(request: Request, problem: Problem) -> Completion:
    # a string seeds Random the same way in every process
    dice = random.Random(f"{request.seed} {request.key}")
    (make,) = dice.choices(list(MIX), weights=list(MIX.values()))
    text, reason = make(problem, dice)
    words = re.findall(r"\S+\s*", text)
    if len(words) > request.sampling.max_tokens:
        text, reason = "".join(words[: request.sampling.max_tokens]).rstrip(), "length"
    for stop in request.sampling.stop:
        if stop in text:
            text, reason = text.split(stop, 1)[0], "stop"
    n_prompt = len(request.rendered.text.split())
    return Completion(request.key, text, None, reason, n_prompt, len(text.split()))


def _right(problem: Problem, dice: random.Random) -> tuple[str, FinishReason]:
    return _answered(problem, _gold(problem)), "stop"


def _wrong(problem: Problem, dice: random.Random) -> tuple[str, FinishReason]:
    return _answered(problem, _other(problem, dice), worked=False), "stop"


def _looping(problem: Problem, dice: random.Random) -> tuple[str, FinishReason]:
    start = _words(problem)[: dice.randint(2, 6)]
    return " ".join([*start, *["so we add again"] * LOOP_WORDS]), "length"


def _cut(problem: Problem, dice: random.Random) -> tuple[str, FinishReason]:
    words = _words(problem)
    return " ".join(words[: max(1, dice.randint(len(words) // 4, len(words) // 2))]), "length"


def _unanswered(problem: Problem, dice: random.Random) -> tuple[str, FinishReason]:
    return "I do not see how to solve this.", "stop"


def _empty(problem: Problem, dice: random.Random) -> tuple[str, FinishReason]:
    return "", "stop"


MIX: dict[Callable[[Problem, random.Random], tuple[str, FinishReason]], int] = {
    _right: 40,
    _wrong: 30,
    _looping: 10,
    _cut: 8,
    _unanswered: 8,
    _empty: 4,
}


def _gold(problem: Problem) -> str:
    gold = problem.gold
    return "0" if gold is None else gold if isinstance(gold, str) else gold[0]


def _other(problem: Problem, dice: random.Random) -> str:
    """A wrong answer: another option, the number a little off, or the gold with a term added."""
    gold = _gold(problem)
    if problem.options:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(problem.options)]
        return dice.choice([letter for letter in letters if letter != gold])
    off = dice.randint(1, 9)
    return str(int(gold) + off) if gold.lstrip("-").isdigit() else f"{gold} + {off}"


def _answered(problem: Problem, answer: str, worked: bool = True) -> str:
    """The problem's own solution where it has one; a wrong answer gets a line of its own."""
    body = problem.solution if worked and problem.solution else f"We get {answer}."
    return f"{body}\nThe answer is \\boxed{{{answer}}}."


def _words(problem: Problem) -> list[str]:
    return (problem.solution or problem.question).split()
