"""What a plan must obey before anything runs: kinds, columns, and who may see gold labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.engines.client import is_url
from reason_w2s.errors import ConfigError, DataError
from reason_w2s.predicate import validate
from reason_w2s.problems.files import check
from reason_w2s.recipe.ceilings import measure_of
from reason_w2s.recipe.plan import Plan, Step
from reason_w2s.recipe.training import check_training
from reason_w2s.recipe.yaml_file import nearest
from reason_w2s.records import PROBLEM_FIELDS, REDUCTIONS, TRACE_FIELDS
from reason_w2s.stages.score import KINDS
from reason_w2s.stages.table import STAGES
from reason_w2s.trust import OPTION, trusted

if TYPE_CHECKING:
    from reason_w2s.train.config import TrainProfile

VERDICTS = ("truth", "label")
"""Settings that name a yes-or-no column."""


WRITES = {"sample": ("model",), "harness": ("model",), "train": ("ref", "teacher")}
"""Roles whose models write text."""


@dataclass(frozen=True, slots=True)
class GoldUse:
    """That a step's outcome depends on the gold of a problem set: its `answers` or `solutions`."""

    problems: str
    what: str


def enforce(plan: Plan, place: str) -> None:
    """Refuse a plan that cannot run or that uses what it may not.

    Raises:
        ConfigError: the first thing wrong, in one line.
    """
    for step in plan.steps.values():
        where = f"{place}: {step.place}"
        _kinds(plan, step, where)
        for predicate_place, predicate in _predicates(step):
            validate(predicate, f"{where}.{predicate_place}")
        for column, predicate_place in columns_read(step):
            _known(plan, step, column, f"{where}.{predicate_place}")
            if predicate_place == "loss.scores":
                _token_scores(plan, column, f"{where}.loss.scores")
            if predicate_place in VERDICTS:
                _verdict(plan, column, f"{where}.{predicate_place}")
        _mixing(plan, step, where)
        _audited(step, where)
        _scoring(step, where)
        check_training(plan, step, where)
        _gold_allowed(plan, step, where)
    measured = {one.model for one in plan.measured}
    for name, gap in plan.gaps.items():
        if measured.issuperset(gap.models.values()):
            measure_of(plan, gap, f"{place}: evaluate.gaps.{name}")


def check_batches(plan: Plan, names: Iterable[str], profile: TrainProfile) -> None:
    """Refuse, before anything runs, training that the profile cannot share out exactly.

    Raises:
        ConfigError: which step's, and what to change.
    """
    from reason_w2s.train.arguments import accumulation, check_scored_before
    from reason_w2s.train.objectives import OBJECTIVES

    for step in (plan.steps[name] for name in names):
        if step.stage == "train":
            try:
                least = OBJECTIVES[step.config["objective"]].least
                accumulation(step.config["batch"], profile, least)
                check_scored_before(step.config["trainer"], profile)
            except ConfigError as error:
                raise ConfigError(f"{step.place}: {error}") from error


def check_files(plan: Plan, names: Iterable[str]) -> None:
    """Refuse, before anything runs, steps that read a file which is not there, or code.

    Raises:
        DataError: which step's, and which file.
        ConfigError: lm-eval tasks from a folder, which the command line does not trust.
    """
    for step in (plan.steps[name] for name in names):
        if step.config.get("include_path") is not None and not trusted():
            raise ConfigError(
                f"{step.place}: include_path: {step.config['include_path']}: lm-eval's task files "
                f"can run Python code of whoever wrote them; read them, then add {OPTION}"
            )
        if step.stage in ("problems", "import"):
            given = step.config.get("file") or ()
            for file in [given] if isinstance(given, str) else given:
                try:
                    check(Path(file))
                except DataError as error:
                    raise DataError(f"{step.place}: {error}") from error


def gold_use(plan: Plan, name: str) -> set[GoldUse]:
    """All gold that the outcome of a step rests on, through everything it was made from."""
    found: set[GoldUse] = set()
    for other in plan.needed([name]):
        found |= _own_gold_use(plan, plan.steps[other])
    return found


def _own_gold_use(plan: Plan, step: Step) -> set[GoldUse]:
    if step.stage == "train" and step.config.get("target") == "solution":
        return {GoldUse(name, "solutions") for name in step.of}
    if step.stage == "train" and step.config.get("reward") is not None:
        return {GoldUse(name, "answers") for name in step.of}
    if step.stage == "prompted" and "shots" in step.roles:
        shots = plan.steps[step.roles["shots"]]
        return {GoldUse(shots.name, "solutions")} if shots.kind == "problems" else set()
    found = set()
    for column, place in columns_read(step):
        maker, short = made_by(plan, column)
        if maker is not None and short in STAGES[maker.stage].gold:
            # what is true is asked of audited problems alone
            only = step.roles.get("dev") if place == "truth" else step.roles.get("problems")
            names = {only} if only is not None else problem_sets(plan, maker.name)
            found |= {GoldUse(name, "answers") for name in names}
    return found


