"""The tables of recipes/README.md that set all methods side by side, from kept sweeps alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reason_w2s.evaluate.sweep import difference
from reason_w2s.recipe.yaml_file import read

ROOT = Path(__file__).parent.parent
SWEEPS = ROOT / "eval" / "baselines" / "sweeps"
PUBLISHED = ROOT / "eval" / "published.yaml"
ALL = "one_footing"
"""The recipe that uses every other one."""

Sweep = Mapping[str, Any]


def take(file: Path, command: str, references: Sequence[str]) -> Path:
    """Keep a sweep's JSON as a baseline. references: the models others are set against."""
    found = json.loads(file.read_text(encoding="utf-8"))
    known = {score["model"] for group in found["groups"] for score in group["scores"]}
    for name in references:
        if name not in known:
            raise SystemExit(f"--reference {name}: not measured; there are {sorted(known)}")
    kept = {"command": command, "references": list(references), **found}
    SWEEPS.mkdir(parents=True, exist_ok=True)
    path = SWEEPS / f"{found['name']}.json"
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def parts() -> list[str]:
    """What recipes/README.md shows of kept sweeps; nothing where none is kept."""
    kept = _kept()
    shown = [part for sweep in kept.values() for part in _tables(sweep)]
    return [*shown, _beside_published(kept)] if kept else []


def _kept() -> dict[str, Sweep]:
    """The sweeps by name, that of all recipes first."""
    files = sorted(SWEEPS.glob("*.json"), key=lambda path: (path.stem != ALL, path.stem))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def _tables(sweep: Sweep) -> Iterator[str]:
    values = "; ".join(
        f"{one['name']} {', '.join(map(str, one['values']))}" for one in sweep["variables"]
    )
    yield f"`{sweep['name']}`, made by `{sweep['command']}` ({values}):"
    for group in sweep["groups"]:
        yield _table(sweep, group)
    yield _how(sweep)
    for group in sweep["groups"]:
        if group["gaps"]:
            yield _gaps(group)


def _how(sweep: Sweep) -> str:
    """How the numbers of a sweep's tables are made."""
    scores = [score for group in sweep["groups"] for score in group["scores"]]
    degrees = ", ".join(sorted({str(score["df"]) for score in scores}))
    return (
        f"Accuracy in percent, the mean over {len(sweep['cells'])} runs, with its 95% t interval "
        f"over seeds ({degrees} degrees of freedom; the spread within each value of what is "
        f"pretrained, pooled). Differences in points, paired on the same problems of each run; p "
        f"two-sided, not corrected for the number of rows. Tokens and seconds: all that a model "
        f"rests on after pretraining, shared work counted in full for each, without evaluation."
    )


def _table(sweep: Sweep, group: Mapping[str, Any]) -> str:
    suites = [one["name"] for one in sweep["suites"]]
    strata = [one["values"] for one in group["scores"][0]["strata"]]
    references = sweep["references"]
    heads = [_flat(group["settings"]) or "recipe", "model", "gold labels used"]
    for suite in suites:
        heads += [f"`{suite}`", *(_flat(values) for values in strata)]
    heads += [f"less {name}, `{suites[0]}`" for name in references]
    heads += ["tokens generated", "tokens trained", "device-seconds"]
    lines = [_row(heads), _row(["---"] * len(heads)).replace(" ", "")]
    for first in group["scores"]:
        if first["suite"] != suites[0]:
            continue
        model = first["model"]
        cells = [first["recipe"], model, labels(first)]
        for suite in suites:
            score = _score(group, model, suite)
            cells += _accuracies(score, len(strata))
        cells += [_against(group, model, name, suites[0]) for name in references]
        lines.append(_row([*cells, *_cost(group, model)]))
    return "\n".join(lines)


