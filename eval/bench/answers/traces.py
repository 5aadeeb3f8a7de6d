"""What the answer checker does on real model outputs: rules, verdicts, disagreements, speed.

    python eval/bench/answers/traces.py [NAME ...] [--data DIR] [--examples 5] [--out FILE.json]

Per file: rows, how often each rule found the answer, the share we call correct and undecided, the
mean time to find an answer, and, where the source graded its rows, how often it agrees, with the
disagreements by class. A source's verdict is no truth: it is wrong on 1-5% of the hard rows. Where
a source recorded only what it extracted, that is compared with the gold answer by `equal`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from rows import DATA, rows

from reason_w2s.answers import Verdict, check, equal, extract
from reason_w2s.answers.equal import gold_kind

SEED = 0
RESPONSES = ("response", "weak", "icl", "chosen", "rejected")
"""Columns of a row that hold a model's output."""


class Case(NamedTuple):
    """One graded output. `theirs`: the source's verdict, None where it gave none."""

    id: str
    response: str
    gold: Any
    theirs: bool | None


def cases(file: Path, golds: dict[str, Any]) -> list[Case]:
    """The outputs of one file, with the gold of their own row or of their problem's id."""
    found = []
    for row in rows(file):
        gold = row.get("gold", golds.get(str(row["id"])))
        for column in RESPONSES:
            if gold is not None and isinstance(row.get(column), str):
                found.append(Case(f"{row['id']}/{column}", row[column], gold, _theirs(row, gold)))
    return found


def _theirs(row: dict[str, Any], gold: Any) -> bool | None:
    if "recorded_correct" in row:
        return bool(row["recorded_correct"])
    return equal(row["recorded_pred"], gold).correct if "recorded_pred" in row else None


def disagreement(verdict: Verdict, theirs: bool | None) -> str | None:
    """The class of a disagreement with the source, None where both say the same or one nothing."""
    if theirs is None or verdict.correct is theirs:
        return None
    if verdict.correct is None:
        return f"undecided, theirs {'right' if theirs else 'wrong'}"
    if verdict.status == "no_answer":
        return "no answer, theirs right"
    return "ours right, theirs wrong" if verdict.correct else "ours wrong, theirs right"


def measure(found: list[Case], examples: int) -> dict[str, Any]:
    """The table of one file. Times are means in microseconds."""
    verdicts = [check(case.response, case.gold) for case in found]
    graded = [pair for pair in zip(found, verdicts, strict=True) if pair[0].theirs is not None]
    classes: dict[str, list[tuple[Case, Verdict]]] = {}
    for case, verdict in graded:
        name = disagreement(verdict, case.theirs)
        if name:
            classes.setdefault(name, []).append((case, verdict))
    agree = sum(verdict.correct is case.theirs for case, verdict in graded)
    return {
        "rows": len(found),
        "rules": dict(Counter(verdict.rule or "none" for verdict in verdicts).most_common()),
        "correct": sum(verdict.correct is True for verdict in verdicts) / len(found),
        "undecided": sum(verdict.correct is None for verdict in verdicts) / len(found),
        "graded": len(graded),
        "agree": agree / len(graded) if graded else None,
        "extract_us": _extract_us(found),
        "disagreements": {
            name: {"rows": len(rows), "examples": _sample(rows, examples)}
            for name, rows in sorted(classes.items())
        },
    }


def _extract_us(found: list[Case]) -> float:
    asked = [(case.response, gold_kind(case.gold)) for case in found]
    start = time.perf_counter()
    for response, kind in asked:
        extract(response, kind)
    return (time.perf_counter() - start) / len(asked) * 1e6


def _sample(rows: list[tuple[Case, Verdict]], count: int) -> list[dict[str, Any]]:
    chosen = random.Random(SEED).sample(rows, min(count, len(rows)))
    return [
        {
            "id": case.id,
            "gold": case.gold,
            "rule": verdict.rule,
            "answer": verdict.answer,
            "status": verdict.status,
            "end": case.response[-400:],
        }
        for case, verdict in chosen
    ]


def files(data: Path, names: list[str]) -> dict[str, list[Case]]:
    """The trace files of a data folder, by name; all of them where no name is given."""
    problems = data / "gair_w2s" / "problems.jsonl.gz"
    golds = {str(row["id"]): row["answer"] for row in rows(problems)} if problems.is_file() else {}
    paths = {
        path.name.removesuffix(".jsonl.gz"): path
        for folder in ("traces", "gair_w2s")
        for path in sorted((data / folder).glob("*.jsonl.gz"))
        if path != problems
    }
    unknown = sorted(set(names) - set(paths))
    if unknown or not paths:
        sys.exit(f"no such trace file in {data}: {', '.join(unknown) or 'none at all'}")
    return {name: cases(path, golds) for name, path in paths.items() if not names or name in names}


def show(name: str, table: dict[str, Any]) -> None:
    """Print the table of one file in readable lines."""
    agree = "not graded" if table["agree"] is None else f"agree {table['agree']:.4f}"
    print(f"{name}: n={table['rows']} correct {table['correct']:.4f} undecided "
          f"{table['undecided']:.4f} {agree}, {table['extract_us']:.0f} us")  # fmt: skip
    print("   rules: " + ", ".join(f"{rule} {count}" for rule, count in table["rules"].items()))
    for label, group in table["disagreements"].items():
        print(f"   {label}: {group['rows']}")
        for example in group["examples"]:
            print("      " + json.dumps(example, ensure_ascii=False))


def main() -> None:
    """Measure the named files, or all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", help="files to measure, without .jsonl.gz")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--examples", type=int, default=0, help="disagreements shown per class")
    parser.add_argument("--out", type=Path, help="write the tables as JSON")
    options = parser.parse_args()
    tables = {}
    for name, found in files(options.data, options.names).items():
        tables[name] = measure(found, options.examples)
        show(name, tables[name])
    if options.out:
        options.out.write_text(json.dumps(tables, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