def made_by(plan: Plan, column: str) -> tuple[Step | None, str]:
    """The step that makes a column, and what it calls it, whatever it is reduced by; None: none."""
    whole, _, how = column.rpartition(".")
    for name in (column, whole) if how in REDUCTIONS else (column,):
        # a step's name may hold dots, a column's does not
        maker, _, short = name.rpartition(".")
        step = plan.steps.get(maker)
        if step is not None and step.stage in STAGES and short in STAGES[step.stage].columns:
            return step, short
    return None, column


def problem_sets(plan: Plan, name: str) -> set[str]:
    """The sets whose problems the traces of a step answer, not those they were cut from."""
    step = plan.steps[name]
    if step.kind == "problems":
        return {name}
    if "problems" in step.roles:
        return {step.roles["problems"]}
    return {found for parent in step.of for found in problem_sets(plan, parent)}


def _kinds(plan: Plan, step: Step, where: str) -> None:
    stage = STAGES.get(step.stage)
    takes = stage.takes if stage else ("problems", step.kind)
    for name in step.of:
        kind = plan.steps[name].kind
        if kind not in takes:
            raise ConfigError(f"{where}.of: '{name}' is {kind}; expected {' or '.join(takes)}")
    for role, name in step.roles.items():
        expected = (stage.roles.get(role, "model"),) if stage else _role_kinds(step, role)
        kind = plan.steps[name].kind
        if kind not in expected:
            wanted = "a model" if expected == ("model",) else " or ".join(expected)
            raise ConfigError(f"{where}.{role}: '{name}' is {kind}; expected {wanted}")
        if role in WRITES.get(step.stage, ()) and _gives_scores(plan, name):
            raise ConfigError(
                f"{where}.{role}: '{name}' gives scores and writes no text; use it in a score step "
                f"(kind: reward)"
            )
        if stage and stage.place == "torch" and _at_endpoint(plan, name):
            raise ConfigError(
                f"{where}.{role}: '{name}' is at an endpoint, where it can be sampled only; "
                f"expected a model with a folder or hub name as its path"
            )


def _at_endpoint(plan: Plan, name: str) -> bool:
    step = plan.steps[name]
    while step.stage == "prompted":
        step = plan.steps[step.roles["model"]]
    return is_url(str(step.config.get("path")))


def _gives_scores(plan: Plan, name: str) -> bool:
    """Whether a model was trained here to give scores."""
    from reason_w2s.train.objectives import OBJECTIVES

    step = plan.steps[name]
    while step.stage == "prompted":
        step = plan.steps[step.roles["model"]]
    return step.stage == "train" and OBJECTIVES[step.config["objective"]].head


def _role_kinds(step: Step, role: str) -> tuple[str, ...]:
    if step.stage == "problems":
        return ("problems",)
    return ("traces", "problems") if role == "shots" else ("model",)


def columns_read(step: Step) -> Iterator[tuple[str, str]]:
    """(column, where in the step's settings) for every predicate and order of a step."""
    for place, where in _predicates(step):
        for column in where:
            yield column, place
    listed = ("by", "within", "answer", "columns")
    for place in listed if step.stage in ("select", "vote", "combine") else ():
        for column in step.config.get(place, ()):
            yield column.removeprefix("-"), place
    if step.stage == "vote" and step.config["weight"] is not None:
        yield step.config["weight"], "weight"
    loss = step.config.get("loss") or {}
    if step.stage == "train" and "scores" in loss:
        yield loss["scores"], "loss.scores"
    target = step.config.get("target") if step.stage == "train" else None
    if target is not None and "." in target:
        yield target, "target"
    for place in VERDICTS if step.stage in ("noise", "train", "combine", "difficulty") else ():
        if step.config.get(place) is not None:
            yield step.config[place], place


def _predicates(step: Step) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if step.stage in ("select", "problems"):
        yield "where", step.config["where"]
    for name, part in step.config["mix"].items() if step.stage == "select" else ():
        yield f"mix.{name}.where", part["where"]
    if step.stage in ("vote", "combine", "difficulty"):
        yield "among", step.config["among"]
    for index, rule in enumerate(step.config.get("rules", ()) if step.stage == "pair" else ()):
        for side in ("when", "chosen", "rejected"):
            yield f"rules[{index}].{side}", rule[side]


