"""The tables of the READMEs and of eval/*.md, made from what was measured alone.

    python eval/results_table.py --take runs/quickstart-seed0 \\
        --command "reason-w2s run recipes/quickstart.yaml --seed 0"
    python eval/results_table.py --take runs/one_footing.json --reference w2sr_p little_gold \\
        --command "reason-w2s run recipes/one_footing.yaml ..."
    python eval/results_table.py            # rewrite the tables
    python eval/results_table.py --check    # exit 1 if a README says something else

`--take` copies what the table needs out of a run's results.json into eval/baselines/, where it is
kept with the code: `reason-w2s report RUN --against` compares later runs with it. A sweep's JSON is
kept whole, in eval/baselines/sweeps.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import footing
from chaos_table import chaos
from costs_table import costs
from flaws_table import flaws
from label_models_table import label_models
from noisy_labels_table import noisy_labels
from scale_table import scale
from steps_table import steps
from voting_table import voting

ROOT = Path(__file__).parent.parent
BASELINES = ROOT / "eval" / "baselines"
START, END = "<!-- results:start -->", "<!-- results:end -->"
SCORE = ("model", "suite", "n", "accuracy", "low", "high", "stop_rate", "no_answer_rate", "labels")
TOLERANCE = 0.001
"""The same code, seed and kind of CPU give the same answers; a problem of 500 is twice this."""
KEPT = ("name", "seed", "environment")


def take(run: Path, command: str, tolerance: float) -> None:
    """Keep a run's scores as a baseline; `tolerance` is a share."""
    found = json.loads((run / "results.json").read_text(encoding="utf-8"))
    kept = {"command": command, "tolerance": tolerance, **{key: found[key] for key in KEPT}}
    kept["comparisons"] = [
        {**one, "wins": len(one["wins"]), "losses": len(one["losses"])}
        for one in found["comparisons"]
    ]
    kept["scores"] = [{key: score[key] for key in SCORE} for score in found["scores"]]
    kept["total"] = found["ledger"]["total"]
    path = BASELINES / f"{found['name']}-seed{found['seed']}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def accuracies(runs: list[dict[str, Any]], suite: str, title: str) -> str:
    """A row per model; per seed its accuracy with the 95% interval, in percent."""
    lines = heads([title, "gold labels used"], runs)
    for score in runs[0]["scores"]:
        if score["suite"] == suite:
            cells = [cell(run, score["model"], suite) for run in runs]
            lines.append(row([score["model"], labels(score["labels"]), *cells]))
    return "\n".join(lines)


def differences(runs: list[dict[str, Any]], suite: str) -> str:
    """A row per comparison; per seed the difference in points, its interval and McNemar's p."""
    lines = heads([f"`{suite}`, paired"], runs)
    for one in runs[0]["comparisons"]:
        if one["suite"] == suite:
            cells = [difference(run, one["a"], one["b"], suite) for run in runs]
            lines.append(row([f"{one['a']} against {one['b']}", *cells]))
    return "\n".join(lines)


def heads(first: list[str], runs: list[dict[str, Any]]) -> list[str]:
    """The two lines a table begins with."""
    named = [*first, *(f"seed {run['seed']}" for run in runs)]
    return [row(named), row(["---"] * len(named)).replace(" ", "")]


def row(cells: list[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def cell(run: dict[str, Any], model: str, suite: str) -> str:
    """`62.4 [58.1, 66.5]`."""
    score = next(one for one in run["scores"] if one["model"] == model and one["suite"] == suite)
    accuracy, low, high = (100 * score[key] for key in ("accuracy", "low", "high"))
    return f"{accuracy:.1f} [{low:.1f}, {high:.1f}]"


def difference(run: dict[str, Any], a: str, b: str, suite: str) -> str:
    """`+5.4 [+2.2, +8.6] p .002`."""
    one = next(
        found
        for found in run["comparisons"]
        if (found["a"], found["b"], found["suite"]) == (a, b, suite)
    )
    value, low, high = (100 * one[key] for key in ("difference", "low", "high"))
    p = "p < .001" if one["p"] < 0.001 else f"p {one['p']:.3f}".replace("0.", ".")
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}] {p}"


def labels(used: dict[str, Any]) -> str:
    """`1,000 answers + 60 solutions`."""
    parts = [f"{used[what]:,} {what}" for what in ("answers", "solutions") if used[what]]
    return " + ".join(parts) or "none"


