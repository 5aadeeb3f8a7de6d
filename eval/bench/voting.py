"""What several teachers' answers are worth without gold: a vote, and Dawid-Skene, on real traces.

    python eval/bench/voting.py [--data DIR] [--draws 1000] [--out FILE.json]

The traces were published by others (`--data` holds them; they are no part of the project): one
answer each of three weak teachers to 7,000 GSM8K questions (GAIR's weak-to-strong run), and of four
GPT-3 models to GSM8K's test set. They go through the stages `check`, `vote` and `combine`; gold is
used to score alone.

counts: how many problems two teachers, three, or two of three agree on, and how many of these are
right: once by the text after the last `####`, the definition under which the figures of the data
were published, and once by the answers that `check` finds after that mark. abilities: what
Dawid-Skene says of each teacher, with its interval, beside its accuracy on what it answered;
`coincidence` the same for the chance that wrong answers agree. curve: for each confidence that
occurs, the share of all problems whose answer has at least that one, and how many of these are
right (Wilson's interval); `area` is the mean accuracy over all coverages. calibration: the answers
in ten equal bins of confidence; `ece` is the mean distance of accuracy from confidence, by answers.
`one_coin` is Dawid-Skene with `difficulty: 0`; `area_difference` is Dawid-Skene's less the vote's.
Intervals of `area`, its difference and `ece` are percentiles over problems drawn again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reason_w2s.answers import Kind
from reason_w2s.evaluate.statistics import wilson
from reason_w2s.problems.files import read
from reason_w2s.records import Problem, Row, Trace, by_problem
from reason_w2s.stages.check import CheckConfig, check
from reason_w2s.stages.combine import CombineConfig, combine
from reason_w2s.stages.vote import VoteConfig, vote

SHARED = Path(os.environ.get("REASON_W2S_SHARED", Path(__file__).parents[2] / ".." / "shared"))
GAIR = ("gemma_2b", "llama2_7b", "mistral_7b")
KIND: Kind = "number"
BINS = 10
SEED = 0
Told = dict[str, Any]


class Case(NamedTuple):
    """A problem's answer by one method. confidence: -1 where there is no answer."""

    confidence: float
    right: bool


def gair(data: Path) -> Iterator[Row]:
    """The three teachers' answers, those to one problem together."""
    folder = data / "gair_w2s"
    files = {name: read(folder / f"{name}_weak.jsonl.gz") for name in GAIR}
    texts = {
        name: {str(row["id"]): row["response"] for row in rows} for name, rows in files.items()
    }
    for row in read(folder / "problems.jsonl.gz"):
        problem = Problem(id=str(row["id"]), question=row["question"], gold=str(row["answer"]))
        for name in GAIR:
            yield _row(problem, name, texts[name][problem.id], f"{problem.id}/{name}")


def traces(data: Path, name: str) -> Iterator[Row]:
    """The traces of a file that carry their gold answers, those to one problem together."""
    rows = list(read(data / "traces" / f"{name}.jsonl.gz"))
    for row in sorted(rows, key=lambda one: (one["qid"], one["model"])):
        problem = Problem(id=row["qid"], question="", gold=row["gold"])
        yield _row(problem, row["model"], row["response"], row["id"])


def _row(problem: Problem, model: str, text: str, key: str) -> Row:
    trace = Trace(
        key=key,
        problem_id=problem.id,
        model=model,
        index=0,
        text=text,
        finish_reason="stop",
        n_prompt=0,
        n_tokens=len(text.split()),
    )
    return Row(trace, problem)


def graded(rows: Sequence[Row], kind: Kind = KIND) -> list[Row]:
    """The rows with the columns of `check` as `graded.*`."""
    found = check(rows, CheckConfig(kind=kind))
    return [
        Row(row.trace, row.problem, {f"graded.{name}": value for name, value in columns.items()})
        for row, columns in zip(rows, found, strict=True)
    ]


def cases(rows: Sequence[Row], told: Sequence[Told]) -> list[Case]:
    """One per problem, in order: its answer is right where that of a trace that gave it is."""
    columns = {one["key"]: one for one in told}
    found = []
    for group in by_problem(rows):
        mine = [(columns[row.trace.key], row.columns["graded.correct"]) for row in group]
        right = any(one["agrees"] and correct is True for one, correct in mine)
        confidence = mine[0][0]["confidence"]
        found.append(Case(-1.0 if confidence is None else confidence, right))
    return found


