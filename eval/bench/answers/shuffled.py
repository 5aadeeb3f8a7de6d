"""Real responses against the gold of another problem: what is accepted, and why.

    python eval/bench/answers/shuffled.py [--data DIR] [--pairs 60000] [--seed 0] [--out FILE.json]

Each response is graded against the answer of another problem, drawn at random, of the same file. A
pair is accepted rightly where its two golds are equal anyway (by `equal`), or where the response is
wrong for its own problem and its final answer is the other's, letter for letter but for spaces.
Whatever else is accepted is listed to be read.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from rows import DATA, Row, rows, trace_files, write

from reason_w2s.answers import check_many, equal
from reason_w2s.answers.normalize import key, normalize


class Pair(NamedTuple):
    """A response, its own gold, and the one it is graded against."""

    file: str
    response: str
    own: str
    other: str


def pairs(data: Path, count: int, seed: int) -> list[Pair]:
    """Responses in equal parts from all files, each with another problem's gold."""
    draw = random.Random(seed)
    found: list[Pair] = []
    files = trace_files(data)
    for file in files:
        outputs = [row for row in rows(file) if row.get("gold") not in (None, "")]
        pools = _golds(outputs)
        draw.shuffle(outputs)
        wanted = -(-(count - len(found)) // (len(files) - files.index(file)))
        taken = outputs * (1 + wanted // max(1, len(outputs)))
        for row in taken[:wanted]:
            other = draw.choice(pools[_set(row)])
            if other[0] != _problem(row):
                found.append(Pair(file.stem, row["response"], str(row["gold"]), other[1]))
    return found


def _golds(outputs: list[Row]) -> dict[str, list[tuple[str, str]]]:
    pools: dict[str, dict[str, str]] = defaultdict(dict)
    for row in outputs:
        pools[_set(row)][_problem(row)] = str(row["gold"])
    return {name: list(golds.items()) for name, golds in pools.items()}


def _set(row: Row) -> str:
    return str(row.get("set", ""))


def _problem(row: Row) -> str:
    return str(row.get("qid") or row.get("question"))


def measure(asked: list[Pair]) -> dict[str, Any]:
    """Counts, and every accepted pair whose golds differ."""
    verdicts = check_many([one.response for one in asked], [one.other for one in asked])
    counts: Counter[str] = Counter(verdict.status for verdict in verdicts)
    same, stated, read = 0, 0, []
    for pair, verdict in zip(asked, verdicts, strict=True):
        if not verdict.correct:
            continue
        if equal(pair.own, pair.other).correct:
            same += 1
        elif verdict.answer and key(normalize(verdict.answer)) == key(normalize(pair.other)):
            stated += 1
        else:
            read.append([pair.file, verdict.rule, verdict.answer, pair.other, pair.own])
    return {
        "pairs": len(asked),
        "status": dict(counts),
        "accepted": counts["correct"],
        "golds_equal": same,
        "states_the_other": stated,
        "to_read": read,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--pairs", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found = measure(pairs(asked.data, asked.pairs, asked.seed))
    for case in found["to_read"]:
        print(case)
    print({name: value for name, value in found.items() if name != "to_read"})
    write(asked.out, found)


if __name__ == "__main__":
    main()
