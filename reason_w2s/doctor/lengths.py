"""Checks lengths: what a limit would cut, and whether length alone tells a pair's sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from reason_w2s.doctor.case import Case, Rows
from reason_w2s.doctor.finding import Fact, Finding, Said, Unchecked
from reason_w2s.doctor.material import Material
from reason_w2s.errors import W2SError
from reason_w2s.evaluate.lengths import length_bias
from reason_w2s.recipe.plan import Step
from reason_w2s.train import guards
from reason_w2s.train.config import PairExample
from reason_w2s.train.examples import lengths
from reason_w2s.train.objectives import OBJECTIVES

SHOWN = 3
TELLING = 0.75
"""An AUC (or 1 less it) of length alone from which on a pair's sides differ mostly in length: ours;
DPO's reward is known to follow length (Park et al., arXiv 2403.19159)."""
FEW_PAIRS = 20


def limits(case: Case) -> Iterator[Said]:
    """What `max_length` or the model's positions would cut: measured, or from max_tokens."""
    for step in case.written():
        try:
            made, found = case.rows(step), case.material(step)
        except W2SError:
            continue  # said where the rows are looked at
        limit, key = _limit(case, step)
        if made is not None and found.measured:
            yield from _measured(case, step, made, found)
        elif limit is not None:
            yield from _estimated(case, step, made, limit, key)


def pairs(case: Case) -> Iterator[Said]:
    """Whether the longer side of a pair is nearly always the chosen one, or the rejected one."""
    for step in case.trains():
        if OBJECTIVES[step.config["objective"]].learns != "pairs":
            continue
        try:
            made, found = case.rows(step), case.material(step)
        except W2SError:
            continue
        enough = len(found.data) >= FEW_PAIRS
        if made is None or not found.exact or not enough:
            why = f"fewer than {FEW_PAIRS}" if found.exact and not enough else "not made yet"
            yield Unchecked(f"whether the pairs of '{step.name}' differ mostly in length", why)
            continue
        yield from _biased(case, step, made, found)


def longest(case: Case, step: Step) -> tuple[int | None, str]:
    """Tokens of a step's longest row with its prompt, as far as is known, and how that is known."""
    try:
        made, found = case.rows(step), case.material(step)
    except W2SError:
        return None, ""
    settings = case.settings(step)
    if settings.group:
        asked = max(lengths(made)) if made else 0
        return asked + settings.longest, "the most that sampling allows"
    if made is not None and found.measured:
        return max(lengths(made)), "the longest looked at"
    limit, key = _limit(case, step)
    most = _most_tokens(case, step)
    if most is not None:
        most += _asked(made)
    if most is not None and (limit is None or most < limit):
        return most, "the most that sampling allows"
    return limit, key


def _limit(case: Case, step: Step) -> tuple[int | None, str]:
    """(tokens, what sets them): the recipe's limit or the model's, whichever is less."""
    asked = step.config["trainer"].get("max_length")
    positions = case.positions(step.roles["init"])
    if asked is not None and (positions is None or asked <= positions):
        return int(asked), "trainer.max_length"
    return (positions, "the model's positions") if positions is not None else (None, "")


def _measured(case: Case, step: Step, made: Rows, found: Material) -> Iterator[Said]:
    sizes = lengths(made)
    limit, key = _limit(case, step)
    longer = [at for at, size in enumerate(sizes) if limit is not None and size > limit]
    mean, most = sum(sizes) / len(sizes), max(sizes)
    told = f"mean {mean:.0f}, longest {most:,} tokens with prompt; limit {_said(limit, key)}"
    data: dict[str, Any] = {"step": step.name, "mean": round(mean, 1), "longest": most}
    data |= {"limit": limit, "longer": len(longer), "looked_at": len(sizes)}
    yield Fact("lengths", f"{step.name}: {told}", data)
    if not longer:
        return
    data_of = cast("guards.Data", found.data)
    shown = ", ".join(f"{data_of[at].problem.id} ({sizes[at]:,})" for at in longer[:SHOWN])
    todo = (
        f"raise trainer.max_length to {most}" if "max_length" in key else "take shorter responses"
    )
    why = "nothing is cut silently here: the run stops before this step's first update"
    if not found.exact:
        why = f"unless a later step drops them, {why}"
    yield Finding(
        f"{len(longer):,} of {len(sizes):,} examples ({len(longer) / len(sizes):.1%}) are longer "
        f"than {limit:,} tokens: problems {shown}",
        case.at(step, "trainer.max_length"),
        why,
        f"{todo}, or select where: {{n_tokens: {{max: N}}}}",
        "error" if found.exact else "warning",
    )


