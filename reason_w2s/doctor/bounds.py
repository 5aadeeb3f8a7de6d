"""How many records a step can have at most, known before it is made."""

from __future__ import annotations

from reason_w2s.doctor.case import Case
from reason_w2s.errors import DataError
from reason_w2s.recipe.plan import Step
from reason_w2s.recipe.rules import problem_sets


def most(case: Case, step: Step) -> int | None:
    """The most records that a step makes, or that a train step learns from; None: nobody knows
    yet."""
    made = case.store.made.get(step.name)
    if made is not None and step.kind != "model":
        counts = made.item.counts
        return int(counts.get("pairs", counts["out"]))
    if step.stage == "problems":
        return _problems(case, step)
    if step.stage == "import":
        return _imported(case, step)
    bounds = [most(case, case.plan.steps[name]) for name in step.of]
    known = [one for one in bounds if one is not None]
    return _of(case, step, sum(known)) if len(known) == len(bounds) else None


def _of(case: Case, step: Step, records: int) -> int | None:
    """What a step makes at most of so many records."""
    if step.stage == "sample":
        return records * int(step.config["sampling"]["n"])
    if step.stage == "select":
        return _selected(case, step, records)
    if step.stage == "pair":
        asked = asked_of(case, step)
        rules = step.config["rules"]
        return None if asked is None else min(asked * max(one["max"] for one in rules), records**2)
    return records


def _problems(case: Case, step: Step) -> int | None:
    found = case.sets.problems(step.name)
    # read in part, a set may have more; read before the run cut it, only fewer
    known = found.whole or "near" in step.config
    return len(found.problems) if known and found.problems is not None else None


def asked_of(case: Case, step: Step) -> int | None:
    """The problems behind the traces of a step, at most."""
    sizes = [most(case, case.plan.steps[name]) for name in problem_sets(case.plan, step.name)]
    return None if any(one is None for one in sizes) else sum(one or 0 for one in sizes)


def _selected(case: Case, step: Step, records: int) -> int:
    take, per = step.config["take"], step.config["per"]
    if take is None:
        return records
    asked = asked_of(case, step) if per == "problem" else 1
    return records if asked is None else min(records, take * asked)


def _imported(case: Case, step: Step) -> int | None:
    try:
        return None if case.sets.large(step) else len(case.sets.imported(step)) or None
    except DataError:
        return None
