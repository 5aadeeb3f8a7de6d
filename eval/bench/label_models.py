"""What label models recover of verifiers' accuracies, from simulated votes whose truth is known.

    python eval/bench/label_models.py [--draws 100] [--peers PYTHON] [--out FILE.json]

Each draw: 500 traces, right with a chance p between .3 and .7, and k verifiers whose P(yes | right)
and P(no | wrong) are between .6 and .9, erring by themselves; `alone`. In `harder` the second
repeats the first on half of the traces, and the last is an adversary: both its chances are turned
round. For each method and k:

rmse: of the estimated accuracies from the true ones, over verifiers and draws; of draws with a fit.
error: share of traces on which the judgement (posterior above one half) is wrong. worse: share of
draws in which it is wrong on at least one trace in a hundred more than a majority is. refused:
share of draws without a fit, where the majority's word is taken. held: share of 95% intervals that
hold the true accuracy.

`moments` and `dawid_skene` are those of `combine`, which know the votes alone; `..._dev` know p
from 50 audited traces besides, and never refuse. `--peers` names a Python that has snorkel and
crowd-kit: `snorkel` is its label model as it comes, `snorkel_slow` with Weaver's settings (1,000
epochs at a rate of 1e-5), both told the true p; `crowd_kit` is its Dawid-Skene.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reason_w2s.stages.verifiers.learned import MODELS, Learned, learn
from reason_w2s.stages.verifiers.patterns import Rates, patterns, posterior
from reason_w2s.stages.verifiers.settings import Model

Floats = NDArray[np.float64]
TRACES, AUDITED = 500, 50
SIZES = (3, 5, 7, 10)
WORLDS = ("alone", "harder")
OURS: tuple[Model, ...] = ("moments", "dawid_skene")
REPEATS = 0.5
MARGIN = 0.01
PEER = """
import json, sys, time
import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene
from snorkel.labeling.model import LabelModel

def snorkel(votes, p, **settings):
    model = LabelModel(cardinality=2, verbose=False)
    model.fit(votes, class_balance=[1 - p, p], seed=0, progress_bar=False, **settings)
    found = model.get_conditional_probs()  # [verifier, vote + 1, class]
    accuracy = found[:, 2, 1] * p + found[:, 1, 0] * (1 - p)
    return accuracy, model.predict_proba(votes)[:, 1]

def crowd_kit(votes, p):
    rows, columns = np.indices(votes.shape)
    table = pd.DataFrame({"task": rows.ravel(), "worker": columns.ravel(), "label": votes.ravel()})
    model = DawidSkene(n_iter=100).fit(table)
    errors, priors = model.errors_, model.priors_
    accuracy = [
        sum(priors[label] * errors.loc[(worker, label), label] for label in (0, 1))
        for worker in range(votes.shape[1])
    ]
    return np.array(accuracy), model.probas_[1].sort_index().to_numpy()

METHODS = {
    "snorkel": snorkel,
    "snorkel_slow": lambda votes, p: snorkel(votes, p, n_epochs=1000, lr=1e-5),
    "crowd_kit": crowd_kit,
}
out = []
for draw in json.load(open(sys.argv[1])):
    votes = np.array(draw["votes"])
    for name, fit in METHODS.items():
        accuracy, chance = fit(votes, draw["p"])
        out.append([draw["at"], name, accuracy.tolist(), (chance > 0.5).tolist()])
