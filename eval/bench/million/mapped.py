"""The job with `datasets`: `load_dataset`, `map` for each column, `filter` and sort for the rest.

    python eval/bench/million/mapped.py FOLDER OUT

As plain.py, whose functions it uses, and writes the same tables and prints the same counts.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
from plain import LOOK, TAKE, lot

from reason_w2s.answers import check, check_first
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.stepcheck import stepcheck

datasets.disable_progress_bars()
Dict = dict[str, Any]


def read(folder: Path, out: Path) -> tuple[dict[str, Dict], Any]:
    """The problems by id, and the traces with a key, the gold and the length."""
    cache = str(out / "cache")
    files = {name: str(folder / f"{name}.jsonl") for name in ("problems", "traces")}
    asked = {
        row["id"]: row
        for row in datasets.load_dataset(
            "json", data_files=files["problems"], split="train", cache_dir=cache
        )
    }
    traces = datasets.load_dataset(
        "json", data_files=files["traces"], split="train", cache_dir=cache
    )
    return asked, traces.map(
        lambda row, number: {"key": str(number), "n_tokens": len(row["response"].split())},
        with_indices=True,
    )


def trace_of(row: Dict) -> Trace:
    """A row as the step check takes it."""
    return Trace(
        key=row["key"],
        problem_id=row["id"],
        model="m",
        index=0,
        text=row["response"],
        finish_reason=row["finish"],
        n_prompt=0,
        n_tokens=row["n_tokens"],
    )


def main() -> None:
    """Read, judge, choose, write."""
    folder, out = map(Path, sys.argv[1:])
    asked, traces = read(folder, out)

    def graded(row: Dict) -> Dict:
        gold = asked[row["id"]]["answer"]
        verdict, first = check(row["response"], gold), check_first(row["response"], gold)
        return {
            "status": verdict.status,
            "correct": verdict.correct,
            "first_correct": first.correct,
            "answer": verdict.answer,
            "rule": verdict.rule,
            "reason": verdict.reason,
        }

    def looked(row: Dict) -> Dict:
        problem = Problem(id=row["id"], question=asked[row["id"]]["question"])
        (look,) = stepcheck([Row(trace_of(row), problem)], LOOK)
        del look["key"]
        return look

    judged = traces.map(graded).map(looked)
    judged.to_parquet(out / "judged.parquet")
    narrow = judged.select_columns(["key", "id", "correct", "flags", "status"])
    counted: Counter[str] = Counter()
    good: dict[str, list[str]] = {}
    bad: dict[str, list[str]] = {}
    for row in narrow:
        counted.update([f"check {row['status']}", *(f"flag {one}" for one in row["flags"])])
        if row["correct"] and not row["flags"]:
            good.setdefault(row["id"], []).append(row["key"])
        elif row["correct"] is False:
            bad.setdefault(row["id"], []).append(row["key"])
    chosen = {name: sorted(keys, key=lot)[:TAKE] for name, keys in good.items()}
    pairs = [
        {"problem_id": name, "chosen": keys[0], "rejected": min(bad[name], key=lot)}
        for name, keys in chosen.items()
        if name in bad
    ]
    kept = [{"key": key, "problem_id": name} for name, keys in chosen.items() for key in keys]
    datasets.Dataset.from_list(kept).to_parquet(out / "select.parquet")
    datasets.Dataset.from_list(pairs).to_parquet(out / "pair.parquet")
    counted |= {"selected": len(kept), "pairs": len(pairs)}
    print(json.dumps(dict(sorted(counted.items()))))


if __name__ == "__main__":
    main()
