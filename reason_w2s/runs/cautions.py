"""What a reader of results should know before believing them, in a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

STOPPED = 0.90
"""An independent W2SR replication took students on only where 90% of answers were well-formed."""
CUT = 0.05
"""Students that forgot how to stop were cut on a fifth of their answers, healthy ones on a few."""
FIRST_ABOVE_LAST = 0.02
"""Those students were 4 points better by their first answer than by their last; half of that."""
UNDECIDED = 0.02
"""A set has some golds in words; more of them, and its accuracy is another number."""
FEW_EXAMPLES = 50
"""Below this an epoch is two or three updates, and which examples were left decides the result."""
CUT_AWAY = 0.20
"""With a fifth of all traces dropped for their length, what is learned is to be short."""

UNSPENT = 0.9
"""Sets are made of as many tokens to be compared; the last trace seldom fits exactly."""

UNEVEN = 4 / 3
"""TRL warns where wanted answers, each times its weight, are fewer than unwanted ones or more than
this many times as many; the warning here leaves as much room on the other side."""


def cautions(found: Mapping[str, Any]) -> list[str]:
    """The warnings of a run's results, the gravest first. Nothing here decides anything."""
    engine = _engine(found)
    measured = [*_scores(found), *_selections(found), *_verifiers(found)]
    return [
        *engine,
        *_damaged(found),
        *_overlaps(found),
        *measured,
        *_choices(found),
        *_trained(found),
    ]


def _engine(found: Mapping[str, Any]) -> Iterator[str]:
    if found["environment"]["sampler"] == "fake" and found["scores"]:
        yield "sampled by the fake engine, which asks no model: accuracies mean nothing"


def _damaged(found: Mapping[str, Any]) -> Iterator[str]:
    for one in found.get("damaged", ()):
        yield (
            f"{one['file']} was damaged; it was set aside as {one['aside']}, and what it held was "
            f"made again; look after the disk it lies on"
        )


def _overlaps(found: Mapping[str, Any]) -> Iterator[str]:
    for row in found["overlaps"]:
        if row["overlapping"]:
            yield (
                f"{row['suite']}: {row['overlapping']:,} of {row['problems']:,} training problems "
                f"overlap it ({_counts(row['kinds'])}), which the recipe allows; its accuracies "
                f"are not those of unseen problems"
            )


def _selections(found: Mapping[str, Any]) -> Iterator[str]:
    for row in found.get("selections", ()):
        if row["unchosen"]:
            yield (
                f"{row['name']} on {row['suite']}: {row['step']} chose nothing for "
                f"{row['unchosen']:,} of {row['n']:,} problems; they count as wrong"
            )


def _scores(found: Mapping[str, Any]) -> Iterator[str]:
    for score in found["scores"]:
        if score.get("kind", "model") != "model":
            continue
        where = f"{score['model']} on {score['suite']}"
        stopped, cut = score["stop_rate"], score["truncation_rate"]
        undecided = score.get("undecided_rate") or 0.0
        if undecided > UNDECIDED:
            yield (
                f"{where}: {undecided:.1%} of its answers could not be compared and count as not "
                f"right: a gold that cannot be read, most likely (status unparseable_gold); look "
                f"at the gold column, or at check.kind"
            )
        if score["trained"] and stopped < STOPPED:
            yield (
                f"{where}: stopped by itself on {stopped:.1%} of its answers and was cut on "
                f"{cut:.1%}; train it for less long or at a lower rate, or raise the suite's "
                f"max_tokens"
            )
        elif score["trained"] and cut > CUT:
            yield (
                f"{where}: was cut on {cut:.1%} of its answers; raise the suite's max_tokens, or "
                f"train it for less long"
            )
        first, last = score["first_accuracy"], score["accuracy"]
        if first - last >= FIRST_ABOVE_LAST:
            yield (
                f"{where}: {first:.1%} right by the first answer it marks, {last:.1%} by the last: "
                f"it is right and goes on; it has not learned to stop"
            )


def _verifiers(found: Mapping[str, Any]) -> Iterator[str]:
    for row in found.get("verifiers", ()):
        if row["fallback"] is not None:
            yield f"{row['step']}: {row['said']}"
        for one, other, much in row["dependent"]:
            yield (
                f"{row['step']}: {one} and {other} go together more than verifiers that err by "
                f"themselves (a correlation of {much:+.2f} beyond that); leave one out, or say "
                f"drop: {{keep: N}}"
            )


def _choices(found: Mapping[str, Any]) -> Iterator[str]:
    for row in found.get("budgets", ()):
        if row["spent"] < UNSPENT * row["tokens"]:
            yield (
                f"{row['step']}: spent {row['spent']:,} of its budget of {row['tokens']:,} tokens: "
                f"there are no more such traces; it is not like sets that spent theirs"
            )
    for row in found["waterfall"]:
        if row["stage"] not in ("select", "pair") or not row["in"]:
            continue
        cut = sum(
            count
            for reason, count in row["dropped"].items()
            if "truncated" in reason or reason.startswith("finish_reason")
        )
        if cut >= CUT_AWAY * row["in"]:
            yield (
                f"{row['step']}: dropped {cut:,} of {row['in']:,} because they were cut; raise "
                f"max_tokens where they are sampled, or only short reasoning is learned"
            )


def _trained(found: Mapping[str, Any]) -> Iterator[str]:
    for row in found["trained"]:
        if row["examples"] < FEW_EXAMPLES:
            yield f"{row['step']}: was trained on {row['examples']:,} examples only"
        if row.get("verdicts"):
            yield from _uneven(row["step"], **row["verdicts"])


def _uneven(
    step: str, wanted: int, unwanted: int, desirable_weight: float, undesirable_weight: float
) -> Iterator[str]:
    """Where one side of the verdicts outweighs the other, what would even them."""
    known = f"{step}: learned from {wanted:,} wanted and {unwanted:,} unwanted answers"
    if not wanted or not unwanted:
        yield f"{known}; it needs both to tell them apart, so sample more or take another label"
        return
    if not desirable_weight * undesirable_weight:
        return
    ratio = wanted * desirable_weight / (unwanted * undesirable_weight)
    if 1 / UNEVEN <= ratio <= UNEVEN:
        return
    middle = (1 + UNEVEN) / 2
    key, even = "undesirable_weight", undesirable_weight * ratio / middle
    if ratio < 1:
        key, even = "desirable_weight", desirable_weight / ratio * middle
    yield (
        f"{known}, which weigh {ratio:.2g} to 1; set trainer.{key} to about "
        f"{float(f'{even:.2g}'):g}, or the fewer are hardly learned"
    )


def _counts(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in kinds.items() if count)
