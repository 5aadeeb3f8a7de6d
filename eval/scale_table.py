"""The tables of eval/scale.md, made from eval/baselines/scale.json alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import log
from pathlib import Path
from statistics import linear_regression
from typing import Any

FILE = Path(__file__).parent / "baselines" / "scale.json"
NAMES = {
    "ours": "`reason-w2s run`",
    "plain": "plain script",
    "datasets_map": "`datasets.map`",
    "import typer": '`python -c "import typer"`',
    "lm-eval --help": "`lm-eval --help`",
    "imports": "its libraries alone, imported",
}
GROWTH = "exponent of growth"
Json = dict[str, Any]


def scale() -> list[str]:
    """What was measured: the million, then commands, each where there are figures."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    more = [size for name in found if name.startswith("million-") for size in found[name]["sizes"]]
    parts = _million(found["million"], more) if "million" in found else []
    if "commands" in found:
        parts += _starts(found["commands"]) + _reports(found["commands"])
    drawn, served = (_by_size(found, name) for name in ("sampling-", "serving-"))
    parts += _sampling(drawn) if drawn else []
    return parts + (_serving(served) if served else [])


def _by_size(found: Json, begins: str) -> list[Json]:
    """What was measured with several models, the smallest first."""
    several = [one for name, one in found.items() if name.startswith(begins)]
    return sorted(several, key=lambda one: one["parameters"])


def _million(found: Json, more: list[Json]) -> list[str]:
    """All contestants; growth is that over the first sizes."""
    sizes, names = [*found["sizes"], *more], list(found["exponents"])
    heads = ["rows (different)", *(f"{NAMES[name]}: CPU s, MiB" for name in names)]
    heads += ["ours / plain"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for size in sizes:
        costs = size["costs"]
        cells = [_cost(costs[name]) for name in names]
        ratio = costs["ours"]["cpu_s"] / costs["plain"]["cpu_s"]
        lines.append(_row([f"{size['rows']:,} ({size['distinct']:,})", *cells, f"{ratio:.2f}"]))
    grows = [found["exponents"][name] for name in names]
    cells = [f"{_number(one['cpu_s'])}, {_number(one['peak_memory_mib'])}" for one in grows]
    lines.append(_row([GROWTH, *cells, ""]))
    said = (
        f"Import, check, stepcheck, select and pair on {found['cores']} cores: CPU seconds and "
        f"peak memory of the process and its children, the best of {found['rounds']}."
    )
    return [said, "\n".join(lines)]


def _starts(found: Json) -> list[str]:
    lines = [_row(["command", "warm: wall s (CPU s)", "cold: wall s (CPU s)"])]
    lines.append(_row(["---"] * 3))
    for name, one in found["starts"].items():
        called = "`reason-w2s --help`" if name == "ours" else NAMES[name]
        lines.append(_row([called, _seconds(one["warm"]), _seconds(one["cold"])]))
    if found["cached"]:
        steps = f"quickstart, its {found['cached']['steps']} steps made"
        lines.append(_row([steps, _seconds(found["cached"]["ours"]), ""]))
        lines.append(_row([NAMES["imports"], _seconds(found["cached"]["imports"]), ""]))
    return ["\n".join(lines)]


def _reports(found: Json) -> list[str]:
    sizes = found["report"]["sizes"]
    lines = [_row(["report of", "selections", "wall s (CPU s)", "MiB"]), _row(["---"] * 4)]
    for one in sizes:
        cost = one["costs"]["ours"]
        cells = [f"{one['rows']:,} traces", str(one["selections"]), _seconds(cost)]
        lines.append(_row([*cells, f"{cost['peak_memory_mib']:,}"]))
    grows = found["report"]["exponents"]["ours"]
    cells = [_number(grows["cpu_s"]), _number(grows["peak_memory_mib"])]
    lines.append(_row([GROWTH, "", *cells]))
    return ["\n".join(lines)]


def _sampling(found: list[Json]) -> list[str]:
    kinds = ("seeded", "greedy")
    heads = ["parameters", "apart", "requests"]
    heads += [f"{kind}: ours, bare, ratios" for kind in kinds]
    lines = [_row([*heads, "unseeded: bare"]), _row(["---"] * 6)]
    for one in found:
        for size in one["sizes"]:
            counts = [f"{one['parameters']:,}", one["apart"], f"{size['requests']:,}"]
            cells = [_pace(size[kind]) for kind in kinds]
            lines.append(_row([*counts, *cells, f"{size['unseeded_bare_tokens_per_s']:,}"]))
        grows = [
            f"{_growth(one['sizes'], lambda size, kind=kind: _seconds_of(size[kind], 'ours'))}, "
            f"{_growth(one['sizes'], lambda size, kind=kind: _seconds_of(size[kind], 'bare'))}"
            for kind in kinds
        ]
        lines.append(_row(["", "", GROWTH, *grows, ""]))
    said = (
        f"Our sampler and bare `LLM.generate` on {found[0]['cores']} cores: tokens per second, and "
        "ours over bare in each round. Seeded: each request has a seed of its own. Apart: whose "
        "engine had a process of its own; on a CPU bare vLLM's has by itself, and ours has not."
    )
    return [said, "\n".join(lines)]


def _seconds_of(found: Json, side: str) -> float:
    return float(found["tokens"] / found[f"{side}_tokens_per_s"])


def _growth(sizes: list[Json], seconds: Callable[[Json], float]) -> str:
    """The slope of seconds over requests, both as logarithms, by least squares."""
    requests = [log(size["requests"]) for size in sizes]
    return f"{linear_regression(requests, [log(seconds(size)) for size in sizes]).slope:.2f}"


def _pace(found: Json) -> str:
    pace = f"{found['ours_tokens_per_s']:,}, {found['bare_tokens_per_s']:,}"
    return f"{pace}, {_ratios(found['ours_over_bare'])}"


def _serving(found: list[Json]) -> list[str]:
    paces = ["ours, plain: responses/s", "ours / plain", "in each round"]
    lines = [
        _row(["parameters", "requests", *paces, "CPU s: ours, plain"]),
        _row(["---"] * 6),
    ]
    for one in found:
        for size in one["sizes"]:
            pace = f"{size['ours_per_s']:,}, {size['plain_per_s']:,}"
            spent = f"{size['cpu_s']['ours']}, {size['cpu_s']['plain']}"
            counts = [f"{one['parameters']:,}", f"{size['requests']:,}"]
            ratio = f"{size['ours_per_s'] / size['plain_per_s']:.2f}"
            lines.append(_row([*counts, pace, ratio, _ratios(size["ours_over_plain"]), spent]))
        grows = [
            _growth(one["sizes"], lambda size, side=side: size["requests"] / size[f"{side}_per_s"])
            for side in ("ours", "plain")
        ]
        lines.append(_row(["", GROWTH, ", ".join(grows), "", "", ""]))
    said = (
        f"Our client and a plain load generator on one endpoint, {found[0]['concurrency']} "
        f"requests at a time, on {found[0]['cores']} cores that serve as well: the fastest round "
        "of each, as what else the machine does only slows one down, and the ratio in each round."
    )
    return [said, "\n".join(lines)]


def _ratios(found: list[float]) -> str:
    return " ".join(f"{one:.2f}" for one in found)


def _cost(cost: Json) -> str:
    return f"{cost['cpu_s']:,.1f}, {cost['peak_memory_mib']:,}"


def _seconds(cost: Json) -> str:
    return f"{cost['wall_s']:.2f} ({cost['cpu_s']:.2f})"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