json.dump(out, open(sys.argv[2], "w"))
"""


class Draw(NamedTuple):
    """Votes `[N, K]`, which traces are right `[N]`, and what made them."""

    votes: Floats
    truth: NDArray[np.bool_]
    rates: Rates


class Result(NamedTuple):
    """One method on one draw. accuracy: None: it refused. judged: `[N]`."""

    accuracy: Floats | None
    judged: NDArray[np.bool_]
    low: Floats | None = None
    high: Floats | None = None


def drawn(world: str, size: int, seed: int) -> Draw:
    """One draw; the same for the same arguments."""
    rng = np.random.default_rng([seed, size, WORLDS.index(world)])
    p = float(rng.uniform(0.3, 0.7))
    hit, refusal = rng.uniform(0.6, 0.9, (2, size))
    if world == "harder":
        hit[-1], refusal[-1] = 1.0 - hit[-1], 1.0 - refusal[-1]
    truth = rng.random(TRACES) < p
    chance = np.where(truth[:, None], hit, 1.0 - refusal)
    votes = (rng.random((TRACES, size)) < chance).astype(float)
    if world == "harder":
        again = rng.random(TRACES) < REPEATS
        votes[again, 1] = votes[again, 0]
        hit[1], refusal[1] = (REPEATS * one[0] + (1 - REPEATS) * one[1] for one in (hit, refusal))
    return Draw(votes, truth, Rates(hit, 1.0 - refusal, p))


def majority(votes: Floats) -> NDArray[np.bool_]:
    """Whether more than half say yes."""
    return np.asarray(votes.mean(axis=1) > 0.5)


def ours(draw: Draw, model: Model, *, dev: bool) -> Result:
    """As the step `combine` does it, with its way out."""
    if dev:
        # told the share of right traces it has no reason to refuse: the fit alone
        balance = float(np.clip(draw.truth[:AUDITED].mean(), 0.01, 0.99))
        seen, places = patterns(draw.votes)
        rates = MODELS[model](seen, balance, None)
        return Result(rates.accuracy, posterior(seen.votes, rates)[places] > 0.5)
    found = learn(draw.votes, np.arange(TRACES), model, balance=None, signs=None)
    if not isinstance(found, Learned):
        return Result(None, majority(draw.votes))
    chance = posterior(draw.votes, found.rates)
    return Result(found.rates.accuracy, chance > 0.5, found.low, found.high)


def results(draws: Sequence[Draw], peers: str | None) -> Iterator[tuple[int, str, Result]]:
    """(number of the draw, method, what it found)."""
    for at, draw in enumerate(draws):
        yield at, "majority", Result(None, majority(draw.votes))
        for model in OURS:
            yield at, model, ours(draw, model, dev=False)
            yield at, f"{model}_dev", ours(draw, model, dev=True)
    for at, name, accuracy, judged in asked(draws, peers) if peers else ():
        yield at, name, Result(np.array(accuracy), np.array(judged))


def asked(draws: Sequence[Draw], python: str) -> list[Any]:
    """What other packages find, in a Python of their own."""
    told = [
        {"at": at, "votes": draw.votes.astype(int).tolist(), "p": draw.rates.balance}
        for at, draw in enumerate(draws)
    ]
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "draws.json", Path(folder) / "found.json"
        given.write_text(json.dumps(told), encoding="utf-8")
        subprocess.run([python, "-W", "ignore", "-c", PEER, str(given), str(found)], check=True)
        answers: list[Any] = json.loads(found.read_text(encoding="utf-8"))
    return answers


def summed(draws: Sequence[Draw], found: Sequence[tuple[int, Result]]) -> dict[str, float | None]:
    """One method's figures over its draws."""
    errors, worse, squares, held = [], [], [], []
    for at, one in found:
        draw = draws[at]
        wrong = float((one.judged != draw.truth).mean())
        errors.append(wrong)
        worse.append(wrong >= float((majority(draw.votes) != draw.truth).mean()) + MARGIN)
        if one.accuracy is not None:
            squares.append((one.accuracy - draw.rates.accuracy) ** 2)
        if one.low is not None and one.high is not None:
            held.append((one.low <= draw.rates.accuracy) & (draw.rates.accuracy <= one.high))
    return {
        "rmse": float(np.sqrt(np.mean(squares))) if squares else None,
        "error": float(np.mean(errors)),
        "worse": float(np.mean(worse)),
        "refused": float(np.mean([one.accuracy is None for _, one in found])),
        "held": float(np.mean(held)) if held else None,
    }


def measure(world: str, size: int, count: int, peers: str | None) -> Mapping[str, Any]:
    """Every method's figures on `count` draws."""
    draws = [drawn(world, size, seed) for seed in range(count)]
    by_method: dict[str, list[tuple[int, Result]]] = {}
    for at, name, one in results(draws, peers):
        by_method.setdefault(name, []).append((at, one))
    return {name: summed(draws, found) for name, found in by_method.items()}


def main() -> None:
    """Measure all sizes in both worlds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    cells = [
        {
            "world": world,
            "verifiers": size,
            "methods": measure(world, size, arguments.draws, arguments.peers),
        }
        for world in WORLDS
        for size in SIZES
    ]
    found = {"draws": arguments.draws, "traces": TRACES, "audited": AUDITED, "cells": cells}
    text = json.dumps(found, indent=1)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
