"""Selections measured beside models, and verifiers: what they answer, what they are read against.

`evaluate: {selections: {majority: by_maj}}` names a select step whose traces answer problems made
from a suite (`problems: {test: {suite: NAME}}`). Its choice is graded as that suite says, and so is
all that was drawn for the same problems: its first trace (`first`) and any right one (`oracle`) are
measured as two more lines. `resampling` names one that keeps all that a verifier accepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.plan import Measured, MeasuredKind, Plan, Step
from reason_w2s.recipe.rules import problem_sets
from reason_w2s.recipe.schema import Evaluate, SuiteSpec
from reason_w2s.recipe.yaml_file import nearest

SUITES = "suites/"
REFERENCES: tuple[MeasuredKind, ...] = ("first", "oracle")
_LIMITS = ("take", "budget", "distinct", "mix")
_CUTS = ("where", "without", "part", "take")


class _Chosen(NamedTuple):
    """A selection on one suite. sets: of its problems. drawn: the steps that drew what it chose
    from."""

    name: str
    step: str
    suite: str
    sets: tuple[str, ...]
    drawn: tuple[str, ...]


def measurements(
    plan: Plan, asked: Evaluate, suites: Mapping[str, SuiteSpec], place: str
) -> tuple[list[Step], list[Measured]]:
    """The steps that grade selections and what they chose from, and what they measure.

    plan: of all steps there are so far.

    Raises:
        ConfigError: a name that is taken, or a step that does not select one trace per problem of a
            set made from a suite.
    """
    chosen: list[_Chosen] = []
    for name, step in asked.selections.items():
        where = f"{place}: evaluate.selections.{name}"
        _free(name, asked, where)
        _takes(plan, step, ("problem", 1), where)
        chosen += _on_suites(plan, name, step, where)
    steps: dict[str, Step] = {}
    measured: dict[tuple[str, str], Measured] = {}
    for one in chosen:
        check = suites[one.suite].check.model_dump(mode="json")
        called = _references(one, chosen)
        drawn, graded = (f"eval/{name}/{one.suite}/graded" for name in (called["first"], one.name))
        steps[drawn] = Step(drawn, "check", "traces", check, one.drawn)
        steps[graded] = Step(graded, "check", "traces", check, (one.step,))
        owed = tuple(SUITES + one.suite if _whole(plan, name) else name for name in one.sets)
        for kind, name in called.items():
            line = Measured(name, drawn, one.suite, drawn, kind, owed, drawn)
            measured.setdefault((name, one.suite), line)
        line = Measured(one.name, one.step, one.suite, graded, "selection", owed, drawn)
        measured[one.name, one.suite] = line
    return list(steps.values()), list(measured.values())


def verifiers(
    plan: Plan, asked: Evaluate, suites: Mapping[str, SuiteSpec], place: str
) -> tuple[list[Step], list[Measured]]:
    """The steps that grade all that verifiers accept or not, and these.

    Raises:
        ConfigError: as `measurements`, but that all that is accepted must be kept.
    """
    steps: list[Step] = []
    found: list[Measured] = []
    for name, step in asked.resampling.items():
        where = f"{place}: evaluate.resampling.{name}"
        if name in asked.selections:
            raise ConfigError(f"{where}: evaluate.selections has a '{name}' too; rename one")
        _free(name, asked, where)
        _takes(plan, step, (None, None), where)
        for one in _on_suites(plan, name, step, where):
            graded = f"eval/{name}/{one.suite}/graded"
            check = suites[one.suite].check.model_dump(mode="json")
            steps.append(Step(graded, "check", "traces", check, one.drawn))
            found.append(Measured(name, step, one.suite, graded, "verifier", one.sets, graded))
    return steps, found


def suite_of(plan: Plan, name: str) -> str | None:
    """The suite that a problem set was made from; None: it was not."""
    while not name.startswith(SUITES):
        if not plan.steps[name].of:
            return None
        name = plan.steps[name].of[0]
    return name.removeprefix(SUITES)


def _free(name: str, asked: Evaluate, where: str) -> None:
    """Models, selections and what these are read against share one namespace."""
    if name in REFERENCES:
        raise ConfigError(f"{where}: '{name}' is what selections are read against; rename it")
    for taken in (name, *REFERENCES):
        if taken in asked.models:
            raise ConfigError(
                f"{where}: evaluate.models has a '{taken}' too; selections, and the lines "
                f"{' and '.join(REFERENCES)} that come with them, need names of their own"
            )


def _takes(plan: Plan, name: str, wanted: tuple[str | None, int | None], where: str) -> None:
    """The step selects, and so many: one trace of each problem, or all that meet its predicate."""
    if name not in plan.steps:
        raise ConfigError(f"{where}: nothing is named '{name}'{nearest(name, plan.steps)}")
    step = plan.steps[name]
    if step.stage != "select":
        raise ConfigError(f"{where}: '{name}' is a {step.stage} step; expected a select step")
    per, take = step.config["per"], step.config["take"]
    limits = [key for key in _LIMITS if step.config[key] not in (None, {})]
    if wanted == (None, None) and limits:
        raise ConfigError(
            f"{where}: '{name}' has a {limits[0]}, but a verifier's choice is all that it accepts; "
            f"remove {limits[0]}"
        )
    if wanted not in ((None, None), (per, take)):
        raise ConfigError(
            f"{where}: '{name}' has per: {per or 'null'}, take: {take or 'null'}, but a selection "
            f"is one trace of each problem; give it per: problem, take: 1"
        )


def _on_suites(plan: Plan, name: str, step: str, where: str) -> Iterator[_Chosen]:
    """The selection on each suite that its problems were made from."""
    answered = sorted(problem_sets(plan, step))
    sets: dict[str, list[str]] = {}
    for one in answered:
        suite = suite_of(plan, one)
        if suite is not None:
            sets.setdefault(suite, []).append(one)
    if not sets:
        raise ConfigError(
            f"{where}: '{step}' answers {', '.join(answered)}, not made from a suite; expected "
            f"traces of such a set: problems: {{test: {{suite: NAME}}}}"
        )
    for suite, names in sets.items():
        yield _Chosen(name, step, suite, tuple(names), tuple(_drawing(plan, step, set(names))))


def _drawing(plan: Plan, name: str, sets: set[str]) -> list[str]:
    """The steps that drew or imported traces of these sets, as they flow into a step."""
    lineage = [one for one in plan.lineage(name) if one.stage in ("sample", "import")]
    return list(dict.fromkeys(one.name for one in lineage if sets & problem_sets(plan, one.name)))


def _references(one: _Chosen, chosen: Sequence[_Chosen]) -> dict[MeasuredKind, str]:
    """What the lines that a selection is read against are called: by what was drawn, where the
    selections on a suite choose from different traces."""
    pools = {(other.drawn, other.sets) for other in chosen if other.suite == one.suite}
    of = "" if len(pools) == 1 else f" of {'+'.join(one.drawn)}"
    return {kind: f"{kind}{of}" for kind in REFERENCES}


def _whole(plan: Plan, name: str) -> bool:
    """Whether a set is all of its suite's problems."""
    step = plan.steps[name]
    if name.startswith(SUITES):
        return True
    return not any(step.config[key] for key in _CUTS) and _whole(plan, step.of[0])
