"""What commands take that should take no time: `--help`, a run that is all made, a report.

    python eval/bench/commands.py [--runs FOLDER] [--traces 5000 15000 50000] [--out FILE.json]

- `--help`, beside `python -c "import typer"`, its library, and `lm-eval --help`, warm (the best of
  five) and cold (nothing is compiled yet: what the first start after an install takes).
- `run recipes/quickstart.yaml` where its store has everything, report and viewer included, with
  `--runs`: the folder that launch/quickstart.sh filled. Beside it the imports it cannot do without,
  pyarrow and the recipe's.
- `report` of runs of so many traces with eight selections, made here by the fake engine: page and
  viewer from nothing, and with memory. It has no peer.

Wall seconds where the machine is quiet; CPU seconds where other work runs beside.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from usage import ROOT, cores, exponents, keep, measured

OURS = [sys.executable, "-m", "reason_w2s.cli"]
LM_EVAL = [sys.executable, "-m", "lm_eval", "--help"]
STARTS = {
    "ours": [*OURS, "--help"],
    "import typer": [sys.executable, "-c", "import typer"],
    "lm-eval --help": LM_EVAL,
}
NEEDED = "import pyarrow.parquet, numpy, scipy.stats, pydantic, ruamel.yaml, rich.console, jinja2"
ROUNDS = 5
PROBLEMS = 500
RECIPE = """\
# Choose among a fake engine's samples in several ways.
name: choosing
models:
  weak: {path: nobody/weak, prompt: qa}
problems:
  test: {suite: suite}
steps:
  drawn: {sample: {model: weak, of: test, sampling: {n: 100, max_tokens: 64}}}
  graded: {check: {of: drawn, kind: number}}
  clean: {stepcheck: {of: graded}}
  votes: {vote: {of: clean, kind: number}}
  by_vote: {select: {of: votes, by: [-votes.share], per: problem, take: 1}}
  clean_vote:
    select:
      {of: votes, where: {clean.flags: none}, by: [-votes.share], per: problem, take: 1}
  shortest: {select: {of: votes, by: [n_tokens], per: problem, take: 1}}
  longest: {select: {of: votes, by: [-n_tokens], per: problem, take: 1}}
  fewest: {select: {of: clean, by: [clean.n_steps], per: problem, take: 1}}
  most: {select: {of: clean, by: [-clean.n_steps], per: problem, take: 1}}
  equations: {select: {of: clean, by: [-clean.n_equations], per: problem, take: 1}}
  sound: {select: {of: clean, where: {clean.flags: none}, per: problem, take: 1}}
evaluate:
  suites: [suite.yaml]
  models: {weak: weak}
  selections: {by_vote: by_vote, clean_vote: clean_vote, shortest: shortest, longest: longest,
    fewest: fewest, most: most, equations: equations, sound: sound}
"""
SUITE = f"""\
problems: {{source: world, split: test, take: {PROBLEMS}}}
sampling: {{max_tokens: 64}}
check: {{kind: number}}
"""


def best(command: list[str], folder: Path) -> dict[str, float]:
    """The round that took the least CPU time."""
    rounds = [measured(command, folder)[0] for _ in range(ROUNDS)]
    return min(rounds, key=lambda one: one["cpu_s"])


def starts(place: Path) -> dict[str, Any]:
    """How long `--help` takes, and what it is set beside."""
    found = {}
    for name, command in STARTS.items():
        compiled = place / name.replace(" ", "-")
        cold, _ = measured(command, place, {"PYTHONPYCACHEPREFIX": str(compiled)})
        found[name] = {"warm": best(command, place), "cold": cold}
    return found


def cached(runs: Path) -> dict[str, Any]:
    """A run of the quickstart of which nothing is left to make."""
    asked = ["--seed", "0", "--runs", str(runs.resolve()), "--on", "launch/profiles/cpu.yaml"]
    recipe = "recipes/quickstart.yaml"
    _, said = measured([*OURS, "status", recipe, "--seed", "0", "--runs", str(runs)], ROOT)
    last = said.strip().splitlines()[-1]
    done, _, all_ = last.partition(" of ")
    if done != all_.partition(" ")[0]:
        raise SystemExit(f"{runs}: {last}; launch/quickstart.sh --runs {runs} makes the others")
    return {
        "steps": int(done),
        "ours": best([*OURS, "run", recipe, *asked], ROOT),
        "imports": best([sys.executable, "-c", NEEDED], ROOT),
    }


def report(traces: int, place: Path) -> dict[str, Any]:
    """The report of a run of so many traces, from nothing."""
    folder = place / str(traces)
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (folder / "choosing.yaml").write_text(RECIPE, encoding="utf-8")
    (folder / "fake.yaml").write_text("{isolate: none, sampler: fake}\n", encoding="utf-8")
    n = f"steps.drawn.sample.sampling.n={traces // PROBLEMS}"
    measured([*OURS, "run", "choosing.yaml", "--on", "fake.yaml", n], folder)
    run = folder / "runs" / "choosing"
    for name in ("results.json", "rows.parquet", "report.html", "traces.html"):
        (run / name).unlink()
    cost, _ = measured([*OURS, "report", str(run)], folder)
    rows = json.loads((run / "results.json").read_text(encoding="utf-8"))
    return {"rows": traces, "selections": len(rows["selections"]), "costs": {"ours": cost}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=Path, help="of the quickstart; without it that is left out")
    parser.add_argument("--traces", type=int, nargs="+", default=[5_000, 15_000, 50_000])
    parser.add_argument("--out", type=Path, help="also written here, beside what else is there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found: dict[str, Any] = {"cores": cores(), "starts": starts(Path(place))}
        found["cached"] = cached(asked.runs) if asked.runs else None
        sizes = [report(traces, Path(place)) for traces in asked.traces]
    found["report"] = {"sizes": sizes, "exponents": exponents(sizes, ["ours"])}
    print(json.dumps(found, indent=1))
    keep(asked.out, "commands", found)


if __name__ == "__main__":
    main()