def _known(plan: Plan, step: Step, column: str, where: str) -> None:
    """The column is a field of a trace or problem, or was made upstream of this very step."""
    fields = PROBLEM_FIELDS if step.stage == "problems" else (*TRACE_FIELDS, *PROBLEM_FIELDS)
    if column in fields:
        return
    there = [other for other in plan.lineage(step.name) if other.stage in STAGES]
    known = [f"{other.name}.{short}" for other in there for short in STAGES[other.stage].columns]
    numbers = [
        f"{other.name}.{short}.{how}"
        for other in there
        for short in STAGES[other.stage].lists
        for how in REDUCTIONS
    ]
    if column in known:
        _truth(plan, step, column, where)
        _one_number(plan, step, column, where)
    elif column not in numbers:
        known = [*known, *numbers, *fields]
        raise ConfigError(f"{where}: no column '{column}' reaches here{nearest(column, known)}")


def _truth(plan: Plan, step: Step, column: str, where: str) -> None:
    """A yes-or-no column is compared with true, false or null: in YAML 1.2 `yes` is a word."""
    maker, short = made_by(plan, column)
    if maker is None or short not in STAGES[maker.stage].truths:
        return
    asked = [predicate.get(column) for _, predicate in _predicates(step)]
    for value in _flat(_flat(asked)):
        if value is not None and not isinstance(value, bool):
            raise ConfigError(f"{where}.{column}: expected true, false or null, got {value!r}")


def _one_number(plan: Plan, step: Step, column: str, where: str) -> None:
    """A list has no order and lies in no range; what it is reduced to does."""
    maker, short = made_by(plan, column)
    if maker is None or short not in STAGES[maker.stage].lists:
        return
    bounds = {"min", "max"}
    told = (*(step.config.get("by") or ()), *(step.config.get("columns") or ()))
    numbers = [name.removeprefix("-") for name in told] + [step.config.get("weight")]
    bounded = any(
        bounds & set(predicate.get(column) or ())
        for _, predicate in _predicates(step)
        if isinstance(predicate.get(column), Mapping)
    )
    if column in numbers or bounded:
        ways = ", ".join(f"{column}.{how}" for how in REDUCTIONS)
        raise ConfigError(f"{where}: '{column}' is a list; expected one number of it: {ways}")


def _token_scores(plan: Plan, column: str, where: str) -> None:
    maker, _ = made_by(plan, column)
    if maker is None or column != f"{maker.name}.tokens" or maker.stage != "score":
        raise ConfigError(
            f"{where}: '{column}' holds no scores of tokens; expected STEP.tokens of a score step"
        )


def _verdict(plan: Plan, column: str, where: str) -> None:
    maker, short = made_by(plan, column)
    if maker is None or short not in STAGES[maker.stage].truths:
        raise ConfigError(
            f"{where}: '{column}' is no yes-or-no column; expected one such as STEP.correct of a "
            f"check or STEP.agrees of a vote"
        )


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    """What mappings and lists among the values hold, and the other values themselves."""
    for value in values:
        held = list(value.values()) if isinstance(value, Mapping) else value
        yield from held if isinstance(held, list) else [held]


def _mixing(plan: Plan, step: Step, where: str) -> None:
    """`mix` names steps whose traces come here."""
    there = [one.name for one in plan.lineage(step.name) if one.kind == "traces"]
    for name in step.config.get("mix", ()) if step.stage == "pair" else ():
        if name not in there:
            raise ConfigError(
                f"{where}.mix: no traces of a step '{name}' come here{nearest(name, there)}"
            )


def _audited(step: Step, where: str) -> None:
    """What a label model is told of audited problems, and which: both or neither."""
    if step.stage != "combine":
        return
    said = sorted({"fit_on", "dev"} & set(step.roles))
    if said and not step.config["columns"]:
        raise ConfigError(f"{where}.{said[0]}: is for verifiers: with 'columns'; remove it")
    if ("dev" in step.roles) != (step.config["truth"] is not None):
        raise ConfigError(
            f"{where}: dev: PROBLEMS and truth: STEP.correct go together: on which problems gold "
            f"may be looked at, and the column that says what it says"
        )
    if step.config["binarise"] == "dev" and "dev" not in step.roles:
        raise ConfigError(f"{where}.binarise: dev needs audited problems; name them: dev: PROBLEMS")


def _scoring(step: Step, where: str) -> None:
    """A score has the models of its kind, and no others."""
    if step.stage != "score":
        return
    kind, roles = step.config["kind"], KINDS[step.config["kind"]].roles
    for role in roles:
        if role not in step.roles:
            raise ConfigError(f"{where}: '{role}' is missing: kind: {kind} needs a model there")
    for role in step.roles:
        if role not in roles:
            raise ConfigError(
                f"{where}.{role}: kind: {kind} takes {' and '.join(roles)}; remove it"
            )


def _gold_allowed(plan: Plan, step: Step, where: str) -> None:
    for use in _own_gold_use(plan, step):
        labels = plan.steps[use.problems].labels
        if labels != "gold":
            raise ConfigError(
                f"{where}: reads gold {use.what} of '{use.problems}', which has labels: {labels}; "
                f"only labels: gold may decide what is trained on"
            )