def kept(name: str) -> list[dict[str, Any]]:
    """A recipe's baselines, by seed."""
    files = BASELINES.glob(f"{name}-seed*.json")
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return sorted(runs, key=lambda run: int(run["seed"]))


def quickstart() -> list[str]:
    """What README.md shows: all suites, and all comparisons on the first."""
    runs = kept("quickstart")
    n = {score["n"] for run in runs for score in run["scores"]}
    suites = list(dict.fromkeys(score["suite"] for score in runs[0]["scores"]))
    said = f"Accuracy in percent with its 95% interval, greedy, n = {min(n)} problems each."
    tables = [accuracies(runs, suite, f"`{suite}`") for suite in suites]
    paired = "The same answers compared pairwise, in points (paired bootstrap; exact McNemar):"
    return [said, *tables, paired, differences(runs, suites[0])]


def coverage() -> list[str]:
    """What eval/README.md shows of bench/coverage.py: how often 95% intervals hold the truth."""
    found = json.loads((BASELINES / "coverage.json").read_text(encoding="utf-8"))
    gaps = sorted({one["errors"] for one in found["gap"]})
    heads = ["n", "samples", "accuracy: mean over p (least, most)", "width at p = .5"]
    heads += ["difference: mean (least, most)", *(f"PGR, gap of {size} SE" for size in gaps)]
    lines = [row(heads), row(["---"] * len(heads)).replace(" ", "")]
    sizes = dict.fromkeys((one["n"], one["samples"]) for one in found["accuracy"])
    for n, samples in sizes:
        own = {
            name: [one for one in found[name] if (one["n"], one["samples"]) == (n, samples)]
            for name in ("accuracy", "difference", "gap")
        }
        width = next(one["mean_width"] for one in own["accuracy"] if one["share"] == 0.5)
        cells = [str(n), str(samples), spread(own["accuracy"]), f"{100 * width:.1f}"]
        cells += [spread(own["difference"]), *map(given, own["gap"])]
        lines.append(row(cells))
    said = (
        f"Percent of {found['repeats']:,} simulated evaluations whose 95% interval holds the true "
        f"value, over p = .1, .3, .5, .7, .9; widths in points. PGR: of the shares that were given "
        f"(in brackets: of all, how many were refused)."
    )
    return [said, "\n".join(lines)]


def spread(cells: list[dict[str, Any]]) -> str:
    """`95.1 (93.5, 97.2)`."""
    held = [100 * one["ours"] for one in cells]
    return f"{sum(held) / len(held):.1f} ({min(held):.1f}, {max(held):.1f})"


def given(cell: dict[str, Any]) -> str:
    """`96.6 (53.3 refused)`."""
    return f"{100 * cell['ours']:.1f} ({100 * cell['refused']:.1f} refused)"


def rewritten(path: Path, parts: list[str]) -> str:
    """The file's text with these parts between its markers."""
    before, rest = path.read_text(encoding="utf-8").split(START)
    return before + "\n\n".join([START, *parts, END]) + rest.split(END)[1]


def main() -> None:
    """Take a baseline, check the tables, or rewrite them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--take", type=Path, metavar="RUN", help="its folder, or a sweep's JSON")
    parser.add_argument("--command", help="what made the run that is taken")
    parser.add_argument(
        "--reference", nargs="*", default=[], help="of a sweep: the models others are set against"
    )
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="a share")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.take:
        if not arguments.command:
            parser.error("--take needs --command: what made the run")
        if arguments.take.suffix == ".json":
            footing.take(arguments.take, arguments.command, arguments.reference)
        else:
            take(arguments.take, arguments.command, arguments.tolerance)
    wanted = {
        ROOT / "README.md": quickstart(),
        ROOT / "recipes" / "README.md": footing.parts(),
        ROOT / "eval" / "README.md": coverage(),
        ROOT / "eval" / "costs.md": costs(),
        ROOT / "eval" / "voting.md": voting(),
        ROOT / "eval" / "label_models.md": label_models(),
        ROOT / "eval" / "flaws.md": flaws(),
        ROOT / "eval" / "noisy_labels.md": noisy_labels(),
        ROOT / "eval" / "scale.md": scale(),
        ROOT / "eval" / "steps.md": steps(),
        ROOT / "eval" / "survival.md": chaos(),
    }
    for path, parts in wanted.items():
        text = rewritten(path, parts)
        if arguments.check and text != path.read_text(encoding="utf-8"):
            sys.exit(f"{path.relative_to(ROOT)}: its tables are not those of eval/baselines")
        if not arguments.check:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
