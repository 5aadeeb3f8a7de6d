"""Which training problems a suite asks too.

The rules of the literature are on words without case, accents and punctuation. GPT-3 (Brown et al.
2020, appendix C) calls a test example seen where any 13 words in a row of it are in the training
text; PaLM (Chowdhery et al. 2022, section 8) where at least 70% of its runs of 8 words are. Here
one training question and one question of the suite are compared, and two things are asked besides,
or the templates that benchmarks are written in stop every run: on MATH's own training problems and
MATH-500 the bare rules find 154 pairs, nearly all of them told alike with other numbers. So the
training question must name all numbers of the suite's, and with a shared run of 13 words half the
runs of 8 must be shared too. That leaves 12 pairs, all but one about the same things and numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from reason_w2s.records import Problem

Kind = Literal["id", "question", "words"]

_DRAWING = re.compile(r"\[asy\].*?\[/asy\]", re.DOTALL)
_TOKEN = re.compile(r"\\[a-z]+|\d+(?:\.\d+)?|[^\W\d_]+|[-+*/=<>^]")
_MARKS = frozenset("-+*/=<>^")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_CAPITALS = re.compile(r"\b[A-Z]{3,}\b")
_SPOKEN = frozenset(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred thousand million half third quarter once twice thrice double triple
    """.split()  # noqa: SIM905 - a line per number would be forty
)


class OverlapConfig(BaseModel):
    """How a suite's overlap with training problems is measured.

    ngrams: words in a long and in a short run. A pair that names the same numbers overlaps where it
    shares a long run and the first of `shares` of the suite question's short runs, or the second
    of `shares` of them alone. null: ids and whole questions only, for problems whose sentences are
    alike by construction.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ngrams: tuple[int, int] | None = (13, 8)
    shares: tuple[float, float] = (0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Overlap:
    """A training problem and the suite's; `share`: of the latter's short runs that are shared."""

    problem_id: str
    suite_id: str
    kind: Kind
    share: float | None


@dataclass(frozen=True, slots=True)
class _Suite:
    """A suite, by all that a training problem may share with it."""

    questions: Mapping[str, str]
    words: Mapping[str, list[str]]
    wholes: Mapping[tuple[str, ...], str]
    runs: Mapping[tuple[str, ...], list[str]] = field(default_factory=dict)


def overlaps(
    problems: Iterable[Problem], suite: Sequence[Problem], cfg: OverlapConfig
) -> Iterator[Overlap]:
    """The pairs that overlap, in training order, each by the plainest of id, question and words.

    A number alone is no id: it says which row of a file it was.
    """
    known = _read_suite(suite, cfg)
    for problem in problems:
        found: dict[str, Overlap] = {}
        if problem.id in known.words and not problem.id.isdigit():
            found[problem.id] = Overlap(problem.id, problem.id, "id", None)
        same = known.wholes.get(tuple(_tokens(problem.question)))
        if same is not None:
            found.setdefault(same, Overlap(problem.id, same, "question", None))
        if cfg.ngrams is not None:
            for one in _by_words(problem, known, cfg.ngrams, cfg.shares):
                found.setdefault(one.suite_id, one)
        yield from found.values()


def asked_by(
    problems: Sequence[Problem], suites: Iterable[tuple[Sequence[Problem], Mapping[str, Any]]]
) -> set[str]:
    """The ids of problems that any of the suites asks too, each by its own `OverlapConfig`."""
    return {
        one.problem_id
        for suite, measure in suites
        for one in overlaps(problems, suite, OverlapConfig.model_validate(measure))
    }


def _read_suite(suite: Sequence[Problem], cfg: OverlapConfig) -> _Suite:
    words = {problem.id: _words(problem.question) for problem in suite}
    runs: dict[tuple[str, ...], list[str]] = defaultdict(list)
    if cfg.ngrams is not None:
        for name, found in words.items():
            for run in set(_runs(found, cfg.ngrams[1])):
                runs[run].append(name)
    questions = {problem.id: problem.question for problem in suite}
    wholes = {tuple(_tokens(problem.question)): problem.id for problem in suite}
    return _Suite(questions, words, wholes, dict(runs))


def _by_words(
    problem: Problem, known: _Suite, ngrams: tuple[int, int], shares: tuple[float, float]
) -> Iterator[Overlap]:
    long, short = ngrams
    mine = _words(problem.question)
    shared = Counter(name for run in set(_runs(mine, short)) for name in known.runs.get(run, ()))
    for name, count in shared.items():
        other = known.words[name]
        share = count / len(set(_runs(other, short)))
        if share < min(shares) or not _names_all(problem.question, known.questions[name]):
            continue
        in_a_row = not set(_runs(mine, long)).isdisjoint(_runs(other, long))
        if share >= shares[1] or (in_a_row and share >= shares[0]):
            yield Overlap(problem.id, name, "words", share)


def _words(question: str) -> list[str]:
    """Words, numbers and LaTeX commands; signs and a drawing's source are no text."""
    return [token for token in _tokens(_DRAWING.sub(" ", question)) if token not in _MARKS]


def _names_all(question: str, other: str) -> bool:
    """Whether a question names what makes the other that one of its kind: numbers, and words all
    in capitals; those of a drawing's source too, where both have a drawing."""
    if not (_DRAWING.search(question) and _DRAWING.search(other)):
        question, other = _DRAWING.sub(" ", question), _DRAWING.sub(" ", other)
    return _told(other) <= _told(question)


def _told(text: str) -> Counter[str]:
    told = Counter(_CAPITALS.findall(text))
    told.update(word for word in _tokens(text) if word[0].isdigit() or word in _SPOKEN)
    return told


def _tokens(question: str) -> list[str]:
    """Words, numbers, LaTeX commands and signs, without case, accents, and commas in numbers."""
    text = _THOUSANDS.sub("", question).casefold()
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in parts if not unicodedata.combining(char))
    return _TOKEN.findall(text)


def _runs(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(size)), strict=False)
