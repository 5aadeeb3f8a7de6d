"""Selections as measured: against the first of what they chose from, and any right one of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reason_w2s.evaluate.comparison import compare
from reason_w2s.evaluate.curves import Point, Ranked, best_curve
from reason_w2s.evaluate.metrics import Graded, problem_scores
from reason_w2s.predicate import failure, ranks
from reason_w2s.recipe.plan import Measured, Plan, Step
from reason_w2s.recipe.rules import columns_read, made_by
from reason_w2s.records import Row
from reason_w2s.runs import rows
from reason_w2s.runs.graded import answers
from reason_w2s.runs.run import Run
from reason_w2s.stages.select import SelectConfig
from reason_w2s.stages.table import STAGES

Samples = Mapping[tuple[str, str], Sequence[Graded]]


def selected(run: Run, plan: Plan, samples: Samples) -> Iterator[dict[str, Any]]:
    """A row per selection and suite: how many problems it left without a choice (they count as
    wrong), its gain over the first trace, and what it leaves of what was drawn.

    gap: the generation-verification gap, pass@N less the selection's accuracy, N all that was drawn
    for a problem. why: why there is no best-of-N curve, where there is none.
    """
    lines = {(one.drawn, one.suite, one.kind): one.model for one in plan.measured}
    for one in plan.measured:
        if one.kind != "selection":
            continue
        own = samples[one.model, one.suite]
        first, oracle = (lines[one.drawn, one.suite, kind] for kind in ("first", "oracle"))
        drawn = answers(run, one, one.drawn)
        sizes = [len(group) for _, group in drawn]
        yield {
            "name": one.model,
            "suite": one.suite,
            "step": one.step,
            "n": len(own),
            "drawn": sum(sizes),
            "fewest": min(sizes),
            "most": max(sizes),
            "unchosen": sum(trace.finish_reason is None for trace in own),
            "first": first,
            "oracle": oracle,
            "accuracies": {
                role: _mean(samples[name, one.suite])
                for role, name in (("first", first), ("selection", one.model), ("oracle", oracle))
            },
            "gain": _difference(samples, one, (one.model, first), plan.seed),
            "gap": _difference(samples, one, (oracle, one.model), plan.seed),
            "why": _not_alone(plan, one.step),
        }


def best(run: Run, plan: Plan, one: Measured) -> tuple[Point, ...]:
    """The best-of-N curve of a selection: over all choices of N of what was drawn.

    Only where every column it reads is of one trace alone: a share of votes among all is not the
    share among N. Empty where that is not so.
    """
    if _not_alone(plan, one.step) is not None:
        return ()
    step = plan.steps[one.step]
    reached: dict[str, list[Row]] = {}
    columns = [column for column, _ in columns_read(step)]
    for row in rows.of(run.store, [run.items[name] for name in step.of], columns):
        reached.setdefault(row.problem.id, []).append(row)
    drawn = answers(run, one, one.drawn)
    return best_curve(
        [_ranked(step, reached.get(name, []), group, one.drawn) for name, group in drawn], plan.seed
    )


def _ranked(step: Step, reached: Sequence[Row], drawn: Sequence[Row], graded: str) -> Ranked:
    """Each drawn trace's rank in the selection's order; None where it cannot be chosen."""
    fit = [row for row in reached if failure(row, step.config["where"]) is None]
    found = ranks(fit, step.config["by"])
    return [(found.get(row.trace.key), row.columns[f"{graded}.correct"] is True) for row in drawn]


def _not_alone(plan: Plan, name: str) -> str | None:
    """Why a selection among fewer traces is not known from what was made of all of them."""
    chosen = plan.steps[name]
    for step in plan.lineage(name):
        if step.stage != "select":
            continue
        asked = SelectConfig.model_validate(step.config)
        if step is chosen:
            asked = asked.model_copy(update={"take": None})
        if not asked.alone:
            return f"'{step.name}' keeps a trace or not by what others there are"
        for column in (*step.config["where"], *step.config["by"]):
            maker, _ = made_by(plan, column.removeprefix("-"))
            if maker is not None and STAGES[maker.stage].together:
                return f"'{column.removeprefix('-')}' is made of all traces of a problem together"
    return None


def _mean(graded: Sequence[Graded]) -> float:
    scores = problem_scores(graded)
    return sum(scores.values()) / len(scores)


def _difference(
    samples: Samples, one: Measured, names: tuple[str, str], seed: int
) -> dict[str, float]:
    found = compare(samples[names[0], one.suite], samples[names[1], one.suite], seed, names)
    return {"value": found.difference, "low": found.low, "high": found.high, "p": found.p}