def _gaps(group: Mapping[str, Any]) -> str:
    """The share of a gap that was recovered, and what such a share is called."""
    strata = [_flat(one["values"]) for one in group["scores"][0]["strata"]]
    lines = [_row(["gap", "measure", "percent of it", *strata])]
    lines.append(_row(["---"] * (3 + len(strata))).replace(" ", ""))
    for gap in group["gaps"]:
        name = f"`{gap['name']}`, `{gap['suite']}`"
        if gap["value"] is None:
            lines.append(_row([name, gap["measure"], gap["why"], *[""] * len(strata)]))
            continue
        means = [f"{100 * one['value']:.1f}" for one in gap["strata"]]
        lines.append(_row([name, gap["measure"], _mean({**gap, "accuracy": gap["value"]}), *means]))
    return "\n".join(lines)


def _accuracies(score: Mapping[str, Any] | None, strata: int) -> list[str]:
    if score is None:
        return ["not measured"] * (1 + strata)
    return [_mean(score), *(f"{100 * one['accuracy']:.1f}" for one in score["strata"])]


def _mean(score: Mapping[str, Any]) -> str:
    """`62.4 [58.1, 66.5]`; without an interval where seeds gave none."""
    said = f"{100 * score['accuracy']:.1f}"
    if score["low"] is None:
        return said
    return f"{said} [{100 * score['low']:.1f}, {100 * score['high']:.1f}]"


def _against(group: Mapping[str, Any], model: str, reference: str, suite: str) -> str:
    """`+5.4 [+2.2, +8.6] p .002`."""
    found = None if model == reference else difference(group, model, reference, suite)
    if found is None:
        return ""
    said = f"{100 * found['difference']:+.1f}"
    if found["low"] is None:
        return said
    p = "p < .001" if found["p"] < 0.001 else f"p {found['p']:.3f}".replace("0.", ".")
    return f"{said} [{100 * found['low']:+.1f}, {100 * found['high']:+.1f}] {p}"


def _cost(group: Mapping[str, Any], model: str) -> list[str]:
    cost = next((one for one in group["costs"] if one["model"] == model), None)
    if cost is None:
        return ["not measured"] * 3
    return [f"{cost[name]:,.0f}" for name in ("tokens_generated", "tokens_trained", "seconds")]


def labels(score: Mapping[str, Any]) -> str:
    """`1,000 answers + 60 solutions`."""
    used = score["labels"]
    if used is None:
        return "not known"
    found = [f"{used[what]:,} {what}" for what in ("answers", "solutions") if used[what]]
    return (" + ".join(found) or "none") + (" (first run)" if score["labels_differ"] else "")


def _beside_published(kept: Mapping[str, Sweep]) -> str:
    """What authors report, what was measured here, and how to measure it."""
    heads = ["recipe", "published, elsewhere", "source", "measured here, `world`", "made by"]
    lines = [_row(heads), _row(["---"] * len(heads)).replace(" ", "")]
    for name, told in read(PUBLISHED).items():
        files = list((ROOT / "recipes").rglob(f"{name}.yaml"))
        if files:
            path = files[0].relative_to(ROOT / "recipes")
            source = f"{told['source']} ({told['basis']})"
            lines.append(
                _row(
                    [
                        f"`{path}`",
                        told["says"],
                        source,
                        *_measured(name, told.get("step", "tuned"), kept),
                    ]
                )
            )
    return "\n".join(lines)


def _measured(recipe: str, step: str, kept: Mapping[str, Sweep]) -> tuple[str, str]:
    """The method's result and the command of the sweep it is from."""
    for sweep in kept.values():
        for group in sweep["groups"]:
            for score in group["scores"]:
                mine = (score["recipe"], score["step"]) == (recipe, step)
                if mine and score["suite"] == sweep["suites"][0]["name"]:
                    setting = _flat(group["settings"])
                    said = f"{_mean(score)}{f' ({setting})' if setting else ''}"
                    return said, f"`{sweep['command']}`"
    return "not measured", ""


def _score(group: Mapping[str, Any], model: str, suite: str) -> Mapping[str, Any] | None:
    found = (one for one in group["scores"] if (one["model"], one["suite"]) == (model, suite))
    return next(found, None)


def _flat(values: Mapping[str, Any]) -> str:
    """`pretrained 0`; of a mapping its keys with their values."""
    pairs = [
        pair
        for name, value in values.items()
        for pair in (value.items() if isinstance(value, Mapping) else [(name, value)])
    ]
    return ", ".join(f"{name} {value}" for name, value in pairs)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
