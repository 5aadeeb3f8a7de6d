"""How often our 95% intervals hold the true value, by simulation: accuracy, difference, gap.

    python eval/bench/coverage.py [--repeats 1000] [--draws 1000] [--out FILE.json]

A problem's chance of a right answer is drawn from a beta distribution whose two parameters add up
to `SPREAD`, and its samples from that chance. Models compared meet the same problems, and what one
finds hard the other tends to (`SHARED` is the correlation behind it). The true value is the one
over all problems that could be drawn. For a gap, the ceiling stands 1, 2 or 4 standard errors of
their paired difference above the floor, the model half way, and the coverage is over the answers
given: the share refused is beside it. `ours` is what the package gives. Beside it, for comparison
only: the textbook's `normal` interval (mean and 1.96 standard errors), and Fieller's (1954, with
t). Everything is seeded, and a cell does not depend on which others are measured.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from reason_w2s.evaluate.statistics import gap_recovered, mean_interval, paired_bootstrap

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
PROBLEMS = (30, 100, 500, 1319)
SAMPLES = (1, 4, 16)
GAPS = (1, 2, 4)
SPREAD, SHARED, STEP, FLOOR = 1.0, 0.7, 0.05, 0.4
QUANTILES = 2000

Scores = NDArray[np.float64]


class Size(NamedTuple):
    """How a cell is simulated."""

    n: int
    samples: int
    repeats: int
    draws: int


@cache
def chances(share: float) -> Scores:
    """Quantiles of the chance of a right answer, `[QUANTILES]`; each is as likely as any other."""
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return np.asarray(stats.beta.ppf(at, share * SPREAD, (1 - share) * SPREAD))


def truth(share: float) -> float:
    """The accuracy over all problems; not quite `share`, as there are finitely many quantiles."""
    return float(chances(share).mean())


def drawn(shares: Sequence[float], size: Size, rng: np.random.Generator) -> list[Scores]:
    """Scores per problem `[n]` of one model per share, all on the same problems."""
    common = rng.standard_normal(size.n)
    found = []
    for share in shares:
        own = rng.standard_normal(size.n)
        rank = stats.norm.cdf(math.sqrt(SHARED) * common + math.sqrt(1 - SHARED) * own)
        chance = chances(share)[np.minimum((rank * QUANTILES).astype(int), QUANTILES - 1)]
        found.append(rng.binomial(size.samples, chance) / size.samples)
    return found


def generator(what: float, size: Size) -> np.random.Generator:
    """The random numbers of one cell."""
    return np.random.default_rng([round(what * 1000), size.n, size.samples])


def accuracy(share: float, size: Size) -> dict[str, Any]:
    """Coverage of an accuracy's interval."""
    rng, counts = generator(share, size), np.full(size.n, size.samples)
    ours = normal = width = 0.0
    for _ in range(size.repeats):
        (scores,) = drawn([share], size, rng)
        interval = mean_interval(scores, counts)
        ours += truth(share) in interval
        width += interval.high - interval.low
        half = 1.96 * scores.std(ddof=1) / math.sqrt(size.n)
        normal += abs(scores.mean() - truth(share)) <= half
    shares = {"ours": ours, "normal": normal, "mean_width": width}
    return {key: round(value / size.repeats, 4) for key, value in shares.items()}


def difference(share: float, size: Size) -> dict[str, Any]:
    """Coverage of a paired difference's interval."""
    rng, other = generator(share, size), share + STEP
    true, ours, normal, width = truth(other) - truth(share), 0.0, 0.0, 0.0
    for seed in range(size.repeats):
        lower, upper = drawn([share, other], size, rng)
        found = paired_bootstrap(upper, lower, seed=seed, draws=size.draws)
        ours += found.low <= true <= found.high
        width += found.high - found.low
        half = 1.96 * (upper - lower).std(ddof=1) / math.sqrt(size.n)
        normal += abs(found.value - true) <= half
    shares = {"ours": ours, "normal": normal, "mean_width": width}
    return {key: round(value / size.repeats, 4) for key, value in shares.items()}


def gap(errors: int, size: Size) -> dict[str, Any]:
    """Coverage of a gap's interval where the gap is so many standard errors wide."""
    ceiling = FLOOR + gap_of(errors, size)
    middle = (FLOOR + ceiling) / 2
    true = (truth(middle) - truth(FLOOR)) / (truth(ceiling) - truth(FLOOR))
    rng = generator(errors, size)
    ours = fieller = answered = 0
    for seed in range(size.repeats):
        ends = drawn([FLOOR, middle, ceiling], size, rng)
        found = gap_recovered(*ends, seed=seed, draws=size.draws)
        if found.low is None or found.high is None:
            continue
        answered += 1
        ours += found.low <= true <= found.high
        fieller += in_fieller(*ends, true)
    return {
        "gap": round(ceiling - FLOOR, 4),
        "refused": round(1 - answered / size.repeats, 4),
        "ours": round(ours / answered, 4) if answered else None,
        "fieller": round(fieller / answered, 4) if answered else None,
    }


def gap_of(errors: int, size: Size) -> float:
    """The gap, in shares, that is `errors` standard errors of the paired difference wide."""
    wide = size._replace(n=100_000)
    found = 0.0
    for _ in range(6):
        ends = drawn([FLOOR, FLOOR + found], wide, np.random.default_rng(1))
        found = min(0.58, errors * float((ends[1] - ends[0]).std()) / math.sqrt(size.n))
    return found


def in_fieller(floor: Scores, middle: Scores, ceiling: Scores, ratio: float) -> bool:
    """Whether Fieller's set holds the ratio: whether 0 is in the t interval of what it leaves."""
    left = (middle - floor) - ratio * (ceiling - floor)
    half = float(stats.t.ppf(0.975, len(left) - 1)) * left.std(ddof=1) / math.sqrt(len(left))
    return bool(abs(left.mean()) <= half)


def table(
    problems: Sequence[int], samples: Sequence[int], shares: Sequence[float], size: Size
) -> dict[str, Any]:
    """Every cell of the three tables, and the mean coverage over the shares by n and samples."""
    found: dict[str, list[dict[str, Any]]] = {"accuracy": [], "difference": [], "gap": []}
    for n, count in product(problems, samples):
        cell, about = size._replace(n=n, samples=count), {"n": n, "samples": count}
        for share in shares:
            found["accuracy"].append({**about, "share": share, **accuracy(share, cell)})
            found["difference"].append({**about, "share": share, **difference(share, cell)})
        found["gap"] += [{**about, "errors": one, **gap(one, cell)} for one in GAPS]
        print(n, count, *means(found, n, count), flush=True)
    mean = [row for n, count in product(problems, samples) for row in means(found, n, count)]
    return {"repeats": size.repeats, "draws": size.draws, "mean": mean, **found}


def means(found: dict[str, list[dict[str, Any]]], n: int, samples: int) -> Iterator[dict[str, Any]]:
    """Mean coverage over the shares, ours and the textbook's."""
    for what in ("accuracy", "difference"):
        rows = [one for one in found[what] if (one["n"], one["samples"]) == (n, samples)]
        mean = {key: round(float(np.mean([one[key] for one in rows])), 4) for key in RULES}
        yield {"of": what, "n": n, "samples": samples, **mean}


RULES = ("ours", "normal")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    size = Size(0, 0, arguments.repeats, arguments.draws)
    found = table(PROBLEMS, SAMPLES, SHARES, size)
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
