"""What a label model has to say for itself: of each verifier, and whether it could be fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from reason_w2s.stages.verifiers.learned import Learned
from reason_w2s.stages.verifiers.scores import Floats

_FROM = {"dev": "audited problems", "votes": "the votes alone"}
UNKNOWN = dict.fromkeys(("accuracy", "low", "high", "hit", "fooled"))


class Voted(NamedTuple):
    """All verifiers' votes, `[N, K]`, from which scores on they say yes, why some are left out,
    and which traces are right, `[N]`: 1 and 0, NaN not known."""

    votes: Floats
    thresholds: Floats
    left_out: Sequence[str | None]
    truth: Floats


def rate(votes: Floats) -> Floats:
    """The share of yes, `[N, K]` -> `[K]`; NaN without votes."""
    given = (~np.isnan(votes)).sum(axis=0)
    return np.asarray(np.nansum(votes, axis=0) / np.where(given == 0, np.nan, given), np.float64)


def account(
    columns: Sequence[str], voted: Voted, learned: Learned | str, balance: float | None
) -> dict[str, Any]:
    """As data. verifiers: one for each column, with its estimated accuracy, P(yes | right) and
    P(yes | wrong), and the share of audited traces on which it is right. fallback: why there is no
    fit. dependent: columns that go together more than the model says, and by how much.
    balance: of the audited traces, where there are some; else it is the fit's."""
    verifiers = [
        {"column": column, **_seen(voted, at), **UNKNOWN} for at, column in enumerate(columns)
    ]
    told: dict[str, Any] = {
        "verifiers": verifiers,
        "fallback": None,
        "audited": int((~np.isnan(voted.truth)).sum()),
        "balance": balance,
        "balance_from": None if balance is None else "dev",
        "dependent": [],
    }
    if isinstance(learned, str):
        return {**told, "fallback": learned}
    kept = [one for one in verifiers if one["left_out"] is None]
    for place, one in enumerate(kept):
        one.update(_estimate(learned, place))
    told["dependent"] = [
        [kept[i]["column"], kept[j]["column"], round(much, 3)] for i, j, much in learned.dependent
    ]
    if balance is None:
        told |= {"balance": learned.rates.balance, "balance_from": "votes"}
    return told


def said(told: dict[str, Any]) -> str:
    """In a line what a step learned; of an ensemble, which it is."""
    if "verifiers" not in told:
        return str(told["model"])
    if told["fallback"] is not None:
        return f"no label model: {told['fallback']}; the share of yes is taken in its place"
    each = ", ".join(
        f"{one['column']} {one['accuracy']:.1%} [{one['low']:.1%}, {one['high']:.1%}]"
        for one in told["verifiers"]
        if one["left_out"] is None
    )
    return f"right, by estimate: {each}; {_other(told)}"


def _other(told: dict[str, Any]) -> str:
    left = [one["column"] for one in told["verifiers"] if one["left_out"] is not None]
    parts = [f"right traces {told['balance']:.1%} by {_FROM[told['balance_from']]}"]
    parts += [f"left out: {', '.join(left)}"] if left else []
    parts += [f"{one} and {other} go together" for one, other, _ in told["dependent"]]
    return "; ".join(parts)


def _seen(voted: Voted, at: int) -> dict[str, Any]:
    votes, threshold = voted.votes[:, at], float(voted.thresholds[at])
    audited = ~np.isnan(votes) & ~np.isnan(voted.truth)
    return {
        "threshold": _known(threshold),
        "votes": int((~np.isnan(votes)).sum()),
        "yes": _known(float(rate(votes[:, None])[0])),
        "left_out": voted.left_out[at],
        "audited": float((votes == voted.truth)[audited].mean()) if audited.any() else None,
    }


def _estimate(learned: Learned, place: int) -> dict[str, float]:
    rates = learned.rates
    return {
        "accuracy": float(rates.accuracy[place]),
        "low": float(learned.low[place]),
        "high": float(learned.high[place]),
        "hit": float(rates.hit[place]),
        "fooled": float(rates.fooled[place]),
    }


def _known(value: float) -> float | None:
    """None for NaN."""
    return None if np.isnan(value) else value
