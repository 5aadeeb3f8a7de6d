"""From a spec to problems: load the source, or cut a set down."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from reason_w2s.errors import DataError
from reason_w2s.predicate import failure
from reason_w2s.problems.files import digest
from reason_w2s.problems.hub import USUAL, revision_of
from reason_w2s.problems.spec import Labels, ProblemSpec
from reason_w2s.problems.subtasks import subtasks
from reason_w2s.records import Problem

VERSION = 3

Source = Callable[[ProblemSpec, int, int | None], Iterable[Problem]]
SOURCES: dict[str, str] = {
    "gsm8k": "reason_w2s.problems.gsm8k:load",
    "math": "reason_w2s.problems.math:load",
    "asdiv": "reason_w2s.problems.asdiv:load",
    "hub": "reason_w2s.problems.jsonl:load",
    "jsonl": "reason_w2s.problems.jsonl:load",
    "world": "reason_w2s.problems.world_source:load",
}


def load(
    spec: ProblemSpec,
    *,
    labels: Labels,
    seed: int,
    of: Sequence[Problem] | None = None,
    without: Sequence[Problem] = (),
    near: Callable[[Sequence[Problem]], set[str]] | None = None,
) -> list[Problem]:
    """The problems a spec describes, less those of `without` (by id) and those `near` names.

    Raises:
        DataError: two problems share an id, or the set is empty.
    """
    problems: Iterable[Problem]
    if of is None:
        assert spec.source is not None
        wanted = None if spec.take is None else spec.take + len(without)
        problems = source(spec.source)(spec, seed, wanted)
    else:
        problems = of
    if spec.subtasks:
        problems = chain.from_iterable(map(subtasks, problems))
    problems = list(problems)
    left_out = {problem.id for problem in without} | (near(problems) if near else set())
    kept = cut(problems, spec, left_out)
    if not kept and spec.take != 0:
        raise DataError(
            f"no problems left of {spec.file or spec.path or spec.source or spec.of}: it has "
            f"{len(problems):,}{' in its split' if spec.split != 'train' else ''}, and "
            "where/without/part/take leave none; change these, or give a set that has some"
        )
    _refuse_twins(kept)
    if labels == "none":
        kept = [replace(problem, gold=None, solution=None) for problem in kept]
    return kept


def source(name: str) -> Source:
    """The function that loads a source."""
    module, function = SOURCES[name].split(":")
    loaded: Source = getattr(importlib.import_module(module), function)
    return loaded


def cut(problems: Iterable[Problem], spec: ProblemSpec, without: set[str]) -> list[Problem]:
    """`unique`, `where`, `without`, the salted order, `part` and `take`, in this order."""
    kept = [
        problem
        for problem in (_firsts(problems) if spec.unique else problems)
        if problem.id not in without and failure(problem, spec.where) is None
    ]
    if spec.salt is not None:
        kept.sort(key=lambda problem: _lot(problem.id, spec.salt))
    if spec.part is not None:
        which, parts = map(int, spec.part.split("/"))
        size, extra = divmod(len(kept), parts)
        start = (which - 1) * size + min(which - 1, extra)
        kept = kept[start : start + size + (which <= extra)]
    return kept if spec.take is None else kept[: spec.take]


def identity(spec: ProblemSpec, labels: Labels, seed: int) -> dict[str, object]:
    """What decides the content of a loaded set: the spec, the file's bytes or the hub's commit, the
    world's seed."""
    settings = spec.model_dump(mode="json", exclude={"file", "suite"})
    settings |= {"labels": labels, "version": VERSION}
    if not spec.subtasks:
        del settings["subtasks"]  # sets loaded before there were any stay known
    path = spec.path or USUAL.get(str(spec.source))
    if spec.file is not None:
        settings["file"] = digest(Path(spec.file))
    elif path is not None:
        settings["revision"] = revision_of(path, spec.revision)
    if spec.source == "world":
        settings["seed"] = seed
    return settings


def _lot(problem_id: str, salt: int | str | None) -> str:
    return hashlib.sha256(f"{salt}:{problem_id}".encode()).hexdigest()


def _firsts(problems: Iterable[Problem]) -> Iterable[Problem]:
    """The first problem of each id."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.id, problem)
    return first.values()


def _refuse_twins(problems: Sequence[Problem]) -> None:
    seen: set[str] = set()
    for problem in problems:
        if problem.id in seen:
            raise DataError(
                f"two problems share the id '{problem.id}'; unique: true keeps the first of them"
            )
        seen.add(problem.id)
