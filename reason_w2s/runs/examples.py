"""A few records of a run as they are, for its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from reason_w2s.recipe.plan import Plan
from reason_w2s.records import Numbers, Row
from reason_w2s.runs.items import Item
from reason_w2s.runs.run import Run

EXAMPLES = 4
LONG = 12


def examples(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    """For each pair, select and measured step the first few of what it kept and what it dropped."""
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
            few = {row.trace.key for row in islice(run.rows(name, ()), EXAMPLES)}
            items = [_shown(row, kept=None, reason=None) for row in run.rows(name, keys=few)]
            title = f"responses of {name.removesuffix('/graded')}"
            yield {"step": name, "title": title, "items": items}


def _pairs(run: Run, name: str) -> Iterator[dict[str, Any]]:
    found, named = run.pairs(name, ())
    for pair in islice(found, EXAMPLES):
        chosen, rejected = named[pair.chosen], named[pair.rejected]
        yield {
            "problem_id": pair.problem_id,
            "question": chosen.problem.question,
            "gold": chosen.problem.gold_text,
            "chosen": chosen.trace.text,
            "rejected": rejected.trace.text,
            "rule": pair.rule,
        }


def _kept_and_dropped(run: Run, item: Item) -> Iterator[dict[str, Any]]:
    reasons = run.dropped(item.step)
    # a trace may come by way of several
    most = {True: item.counts["out"] * len(item.of), False: len(reasons) * len(item.of)}
    left = {kept: min(EXAMPLES, number) for kept, number in most.items()}
    for parent in item.of:
        few = set(_first(run.rows(parent.step, ()), reasons, left))
        for row in run.rows(parent.step, keys=few) if few else ():
            key = row.trace.key
            yield _shown(row, kept=key not in reasons, reason=reasons.get(key))


def _first(rows: Iterator[Row], reasons: Mapping[str, str], left: dict[bool, int]) -> Iterator[str]:
    """The keys of the first few that were kept and that were dropped, of each as many as `left`."""
    for row in rows:
        kept = row.trace.key not in reasons
        if left[kept]:
            left[kept] -= 1
            yield row.trace.key
        if not any(left.values()):
            return


def _long(value: Any) -> bool:
    """A number for each of many tokens, which the viewer shows in the text."""
    if isinstance(value, Numbers):
        return True
    several = isinstance(value, list) and len(value) > LONG
    return several and all(one is None or isinstance(one, (int, float)) for one in value)


def _shown(row: Row, *, kept: bool | None, reason: str | None) -> dict[str, Any]:
    return {
        "problem_id": row.problem.id,
        "question": row.problem.question,
        "gold": row.problem.gold_text,
        "response": row.trace.text,
        "columns": {
            "finish_reason": row.trace.finish_reason,
            **{name: value for name, value in row.columns.items() if not _long(value)},
        },
        "kept": kept,
        "reason": reason,
    }