def _said(limit: int | None, key: str) -> str:
    return "none" if limit is None else f"{limit:,} ({key})"


def _estimated(case: Case, step: Step, made: Rows | None, limit: int, key: str) -> Iterator[Said]:
    """Nothing was sampled yet: what max_tokens lets a response become."""
    asked = _most_tokens(case, step)
    if asked is None:
        return
    prompt = _asked(made)
    told = f"up to {asked:,} tokens of a response and {prompt or 'those'} of its prompt"
    if asked > limit:
        yield Finding(
            f"traces may have {told}, and {key} is {limit:,} (estimated: none are sampled yet)",
            case.at(step, "trainer.max_length"),
            "one longer example stops the run before this step, after all sampling was paid for",
            f"select where: {{n_tokens: {{max: {max(1, limit - max(prompt, 256))}}}}}, or raise "
            "trainer.max_length where the model takes more",
            "warning",
        )
    elif asked + prompt > limit or not prompt:
        why = f"none are sampled yet; {told} are possible, and the limit is {_said(limit, key)}"
        yield Unchecked(f"whether all examples of '{step.name}' fit", why)
    else:
        fits = f"{step.name}: {told} fit {_said(limit, key)}; estimated, none are sampled yet"
        yield Fact("lengths", fits, {"step": step.name, "at_most": asked + prompt, "limit": limit})


def _most_tokens(case: Case, step: Step) -> int | None:
    """Tokens of the longest response that sampling allows and no choice before training drops."""
    sampled = [
        int(one.config["sampling"]["max_tokens"])
        for one in case.plan.lineage(step.name)
        if one.stage == "sample"
    ]
    kept = [
        int(one.config["where"]["n_tokens"]["max"])
        for one in case.plan.lineage(step.name)
        if one.stage == "select" and "max" in _bounds(one.config["where"].get("n_tokens"))
    ]
    return min([max(sampled), *kept]) if sampled else None


def _bounds(predicate: object) -> dict[str, Any]:
    return cast("dict[str, Any]", predicate) if isinstance(predicate, dict) else {}


def _asked(made: Rows | None) -> int:
    """Tokens of the longest prompt among the rows; 0 where there are none."""
    if not made:
        return 0
    if "prompt_ids" in made[0]:
        return max(len(row["prompt_ids"]) for row in made)
    return max(sum(label == -100 for label in row["labels"]) for row in made)


def _biased(case: Case, step: Step, made: Rows, found: Material) -> Iterator[Said]:
    names = [one.problem.id for one in found.data if isinstance(one, PairExample)]
    sides = [[len(row[f"{side}_ids"]) for row in made] for side in ("chosen", "rejected")]
    bias = length_bias(names, sides[0], sides[1], case.plan.seed)
    told = (
        f"length alone tells chosen from rejected with AUC {bias.auc:.2f} "
        f"[{bias.low:.2f}, {bias.high:.2f}]; mean {bias.chosen.mean:.0f} and "
        f"{bias.rejected.mean:.0f} tokens"
    )
    data = {"step": step.name, "auc": round(bias.auc, 4), "pairs": bias.pairs}
    yield Fact("pairs", f"{step.name}: {told}", data)
    if max(bias.auc, 1 - bias.auc) >= TELLING:
        side = "longer" if bias.auc > 0.5 else "shorter"
        yield Finding(
            f"the {side} side is mostly the chosen one: {told}",
            case.at(step, "of"),
            f"DPO will teach to write {side} answers before it teaches anything else",
            "pair sides of like length: pair.length: {tokens_apart: N}",
            "warning",
        )
