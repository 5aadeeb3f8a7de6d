"""Break runs at random moments, let them go on, and set what comes out beside an unbroken run.

    python eval/bench/chaos --work /tmp/chaos                       # everything, an hour or two
    python eval/bench/chaos --work /tmp/chaos --only vllm --count 5  # a piece of minutes
    python eval/bench/chaos --work /tmp/chaos --list

Moments are drawn uniformly over the unbroken run's phase, from --seed, the kind and the number of
the chain: several events of one chain hit one run, which is compared at its end: every record with
its text, every count, the ledger's tokens, losses and weights. What a piece finds is added to
eval/baselines/chaos.json; a piece that is stopped is forgotten, the next begins it again. A chain
that is not as it should be is named there and its folder is left in --work.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from kinds import KINDS, Kind
from processes import ROOT
from trial import Outcome, Whole

FILE = ROOT / "eval" / "baselines" / "chaos.json"


def main() -> None:
    """Play chains until each kind has its number of events."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder for the trials")
    parser.add_argument("--only", nargs="*", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--count", type=int, help="so many more events of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--list", action="store_true", help="what there is, and what is done")
    arguments = parser.parse_args()
    found = _read(arguments.out, arguments.seed)
    for name in arguments.only:
        done = found["kinds"].get(name, {"events": 0})["events"]
        wanted = KINDS[name].wanted if arguments.count is None else done + arguments.count
        if arguments.list:
            _say(f"{name:<14} {done:>4} of {KINDS[name].wanted:>3}  {KINDS[name].said}")
            continue
        while (done := found["kinds"].get(name, {"events": 0})["events"]) < wanted:
            _piece(found, name, KINDS[name], arguments.work.resolve(), wanted - done)
            found["kinds"] = {one: found["kinds"][one] for one in KINDS if one in found["kinds"]}
            arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if any(row["wrong"] for row in found["kinds"].values()):
        sys.exit("some runs did not come out as the unbroken one: see 'wrong' in the file")


def _read(path: Path, seed: int) -> dict[str, Any]:
    """What earlier pieces found; a file of another seed is an error."""
    if not path.is_file():
        return {"seed": seed, "kinds": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if found["seed"] != seed:
        sys.exit(f"{path} has seed {found['seed']}; give --seed {found['seed']} or another --out")
    return found


def _piece(found: dict[str, Any], name: str, kind: Kind, work: Path, events: int) -> None:
    """One chain, added to what was found."""
    row = found["kinds"].setdefault(name, _nothing(kind))
    folder = work / f"{name}-{row['chains']}"
    dice = random.Random(f"{found['seed']} {name} {row['chains']}")
    began = time.monotonic()
    whole = Whole(kind.phase, work / f"whole-{_phase_name(kind)}")
    outcome = kind.play(whole, folder, dice, min(kind.per_chain, events))
    _add(row, outcome, time.monotonic() - began)
    said = "; ".join(outcome.wrong) or "as the unbroken run"
    _say(f"{name} {row['chains']}: {outcome.events} events, {outcome.missed} missed: {said}")
    if not outcome.wrong:
        shutil.rmtree(folder, ignore_errors=True)


def _phase_name(kind: Kind) -> str:
    """Kinds of the same phase share the unbroken run."""
    return next(name for name, other in KINDS.items() if other.phase == kind.phase)


def _nothing(kind: Kind) -> dict[str, Any]:
    counts = dict.fromkeys(("events", "chains", "missed", "redone"), 0)
    part = kind.phase.part if "sample" in kind.phase.fresh else None
    return {"said": kind.said, **counts, "part": part, "seconds": 0.0, "wrong": []}


def _add(row: dict[str, Any], outcome: Outcome, seconds: float) -> None:
    row["chains"] += 1
    row["events"] += outcome.events
    row["missed"] += outcome.missed
    row["redone"] = max(row["redone"], outcome.redone)
    row["seconds"] = round(row["seconds"] + seconds, 1)
    row["wrong"] += [f"chain {row['chains'] - 1}: {line}" for line in outcome.wrong]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
