"""Import, check, stepcheck, select and pair: ours, a plain script, and `datasets.map`, in one run.

    python eval/bench/million.py [--rows 10000 30000 100000] [--rounds 1] [--out FILE.json]
        [--only ours plain]

Makes the traces (`million/traces.py`), then gives each contestant the same files in a process of
its own, in turns: `million/plain.py`, `mapped.py`, and `reason-w2s run million/recipe.yaml` into an
empty folder. Of each: wall seconds, CPU seconds of it and its children, and the most memory that
it and its children held at once (resident, sampled ten times a second; pages of files that the
kernel may drop counted too). CPU seconds are the number to go by where other work runs beside. All
must have counted the same verdicts, flags, selected traces and pairs, or it fails. The exponent is
the slope of log(CPU seconds) over log(rows): 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from usage import cores, exponents, keep, measured

HERE = Path(__file__).parent / "million"


def ours(folder: Path, out: Path) -> tuple[dict[str, float], dict[str, int]]:
    """`reason-w2s run`, and what the run counted."""
    files = [
        f"problems.asked.file={folder / 'problems.jsonl'}",
        f"steps.drawn.import.file={folder / 'traces.jsonl'}",
    ]
    command = [sys.executable, "-m", "reason_w2s.cli", "run", str(HERE / "recipe.yaml"), *files]
    cost, _ = measured([*command, "--runs", str(out)], out)
    steps = json.loads((out / "million" / "manifest.json").read_text(encoding="utf-8"))["steps"]
    counts = {name: step["counts"] for name, step in steps.items()}
    return cost, {
        **{f"check {name}": count for name, count in counts["graded"]["status"].items()},
        **{f"flag {name}": count for name, count in counts["clean"]["flags"].items()},
        "selected": counts["chosen"]["out"],
        "pairs": counts["paired"]["pairs"],
    }


def script(name: str, folder: Path, out: Path) -> tuple[dict[str, float], dict[str, int]]:
    """A script beside this one, which prints what it counted."""
    cost, said = measured([sys.executable, str(HERE / f"{name}.py"), str(folder), str(out)], out)
    return cost, json.loads(said)


CONTESTANTS = {
    "ours": ours,
    "plain": lambda folder, out: script("plain", folder, out),
    "datasets_map": lambda folder, out: script("mapped", folder, out),
}


def files(rows: int, place: Path) -> dict[str, Any]:
    """Make the files; how many rows, how many different ones, and their size."""
    subprocess.run([sys.executable, str(HERE / "traces.py"), str(place), str(rows)], check=True)
    golds = {}
    with (place / "problems.jsonl").open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            golds[row["id"]] = row["answer"]
    different: set[int] = set()
    with (place / "traces.jsonl").open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            different.add(hash((row["response"], golds[row["id"]])))
    size = (place / "traces.jsonl").stat().st_size
    return {"rows": rows, "distinct": len(different), "problems": len(golds), "bytes": size}


def one_size(rows: int, rounds: int, names: list[str], place: Path) -> dict[str, Any]:
    """All contestants on so many rows, in turns; of each the best round by CPU seconds."""
    folder = place / "traces"
    folder.mkdir()
    found: dict[str, Any] = files(rows, folder)
    counted: dict[str, dict[str, int]] = {}
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            out = place / name
            out.mkdir()
            cost, counted[name] = CONTESTANTS[name](folder, out)
            costs[name].append(cost)
            shutil.rmtree(out)
            print(f"{rows:,} rows, {name}: {cost}", file=sys.stderr)
    first = counted[names[0]]
    for name, counts in counted.items():
        if Counter(counts) != Counter(first):
            raise SystemExit(f"{name} and {names[0]} counted otherwise: {counts}, {first}")
    shutil.rmtree(folder)
    best = {name: min(several, key=lambda one: one["cpu_s"]) for name, several in costs.items()}
    return {**found, "counted": first, "costs": best}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    parser.add_argument("--place", type=Path, help="where files are made; default: a temporary one")
    parser.add_argument("--out", type=Path, help="also written here, beside what else is there")
    asked = parser.parse_args()
    if asked.out and set(asked.only) != set(CONTESTANTS):
        parser.error("--out keeps what all of them took; leave --only out")
    with tempfile.TemporaryDirectory(dir=asked.place) as place:
        sizes = [one_size(rows, asked.rounds, asked.only, Path(place)) for rows in asked.rows]
    found = {
        "rounds": asked.rounds,
        "cores": cores(),
        "sizes": sizes,
        "exponents": exponents(sizes, asked.only),
    }
    print(json.dumps(found, indent=1))
    usual = asked.rows == parser.get_default("rows")
    keep(asked.out, "-".join(["million", *([] if usual else map(str, asked.rows))]), found)


if __name__ == "__main__":
    main()
