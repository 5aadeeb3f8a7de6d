"""What a run found, as plain data: counts, scores with intervals, gaps, labels used, costs.

The report and the console table are made from this alone. Everything here is read back from the
store, so it says what is there and not what was meant.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from ruamel.yaml import YAML

from reason_w2s.evaluate.lengths import length_bias
from reason_w2s.recipe.load import plan_of
from reason_w2s.recipe.plan import Plan
from reason_w2s.recipe.used import used_steps
from reason_w2s.recipe.yaml_file import read
from reason_w2s.runs.cautions import cautions
from reason_w2s.runs.costs import costs as model_costs
from reason_w2s.runs.environment import environment
from reason_w2s.runs.examples import EXAMPLES, examples
from reason_w2s.runs.graded import write_rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.labels import labels_used
from reason_w2s.runs.measured import KEY, measured
from reason_w2s.runs.resampled import resampled
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_json, write_json

FILE = "results.json"
CURVES = {
    "losses": "loss",
    "rewards": "reward",
    "lengths": "completions/mean_length",
    "clipped": "completions/clipped_ratio",
    "kl": "kl",
}
"""What is kept of a training's log, by TRL's names: [update, value], where it was logged."""
SIDES = ("desirable", "undesirable")
"""TRL's words for wanted and unwanted answers."""


def results(run: Run) -> dict[str, Any]:
    """Everything the report shows of a run, written to `results.json`; its samples to
    `rows.parquet`."""
    with run.store.remembering():
        found = compute(run)
        write_rows(run, asked(run)[1])
    write_json(run.folder / FILE, found)
    return found


def compute(run: Run) -> dict[str, Any]:
    """As `results`, from the store alone; nothing is written."""
    with run.store.remembering():
        return _computed(run)


def _computed(run: Run) -> dict[str, Any]:
    recipe, plan = asked(run)
    manifest = read_json(run.folder / "manifest.json")
    ledger = read_json(run.folder / "ledger.json")
    costs = {row["step"]: row for row in ledger["rows"]}
    found = {
        "name": plan.name,
        "title": plan.title,
        "seed": plan.seed,
        "cell": recipe.get("cell"),
        "uses": used_steps(recipe),
        "recipe_text": _text(recipe),
        "plan": [_planned(item, costs.get(name)) for name, item in run.items.items()],
        "waterfall": [
            _waterfall(item)
            for item in run.items.values()
            if item.kind not in ("model", "fitted", "overlaps")
        ],
        "budgets": list(_budgets(run, plan)),
        "graded": list(_graded_steps(run, plan)),
        "flagged": [
            {"step": item.step, "flags": item.counts["flags"], "steps": item.counts.get("steps")}
            for item in run.items.values()
            if "flags" in item.counts
        ],
        "lengths": list(_lengths(run, plan)),
        "trained": [_trained(run, plan, name) for name in run.items if _is_trained(plan, name)],
        "overlaps": list(_overlaps(run)),
        "noise": [
            {"step": name, **item.counts}
            for name, item in run.items.items()
            if item.kind == "fitted"
        ],
        "verifiers": [
            {"step": name, "said": item.counts["said"], **item.counts["learned"]}
            for name, item in run.items.items()
            if "verifiers" in item.counts.get("learned", {})
        ],
        **measured(run, plan),
        "resampling": list(resampled(run, plan)),
        "costs": list(model_costs(run, plan)),
        "ledger": {**ledger, "kept": list(_kept(run, ledger))},
        "environment": environment(manifest),
        "examples": list(examples(run, plan)),
        "damaged": manifest.get("damaged", []),
    }
    found["warnings"] = cautions(found)
    return found


def asked(run: Run) -> tuple[dict[str, Any], Plan]:
    """The recipe as the run was asked for it, and its plan."""
    recipe = read(run.folder / "recipe.yaml")
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
        "key": item.key[:KEY],
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
        "key": item.key[:KEY],
        "in": item.counts.get("in", out),
        "out": out,
        "dropped": dropped,
        "pairs": item.counts.get("pairs"),
    }


def _budgets(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    """Tokens that a select step was to spend on all problems, and those it spent."""
    for name, item in run.items.items():
        config = plan.steps[name].config
        if item.stage == "select" and config["budget"] is not None and config["per"] is None:
            spent = sum(row.trace.n_tokens for row in run.rows(name, ()))
            yield {"step": name, "tokens": config["budget"]["tokens"], "spent": spent}


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
        "generated": stats.get("generated", 0),
        **{name: _curve(stats["log"], of) for name, of in CURVES.items()},
        "labels": labels_used(run, plan, name),
        "left_out": item.counts.get("left_out", 0),
        "verdicts": _verdicts(item.counts, step.config.get("trainer", {})),
    }


def _verdicts(counts: Mapping[str, Any], trainer: Mapping[str, Any]) -> dict[str, Any] | None:
    """How many answers were wanted and how many not, and what TRL weighs one of each with."""
    if "wanted" not in counts:
        return None
    weights = {f"{side}_weight": float(trainer.get(f"{side}_weight", 1.0)) for side in SIDES}
    wanted = counts["wanted"]
    return {"wanted": wanted, "unwanted": counts["examples"] - wanted, **weights}


def _curve(log: list[dict[str, float]], of: str) -> list[list[float]]:
    return [[one["step"], one[of]] for one in log if of in one]


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


def _lengths(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    """How far length alone tells chosen from rejected, for each pair step that made pairs."""
    for name, item in run.items.items():
        pairs, named = run.pairs(name, ()) if item.kind == "pairs" else ([], {})
        if pairs:
            chosen, rejected = (
                [named[key].trace.n_tokens for key in keys]
                for keys in zip(*((pair.chosen, pair.rejected) for pair in pairs), strict=True)
            )
            found = length_bias([pair.problem_id for pair in pairs], chosen, rejected, plan.seed)
            yield {"step": name, **asdict(found)}


def _kept(run: Run, ledger: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What each example that a choosing step kept cost to draw: tokens and device-seconds.

    Shared traces count in full: the price is what the examples cost, whoever paid it.
    """
    rows = {row["step"]: row for row in ledger["rows"]}
    for name, item in run.items.items():
        drawn = {one.step for one in item.lineage() if one.stage == "sample"} & rows.keys()
        if item.stage in ("select", "pair") and drawn:
            examples = item.counts["pairs"] if item.stage == "pair" else item.counts["out"]
            tokens = sum(
                rows[step]["tokens_generated"] + rows[step]["tokens_shared"] for step in drawn
            )
            shared = any(rows[step]["shared"] for step in drawn)
            seconds = sum(rows[step]["seconds"] for step in drawn)
            yield {
                "step": name,
                "examples": examples,
                "tokens": tokens / examples if examples else None,
                "seconds": seconds / examples if examples and not shared else None,
            }
