"""Traces judged by several verifiers: the columns of `combine`, and what was learned of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reason_w2s.errors import DataError
from reason_w2s.records import Row
from reason_w2s.stages.verifiers import scores
from reason_w2s.stages.verifiers.account import Voted, account, rate
from reason_w2s.stages.verifiers.ensemble import PENALTY, ensemble
from reason_w2s.stages.verifiers.keeping import left_out
from reason_w2s.stages.verifiers.learned import learn
from reason_w2s.stages.verifiers.patterns import patterns, posterior
from reason_w2s.stages.verifiers.scores import Flags, Floats
from reason_w2s.stages.verifiers.settings import LABEL_MODELS, Model, VerifierSettings


@dataclass(frozen=True, slots=True)
class Judged:
    """value: `[N]`, of each trace, NaN where no verifier says anything. posterior: `[N]`, P(right),
    from a label model that could be fitted. voters: `[N]`. report: what was learned, as data."""

    value: Floats
    posterior: Floats
    voters: NDArray[np.intp]
    report: dict[str, Any]


class _Material(NamedTuple):
    """The traces' scores on one scale, `[N, K]`, with what is known of the traces.

    fit: those that are fitted to, `[N]`. truth: 1 right, 0 wrong, NaN not known or not to be seen,
    `[N]`. groups: the problem of each, `[N]`.
    """

    scores: Floats
    fit: Flags
    truth: Floats
    groups: NDArray[np.intp]

    @property
    def balance(self) -> float | None:
        """The share of right traces among those whose truth is known."""
        known = self.truth[~np.isnan(self.truth)]
        return float(known.mean()) if known.size else None


def judge(
    rows: Sequence[Row],
    cfg: VerifierSettings,
    model: Model,
    parts: Mapping[str, Collection[str]],
) -> Judged:
    """Every trace judged; `parts`: ids of the problems to fit on (`fit_on`; all, where it is not
    named) and of those whose truth may be seen (`dev`).

    Raises:
        DataError: scores that are no numbers, no traces to fit on, or no truth where it is asked.
    """
    material = _material(rows, cfg, model, parts)
    if model in LABEL_MODELS:
        return _labelled(material, cfg, model)
    penalty = PENALTY if cfg.penalty is None else cfg.penalty
    value = ensemble(material.scores, model, penalty)
    voters = (~np.isnan(material.scores)).sum(axis=1)
    return Judged(value, np.full(len(value), np.nan), voters, {"model": model})


def _material(
    rows: Sequence[Row],
    cfg: VerifierSettings,
    model: Model,
    parts: Mapping[str, Collection[str]],
) -> _Material:
    ids = np.array([row.problem.id for row in rows], dtype=object)
    groups = np.unique(ids.astype(str), return_inverse=True)[1].reshape(-1)
    fit, dev = (_among(rows, parts.get(name)) for name in ("fit_on", "dev"))
    if "dev" not in parts:
        dev = np.zeros(len(rows), bool)
    if rows and not fit.any():
        raise DataError("fit_on: none of the traces answers its problems; name a set that they do")
    truth = np.array(
        [_truth(row, cfg.truth) if seen else np.nan for row, seen in zip(rows, dev, strict=True)]
    )
    if "dev" in parts and rows and np.isnan(truth).all():
        raise DataError(f"dev: no trace of its problems has a {cfg.truth}; check them first")
    found = scores.table(rows, cfg.columns)
    return _Material(_scaled(found, cfg, model, fit, groups), fit, truth.astype(float), groups)


def _among(rows: Sequence[Row], ids: Collection[str] | None) -> Flags:
    if ids is None:
        return np.ones(len(rows), bool)
    known = set(ids)
    return np.array([row.problem.id in known for row in rows], bool)


def _truth(row: Row, column: str | None) -> float:
    value = None if column is None else row.value(column)
    if value is None or isinstance(value, bool):
        return np.nan if value is None else float(value)
    raise DataError(f"{row.problem.id}: {column} is {value!r}; expected true, false or null")


def _scaled(
    found: Floats, cfg: VerifierSettings, model: Model, fit: Flags, groups: NDArray[np.intp]
) -> Floats:
    """Brought to one scale; what is yes and no already stays as it is."""
    how = cfg.normalise or ("all" if model in LABEL_MODELS else "none")
    if how == "none" or not len(found):
        return found
    scaled = scores.spread(found, fit) if how == "all" else scores.spread_within(found, groups)
    return np.where(scores.yes_no(found), found, scaled)


def _labelled(material: _Material, cfg: VerifierSettings, model: Model) -> Judged:
    thresholds = _thresholds(material, cfg)
    votes = scores.votes(material.scores, thresholds)
    seen = patterns(votes[material.fit])[0]
    reasons = left_out(seen, cfg.drop, material.balance)
    kept = np.array([why is None for why in reasons], bool)
    learned = learn(
        votes[material.fit][:, kept],
        material.groups[material.fit],
        model,
        balance=_open(material.balance),
        signs=_signs(votes[:, kept], material.truth),
    )
    told = account(
        cfg.columns, Voted(votes, thresholds, reasons, material.truth), learned, material.balance
    )
    voters = (~np.isnan(votes[:, kept])).sum(axis=1)
    report = {"model": model, **told}
    if isinstance(learned, str):
        share = rate(votes[:, kept].T if kept.any() else votes.T)
        return Judged(share, np.full(len(votes), np.nan), voters, report)
    chance = posterior(votes[:, kept], learned.rates)
    return Judged(chance, chance, voters, report)


def _open(balance: float | None) -> float | None:
    """A share that leaves room for both kinds; audited traces that are all right tell no more."""
    return None if balance is None else float(np.clip(balance, 0.01, 0.99))


def _thresholds(material: _Material, cfg: VerifierSettings) -> Floats:
    """From which score on each verifier says yes, `[K]`; half, where it says yes or no already."""
    how = cfg.binarise or "balance"
    fit = material.scores[material.fit]
    if how == "balance":
        found = scores.by_share(fit, 0.5 if material.balance is None else material.balance)
    elif how == "dev":
        found = scores.by_truth(material.scores, material.truth)
        if np.isnan(found).any():
            raise DataError("binarise: dev: its traces are all right or all wrong; audit more")
    else:
        found = scores.named(how, cfg.columns)
    return np.where(scores.yes_no(material.scores), 0.5, found)


def _signs(votes: Floats, truth: Floats) -> Floats | None:
    """How each verifier goes with the truth, `[K]`: P(yes | right) - P(yes | wrong)."""
    right, wrong = votes[truth == 1], votes[truth == 0]
    if not len(right) or not len(wrong):
        return None
    return np.asarray(np.nan_to_num(rate(right) - rate(wrong)), np.float64)