def curve(found: Sequence[Case]) -> list[dict[str, Any]]:
    """Coverage and accuracy at each confidence that occurs, the surest first."""
    points = []
    for level in sorted({one.confidence for one in found if one.confidence >= 0}, reverse=True):
        kept = [one.right for one in found if one.confidence >= level]
        interval = wilson(sum(kept), len(kept))
        points.append(
            {
                "confidence": level,
                "kept": len(kept),
                "coverage": len(kept) / len(found),
                "accuracy": sum(kept) / len(kept),
                "low": interval.low,
                "high": interval.high,
            }
        )
    return points


def area(confidence: NDArray[Any], right: NDArray[Any]) -> float:
    """Mean over k of the accuracy of the k surest; equals in the order of a fair lot."""
    levels, places = np.unique(-confidence, return_inverse=True)
    sizes = np.bincount(places, minlength=len(levels))
    hits = np.bincount(places, right, len(levels))
    # within equals every answer counts as their share of right ones
    each = np.repeat(hits / np.maximum(sizes, 1), sizes)
    return float((np.cumsum(each) / np.arange(1, len(each) + 1)).mean())


def error(confidence: NDArray[Any], right: NDArray[Any]) -> float:
    """Expected calibration error over `BINS` equal bins, of what was answered."""
    answered = confidence >= 0
    bins = np.minimum((confidence[answered] * BINS).astype(int), BINS - 1)
    apart = np.bincount(bins, right[answered] - confidence[answered], BINS)
    return float(np.abs(apart).sum() / max(answered.sum(), 1))


def reliability(found: Sequence[Case]) -> list[dict[str, Any]]:
    """The answers by bin of confidence; empty bins are left out."""
    table = []
    for at in range(BINS):
        inside = [
            one for one in found if one.confidence >= 0 and min(int(one.confidence * BINS), 9) == at
        ]
        if inside:
            hits = sum(one.right for one in inside)
            interval = wilson(hits, len(inside))
            table.append(
                {
                    "from": at / BINS,
                    "n": len(inside),
                    "confidence": sum(one.confidence for one in inside) / len(inside),
                    "accuracy": hits / len(inside),
                    "low": interval.low,
                    "high": interval.high,
                }
            )
    return table


def measured(methods: dict[str, list[Case]], draws: int) -> dict[str, Any]:
    """Each method's curve, area and calibration, and how the areas differ."""
    arrays = {
        name: (np.array([one.confidence for one in found]), np.array([one.right for one in found]))
        for name, found in methods.items()
    }
    n = len(next(iter(methods.values())))
    lots = np.random.default_rng(SEED).integers(n, size=(draws, n))
    areas = {name: [area(c[lot], r[lot]) for lot in lots] for name, (c, r) in arrays.items()}
    found: dict[str, Any] = {}
    for name, (confidence, right) in arrays.items():
        errors = [error(confidence[lot], right[lot]) for lot in lots]
        found[name] = {
            "accuracy": float(right.mean()),
            "curve": curve(methods[name]),
            "area": ends(area(confidence, right), areas[name]),
            "calibration": reliability(methods[name]),
            "ece": ends(error(confidence, right), errors),
        }
    apart = [two - one for one, two in zip(areas["majority"], areas["dawid_skene"], strict=True)]
    value = found["dawid_skene"]["area"]["value"] - found["majority"]["area"]["value"]
    return {"methods": found, "area_difference": ends(value, apart)}


def ends(value: float, drawn: Sequence[float]) -> dict[str, float]:
    """A value with its 95% interval."""
    low, high = np.quantile(np.asarray(drawn), [0.025, 0.975])
    return {"value": value, "low": float(low), "high": float(high)}


def abilities(rows: Sequence[Row], told: Sequence[Told]) -> list[dict[str, Any]]:
    """What is estimated of each teacher, and what it got right of what it answered."""
    columns = {one["key"]: one for one in told}
    found = []
    for model in sorted({row.trace.model for row in rows}):
        own = [row for row in rows if row.trace.model == model]
        voted = [row for row in own if columns[row.trace.key]["ability"] is not None]
        said = columns[voted[0].trace.key]
        right = sum(row.columns["graded.correct"] is True for row in voted)
        found.append(
            {
                "model": model,
                "answered": len(voted),
                "accuracy": right / len(voted),
                **{name: said[name] for name in ("ability", "ability_low", "ability_high")},
            }
        )
    return found


