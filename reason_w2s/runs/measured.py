"""What a run measured: scores, comparisons, gaps and controls, as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np

from reason_w2s.answers import equal
from reason_w2s.evaluate.comparison import compare
from reason_w2s.evaluate.curves import average_at_k, majority_curve, pass_curve, powers
from reason_w2s.evaluate.gaps import Measure, Recovered, gold_gain_share, pgr, rgr
from reason_w2s.evaluate.metrics import Graded, problem_scores, score
from reason_w2s.evaluate.versus import comparison
from reason_w2s.recipe.ceilings import measure_of
from reason_w2s.recipe.plan import Measured, Plan, Step
from reason_w2s.recipe.schema import Gap
from reason_w2s.runs import harness
from reason_w2s.runs.graded import drawn, graded
from reason_w2s.runs.labels import labels_used
from reason_w2s.runs.run import Run
from reason_w2s.runs.selected import best, selected
from reason_w2s.stages.check import CheckConfig

KEY = 12
"""Letters of a store key that are shown."""
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_SHARES = {"PGR": pgr, "RGR": rgr, "share of the gold-SFT gain": gold_gain_share}

Samples = Mapping[tuple[str, str], Sequence[Graded]]
Curves = dict[tuple[str, str, tuple[str, ...]], dict[str, Any]]
"""By the step drawn from, the suite and the problems answered."""


def measured(run: Run, plan: Plan) -> dict[str, Any]:
    """The sections `suites`, `scores`, `selections`, `comparisons`, `gaps`, `controls` and
    `checkpoints`."""
    samples = {(one.model, one.suite): graded(run, one) for one in plan.measured}
    drawn_from: Curves = {}
    scores = [
        _score(run, plan, one, samples[one.model, one.suite], drawn_from) for one in plan.measured
    ]
    return {
        "suites": list(_suites(run, plan)),
        "scores": scores,
        "selections": list(selected(run, plan, samples)),
        "comparisons": list(_comparisons(plan, samples)),
        "gaps": list(_gaps(plan, samples)),
        "controls": list(_controls(plan)),
        "checkpoints": list(_checkpoints(scores)),
    }


def _names(plan: Plan) -> list[str]:
    """The suites, in order."""
    return list(dict.fromkeys(one.suite for one in plan.measured))


def _suites(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    for name in _names(plan):
        of = [one for one in plan.measured if one.suite == name]
        first = next((one for one in of if one.kind == "model"), None)
        if first is None:
            yield _of_selections(run, plan, name, of[0])
            continue
        check = plan.steps[first.graded]
        if check.stage == "harness":
            graded_by = run.items[first.graded]
            yield {"name": name, **harness.suite(graded_by), "key": graded_by.key[:KEY]}
            continue
        sampling = plan.steps[check.of[0]].config["sampling"]
        item = run.items[f"suites/{name}"]
        yield {
            "name": name,
            "n": item.counts["out"],
            "samples": sampling["n"],
            "sampling": sampling,
            "kind": check.config["kind"],
            "key": item.key[:KEY],
        }


def _of_selections(run: Run, plan: Plan, name: str, one: Measured) -> dict[str, Any]:
    """A suite on which no model is measured; how its traces were drawn the steps say."""
    sets = [run.items[step] for step in one.problems]
    return {
        "name": name,
        "n": len({problem.id for step in one.problems for problem in run.problems(step)}),
        "samples": 1,
        "sampling": None,
        "kind": plan.steps[one.graded].config["kind"],
        "key": " ".join(item.key[:KEY] for item in sets),
    }


def _score(
    run: Run, plan: Plan, one: Measured, samples: Sequence[Graded], drawn_from: Curves
) -> dict[str, Any]:
    step = plan.steps[one.step]
    asked_of = plan.steps[step.roles["model"]] if step.stage == "prompted" else step
    return {
        "model": one.model,
        "kind": one.kind,
        "step": one.step,
        "suite": one.suite,
        "key": run.items[one.graded].key[:KEY],
        "trained": asked_of.stage == "train",
        **asdict(score(samples)),
        "curves": _curves_of(run, plan, one, samples, drawn_from),
        "labels": labels_used(run, plan, one.step),
    }


def _curves_of(
    run: Run, plan: Plan, one: Measured, samples: Sequence[Graded], drawn_from: Curves
) -> dict[str, Any]:
    """A model's curves over its samples; a selection's over all that it chose from, which
    `drawn_from` keeps for the others that choose from the same."""
    check = plan.steps[one.graded]
    if one.kind != "selection":
        return _curves(samples, plan.seed, check)
    chosen = [asdict(point) for point in best(run, plan, one)]
    place = (one.drawn, one.suite, one.problems)
    if place not in drawn_from:
        drawn_from[place] = _curves(drawn(run, one), plan.seed, check)
    return {**drawn_from[place], "best": chosen if len(chosen) > 1 else []}


def _curves(samples: Sequence[Graded], seed: int, check: Step) -> dict[str, Any]:
    """avg@k, pass@k and maj@k; empty where there is but one sample of each problem."""
    if not samples or powers(samples) == (1,):
        return {"average": [], "pass": [], "majority": []}
    cfg = CheckConfig.model_validate(check.config)

    @cache
    def same(a: str, b: str) -> bool:
        return equal(a, b, kind=cfg.kind, rel_tol=cfg.rel_tol).correct is True

    average = [average_at_k(samples, k) for k in powers(samples)]
    majority = majority_curve(samples, seed, same=same)
    curves = {"average": average, "pass": pass_curve(samples, seed), "majority": majority}
    return {name: [asdict(point) for point in points] for name, points in curves.items()}


def _comparisons(plan: Plan, samples: Samples) -> Iterator[dict[str, Any]]:
    for suite in _names(plan):
        for a, b in plan.compare:
            if not {(a, suite), (b, suite)} <= samples.keys():
                continue
            found = compare(samples[a, suite], samples[b, suite], plan.seed, (a, b))
            yield {"suite": suite, **comparison(found)}


def _gaps(plan: Plan, samples: Samples) -> Iterator[dict[str, Any]]:
    for suite in _names(plan):
        for name, gap in plan.gaps.items():
            if not {(one, suite) for one in gap.models.values()} <= samples.keys():
                continue
            measure = measure_of(plan, gap)
            about = {
                "name": name,
                "suite": suite,
                "measure": measure or "gain",
                "start": gap.start,
                "reached": gap.reached,
                "ceiling": gap.ceiling,
            }
            if measure is None:
                yield {**about, **_gain(gap, suite, samples, plan.seed)}
            else:
                yield {**about, **_share(measure, gap, suite, samples, plan.seed)}


def _gain(gap: Gap, suite: str, samples: Samples, seed: int) -> dict[str, Any]:
    names = (gap.reached, gap.start)
    found = compare(samples[names[0], suite], samples[names[1], suite], seed, names)
    means = {
        role: float(np.mean(list(problem_scores(samples[name, suite]).values())))
        for role, name in (("start", gap.start), ("reached", gap.reached))
    }
    return {
        "n": found.n,
        "accuracies": {**means, "ceiling": None},
        "value": found.difference,
        "low": found.low,
        "high": found.high,
        "refused": None,
        "sentence": found.sentence,
    }


def _share(measure: Measure, gap: Gap, suite: str, samples: Samples, seed: int) -> dict[str, Any]:
    named = (gap.start, gap.reached, gap.ceiling or "")
    start, reached, end = (problem_scores(samples[name, suite]) for name in named)
    found: Recovered = _SHARES[measure](start, reached, end, seed)
    return {
        "n": found.n,
        "accuracies": {"start": found.start, "reached": found.reached, "ceiling": found.end},
        **asdict(found.gap),
        "sentence": f"{gap.reached}: {found.sentence}",
    }


def _controls(plan: Plan) -> Iterator[dict[str, Any]]:
    """What each control is, where there is a gap to set it beside."""
    if plan.gaps:
        for role, model in plan.controls.model_dump().items():
            yield {"role": role, "model": model}


def _checkpoints(scores: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Accuracy over the updates of one training, where several of its checkpoints were measured."""
    for suite in dict.fromkeys(one["suite"] for one in scores):
        points = [
            {
                "model": one["model"],
                "updates": int(found[1]),
                **{name: one[name] for name in ("accuracy", "low", "high")},
            }
            for one in scores
            if one["suite"] == suite and (found := _CHECKPOINT.fullmatch(one["model"]))
        ]
        if len(points) > 1:
            yield {"suite": suite, "points": sorted(points, key=lambda point: point["updates"])}
