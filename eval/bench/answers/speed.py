"""How fast the answer checker is on real outputs, per CPU-second, beside math-verify.

    python eval/bench/answers/speed.py [--data DIR] [--peer-python PYTHON] [--peer-rows 2000]
        [--rounds 3] [--workers 2] [--profile] [--out FILE.json]

Full responses in, verdicts out: every distinct response once, each round in a fresh interpreter
(no cache is warm). CPU time is the parent's and that of every worker process, sympy's included,
user and system, once the workers have ended; imports and reading the files are left out.
math-verify (`--peer-python`: an interpreter that has it) grades a random sample of the same rows
in the same run, as it is usually called. `--profile` shows where the time goes instead.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import random
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from rows import DATA, rows

from reason_w2s.answers import check
from reason_w2s.answers.workers.pool import close

PEER = Path(__file__).with_name("peer_math_verify.py")
SETS = {
    "gsm8k": (
        *("abel_gsm8k_robust", "gsmplus_gsm8k_outputs", "hawkeye_gsm8k_r1distill"),
        *("mr_gsm8k_annotated_subset", "openai_gsm8k_gpt3", "yks23_gsm8k", "rho_math"),
    ),
    "math": ("gair_w2s_math", "qwen_math_cot_100x8", "rho_math"),
}
# rho_math holds outputs on both sets.
WANTED = {"gsm8k": "gsm8k", "math": "math500"}
SEED = 0


class Case(NamedTuple):
    """One response and its gold answer."""

    response: str
    gold: Any


def cases(data: Path, name: str) -> list[Case]:
    """The distinct responses of a set, in the files' order."""
    found: dict[str, Case] = {}
    for file in SETS[name]:
        for row in rows(data / "traces" / f"{file}.jsonl.gz"):
            if row.get("set", WANTED[name]) == WANTED[name]:
                found.setdefault(row["response"], Case(row["response"], row["gold"]))
    return list(found.values())


def cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def one_round(asked: list[Case], workers: int) -> dict[str, float]:
    """Grade all cases once; with `workers` 0 by `check`, one after the other."""
    start, began = cpu_s(), time.perf_counter()
    if workers:
        from reason_w2s.answers import check_many

        responses, golds = zip(*asked, strict=True)
        verdicts = check_many(responses, golds, workers=workers)
    else:
        verdicts = [check(response, gold) for response, gold in asked]
    wall = time.perf_counter() - began
    close()
    used = cpu_s() - start
    return {
        "rows": len(asked),
        "cpu_s": used,
        "wall_s": wall,
        "rows_per_cpu_s": len(asked) / used,
        "rows_per_s": len(asked) / wall,
        "correct": sum(verdict.correct is True for verdict in verdicts),
        "undecided": sum(verdict.correct is None for verdict in verdicts),
    }


def fresh(wished: argparse.Namespace, name: str, workers: int) -> dict[str, Any]:
    """One round in an interpreter of its own."""
    command = [sys.executable, __file__, "--data", str(wished.data), "--one", name]
    done = subprocess.run(
        [*command, "--workers", str(workers)], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def median_round(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The round with the middle rate, and the rates of all."""
    rates = [one["rows_per_cpu_s"] for one in rounds]
    middle = statistics.median_low(rates)
    return {**rounds[rates.index(middle)], "all_rows_per_cpu_s": rates}


def peer(python: str, asked: list[Case], count: int) -> dict[str, Any]:
    """math-verify on a random sample of the rows."""
    sample = random.Random(SEED).sample(asked, min(count, len(asked)))
    asked_of_it = [
        {"kind": "response", "pred": one.response, "gold": str(one.gold)} for one in sample
    ]
    done = subprocess.run(
        [python, str(PEER)],
        input="\n".join(map(json.dumps, asked_of_it)) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    return {
        "version": said["version"],
        "rows": len(sample),
        "cpu_s": said["cpu_s"],
        "rows_per_cpu_s": len(sample) / said["cpu_s"],
        "correct": sum(one is True for one in said["verdicts"]),
    }


def measure(wished: argparse.Namespace, name: str) -> dict[str, Any]:
    """Ours, math-verify's and check_many's figures on one set."""
    asked = cases(wished.data, name)
    found: dict[str, Any] = {
        "check": median_round([fresh(wished, name, 0) for _ in range(wished.rounds)])
    }
    said = f"{name:<6} {len(asked):,} rows  {found['check']['rows_per_cpu_s']:,.0f} per CPU-second"
    if wished.peer_python:
        theirs = found["math_verify"] = peer(wished.peer_python, asked, wished.peer_rows)
        found["ratio"] = found["check"]["rows_per_cpu_s"] / theirs["rows_per_cpu_s"]
        said += (
            f"  math-verify {theirs['version']}: {theirs['rows_per_cpu_s']:,.0f}"
            f" ({theirs['rows']:,} rows)  {found['ratio']:.1f}x"
        )
    if wished.workers:
        many = found["check_many"] = median_round(
            [fresh(wished, name, wished.workers) for _ in range(wished.rounds)]
        )
        said += (
            f"  check_many, {wished.workers} workers: {many['rows_per_s']:,.0f}/s"
            f" ({many['rows_per_cpu_s']:,.0f} per CPU-second)"
        )
    print(said, flush=True)
    return found


def profile(asked: list[Case]) -> None:
    """Print what takes the time: by whole functions, then by their own work."""
    profiler = cProfile.Profile()
    profiler.enable()
    for response, gold in asked:
        check(response, gold)
    profiler.disable()
    close()
    for order in ("cumulative", "tottime"):
        pstats.Stats(profiler).strip_dirs().sort_stats(order).print_stats(30)


def main() -> None:
    """Print one line per set, write all figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--peer-python", help="an interpreter that has math-verify")
    parser.add_argument("--peer-rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="of check_many; 0: not measured")
    parser.add_argument("--set", choices=[*SETS], action="append", help="only this one")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--one", choices=[*SETS], help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    wished = parser.parse_args()
    if wished.one:
        print(json.dumps(one_round(cases(wished.data, wished.one), wished.workers)))
        return
    names = wished.set or [*SETS]
    if wished.profile:
        for name in names:
            profile(cases(wished.data, name))
        return
    found = {name: measure(wished, name) for name in names}
    if wished.out:
        wished.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