def wrong_pairs(rows: Sequence[Row], told: Sequence[Told]) -> dict[str, Any]:
    """Of all pairs of wrong answers by two teachers to one problem, how many coincide."""
    places = {one["key"]: (one["rank"]) for one in told}
    pairs = same = 0
    for group in by_problem(rows):
        wrong = [
            places[row.trace.key]
            for row in group
            if row.columns["graded.correct"] is False and places[row.trace.key] is not None
        ]
        pairs += len(wrong) * (len(wrong) - 1) // 2
        same += sum(one == other for one, other in combinations(wrong, 2))
    return {"pairs": pairs, "coincide": same}


def last(text: str) -> float | str | None:
    """The text after the last `####`, as a number where it is one."""
    _, mark, after = text.rpartition("####")
    return number(after) if mark else None


def number(text: str) -> float | str:
    """A number less blanks, commas and dollars; the bare text where it is none."""
    bare = re.sub(r"[\s,$]", "", text)
    try:
        return float(bare)
    except ValueError:
        return bare


def published(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Counts by the text after the last `####`."""
    return agreements(
        rows,
        lambda row: last(row.trace.text),
        lambda one, other: one == other,
        lambda row: last(row.trace.text) == number(str(row.problem.gold)),
    )


def ours(rows: Sequence[Row], told: Sequence[Told]) -> dict[str, list[float]]:
    """The same by the answers that `check` found after the mark, equal where `vote` says so."""
    ranks = {one["key"]: one["rank"] for one in told}
    return agreements(
        rows,
        lambda row: ranks[row.trace.key] if row.columns["graded.rule"] == "hashes" else None,
        lambda one, other: one == other,
        lambda row: row.columns["graded.correct"] is True,
    )


def agreements(
    rows: Sequence[Row],
    answer: Callable[[Row], Any],
    same: Callable[[Any, Any], bool],
    right: Callable[[Row], bool],
) -> dict[str, list[float]]:
    """How many problems, and the share that is right, of: the first two teachers agree, all three,
    any two."""
    hits: dict[str, list[bool]] = {"two": [], "three": [], "majority": []}
    for group in by_problem(rows):
        given = [answer(row) for row in group]
        agreed = {
            (one, other)
            for one, other in combinations(range(3), 2)
            if given[one] is not None and same(given[one], given[other])
        }
        if (0, 1) in agreed:
            hits["two"].append(right(group[0]))
        if len(agreed) == 3:
            hits["three"].append(right(group[0]))
        if agreed:
            hits["majority"].append(right(group[min(agreed)[0]]))
    return {name: [len(one), sum(one) / len(one)] for name, one in hits.items()}


def measure(rows: list[Row], draws: int) -> dict[str, Any]:
    """Everything of one set of traces."""
    rows = graded(rows)
    voted = list(vote(rows, VoteConfig(kind=KIND)))
    combined = list(combine(rows, CombineConfig(kind=KIND)))
    coins = combine(rows, CombineConfig(kind=KIND, difficulty=0.0))
    methods = {
        "majority": cases(rows, voted),
        "dawid_skene": cases(rows, combined),
        "one_coin": cases(rows, list(coins)),
    }
    return {
        "problems": len(methods["majority"]),
        "abilities": abilities(rows, combined),
        "wrong_pairs": wrong_pairs(rows, voted),
        **(
            {"counts": {"published": published(rows), "ours": ours(rows, voted)}}
            if _three(rows)
            else {}
        ),
        **measured(methods, draws),
    }


def _three(rows: Sequence[Row]) -> bool:
    return {row.trace.model for row in rows} == set(GAIR)


def main() -> None:
    """Measure both sets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    data = arguments.data
    sets = {"gair_w2s": gair(data), "gpt3": traces(data, "openai_gsm8k_gpt3")}
    found = {name: measure(list(rows), arguments.draws) for name, rows in sets.items()}
    text = json.dumps({"draws": arguments.draws, "sets": found}, indent=1)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
