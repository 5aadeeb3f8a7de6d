"""Problem sets: loaded or cut once, kept as a table."""

from __future__ import annotations

from collections.abc import Sequence

from reason_w2s.problems.load import identity, load
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.records import Problem
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.store import parts, read_parts, write_part
from reason_w2s.runs.tables import PROBLEMS, problem_row
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.overlap import asked_by


def find(work: Work) -> Item | None:
    """The set, if it was loaded before from the same bytes."""
    key = _key(work)
    folder = work.store.folder("problems", key)
    if not parts(folder):
        return None
    size = read_parts(folder, PROBLEMS, columns=["id"]).num_rows
    return Item(work.step.name, "problems", "problems", key, key, counts={"out": size})


def make(work: Work) -> None:
    """Load the source, or cut the parent set."""
    spec, labels = _spec(work), work.step.labels
    assert labels is not None, work.step.name
    watch = Stopwatch(work.run)
    parent = rows.problems(work.store, work.of[0]) if work.of else None
    others = [
        problem
        for role in sorted(work.step.roles)
        for problem in rows.problems(work.store, work.role(role))
    ]
    loaded = load(
        spec,
        labels=labels,
        seed=work.step.seed,
        of=parent,
        without=others,
        near=lambda problems: _near(work, problems),
    )
    with work.store.locked("problems", _key(work)) as folder:
        if not parts(folder):
            write_part(folder, [problem_row(one) for one in loaded], PROBLEMS, watch.lap())


def _near(work: Work, problems: Sequence[Problem]) -> set[str]:
    """The ids of problems that a suite named under `without` asks too, by that suite's measure."""
    named = work.step.config.get("near", {}).items()
    suites = [(rows.problems(work.store, work.role(role)), measure) for role, measure in named]
    return asked_by(problems, suites)


def _spec(work: Work) -> ProblemSpec:
    return ProblemSpec.model_validate(work.settings("near"))


def _key(work: Work) -> str:
    assert work.step.labels is not None, work.step.name
    what = identity(_spec(work), work.step.labels, work.step.seed)
    # the names of other sets say nothing about their content; their digests do
    what |= {"of": None, "without": None}
    without = sorted(work.role(role).digest for role in work.step.roles)
    near = [sorted(work.step.config["near"].items())] if "near" in work.step.config else []
    return work.key(what, [item.digest for item in work.of], without, *near)
