"""The tables of the answer checker's README, made from its measured figures and from nothing else.

    python eval/answers_table.py            # rewrite the tables
    python eval/answers_table.py --check    # exit 1 if the README says something else

The scripts in eval/bench/answers/ measure; `--out eval/baselines/answers/NAME.json` keeps what they
found with the code.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from reason_w2s.answers import verdict
from reason_w2s.answers.algebra import forms, parser, polynomials, rational, tokens
from reason_w2s.answers.workers import pool
from reason_w2s.evaluate.statistics import wilson

ROOT = Path(__file__).parent.parent
BASELINES = ROOT / "eval" / "baselines" / "answers"
README = ROOT / "reason_w2s" / "answers" / "README.md"
CAPS = {
    "characters of a response that are searched, from its end": verdict.MAX_RESPONSE_CHARS,
    "characters of an answer": verdict.MAX_ANSWER_CHARS,
    "items of a list, cells of a matrix": verdict.MAX_ITEMS,
    "accepted answers that are looked at": verdict.MAX_GOLDS,
    "groups inside each other": parser.MAX_DEPTH,
    "tokens of a formula": tokens.MAX_TOKENS,
    "digits of a literal": tokens.MAX_DIGITS,
    "digits of a number that is worked out": rational.MAX_RESULT_DIGITS,
    "factorials up to": rational.MAX_FACTORIAL,
    "terms of a normal form": polynomials.MAX_TERMS,
    "power of a sum that is multiplied out": forms.MAX_POWER,
    "seconds of the symbolic layer": pool.SYMBOLIC_SECONDS,
    "MiB of a worker": pool.WORKER_MEMORY_BYTES // 2**20,
}


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    heads = list(head)
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


def percent(share: float) -> str:
    """A share in percent; what is there never shows as nothing."""
    return "" if not share else f"{100 * share:.1f}" if share >= 0.0005 else "<0.1"


def estimate(found: list[float]) -> str:
    """A share with its interval."""
    value, low, high = found
    return f"{value:.4f} [{low:.3f}, {high:.3f}]"


def rules(found: dict[str, Any]) -> str:
    """A row per file: how often each rule found the answer, in percent."""
    names = sorted({rule for one in found.values() for rule in one["rules"]} - {"none"})
    order = [rule for rule in get_args(verdict.Rule) if rule in names]
    rows = [
        [name, f"{one['rows']:,}"]
        + [percent(one["rules"].get(rule, 0) / one["rows"]) for rule in [*order, "none"]]
        for name, one in found.items()
    ]
    return table(["outputs", "n", *(f"`{rule}`" for rule in order), "none"], rows)


def traces(found: dict[str, Any]) -> str:
    """A row per file: right by us, agreement with the source's verdict, disagreements by class."""
    classes = [
        "ours right, theirs wrong",
        "ours wrong, theirs right",
        "no answer, theirs right",
        "undecided, theirs right",
        "undecided, theirs wrong",
    ]
    rows = []
    for name, one in found.items():
        bounds = wilson(round(one["correct"] * one["rows"]), one["rows"])
        said = one.get("disagreements", {})
        agree = percent(one["agree"]) if one.get("graded") else "not recorded"
        counts = [said.get(kind, {}).get("rows", 0) or "" for kind in classes]
        right = f"{100 * one['correct']:.1f} [{100 * bounds.low:.1f}, {100 * bounds.high:.1f}]"
        rows.append([name, f"{one['rows']:,}", right, agree, *counts])
    return table(["outputs", "n", "right by us, %", "agree, %", *classes], rows)


def labelled(found: dict[str, Any]) -> str:
    """A row per file and grader: precision and recall."""
    rows = []
    for name, one in found.items():
        for grader, score in (("ours", one), ("math-verify 0.9", one.get("math_verify"))):
            if score:
                shares = estimate(score["precision"]), estimate(score["recall"])
                wrong = score["false_accepts"], score["missed"]
                rows.append([f"{name}, {grader}", score["n"], *shares, *wrong])
    return table(["rows, grader", "n", "precision", "recall", "false accepts", "missed"], rows)


def shuffled(found: dict[str, Any]) -> str:
    """One row of counts, and the accepted ones that differ in their letters."""
    names = ("pairs", "accepted", "golds_equal", "states_the_other")
    heads = ["pairs", "accepted", "golds equal anyway", "states that gold", "says it otherwise"]
    rows = [[f"{found[name]:,}" for name in names] + [len(found["to_read"])]]
    said = [f"`{answer}` for `{gold}`" for _, _, answer, gold, _ in found["to_read"]]
    return table(heads, rows) + "\n\nOtherwise, all right: " + ", ".join(said) + "."


def surfaces(found: dict[str, Any]) -> str:
    """A row per set: rows that pass of all, by surface; then what does not."""
    names = list(dict.fromkeys(name for one in found.values() for name in one))
    rows, failures = [], []
    for name, one in found.items():
        counts = (one.get(surface) for surface in names)
        cells = [f"{count['passed']:,} of {count['n']:,}" if count else "" for count in counts]
        rows.append([name, *cells])
        failures += [case[:3] for count in one.values() for case in count["failures"] if case[1]]
    listed = "; ".join(f"{key}: `{gold}`, read `{read}`" for key, gold, read in failures)
    return table(["set", *names], rows) + f"\n\nNot passed, with a gold at all: {listed}."


def speed(found: dict[str, Any]) -> str:
    """A row per set: ours and math-verify's rate, and the ratio from the same run."""
    rows = []
    for name, one in found.items():
        ours, peer, many = one["check"], one["math_verify"], one["check_many"]
        rates = [f"{rate:,.0f}" for rate in (ours["rows_per_cpu_s"], peer["rows_per_cpu_s"])]
        ratio = f"{ours['rows_per_cpu_s'] / peer['rows_per_cpu_s']:.1f}"
        wall = [f"{one_['rows_per_s']:,.0f}" for one_ in (ours, many)]
        rows.append([name, f"{ours['rows']:,}", *rates, ratio, *wall])
    heads = ["outputs", "n", "per CPU-second", "math-verify 0.9", "ratio"]
    return table([*heads, "per second", "`check_many`, 2 workers, per second"], rows)


def parity(found: dict[str, Any]) -> str:
    """A row per fixed rule: verdicts that differ from the published code's, and where it fails."""
    keys = ("rows", "answered", "differ", "raised", "stopped")
    rows = [[f"`{name}`", *(f"{one[key]:,}" for key in keys)] for name, one in found.items()]
    return table(["kind", "n", "with an answer", "differ", "theirs raised", "after 5 s"], rows)


def against(found: dict[str, Any]) -> str:
    """Per fixed rule: how many each calls right, then a row per class of disagreements."""
    rows = []
    for name, one in found.items():
        shares = [f"{100 * one[who] / one['rows']:.1f}%" for who in ("ours", "theirs")]
        rows.append([f"`{name}`: right by ours {shares[0]}, by it {shares[1]}", f"{one['rows']:,}"])
        rows[-1] += [""] * 4
        for kind, counts in one["classes"].items():
            held = [counts[who] or "" for who in ("read", "ours", "theirs", "neither")]
            rows.append([kind, f"{counts['rows']:,}", *held])
    return table(["rule, disagreements", "n", "read", "ours held", "theirs", "neither"], rows)


def hostile(found: dict[str, Any]) -> str:
    """A row per class of hostile cases: the slowest call and the largest process."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for case in found["cases"]:
        groups.setdefault(case["group"], []).append(case)
    rows = []
    for name, cases in groups.items():
        slowest = max(cases, key=lambda case: case["seconds"])
        calls = sum(case["calls"] for case in cases)
        largest = max(case["peak_mib"] for case in cases)
        faults = sum(len(case["faults"]) for case in cases)
        shown = f"{slowest['seconds']:.2f}", slowest["label"], f"{largest:.0f}", faults
        rows.append([name, len(cases), f"{calls:,}", *shown])
    return table(["class", "cases", "calls", "slowest, s", "case", "MiB", "violations"], rows)


def fuzz(found: dict[str, Any]) -> str:
    """One row: how long it searched, what it tried, what it found."""
    names = ("minutes", "inputs", "checks", "valid", "slowest_s", "peak_mib", "children_left")
    heads = ["minutes", "inputs", "verdicts", "valid ones, all right", "slowest, s", "MiB"]
    cells = [f"{found[name]:,}" for name in names]
    return table([*heads, "children left", "findings"], [[*cells, len(found["findings"])]])


def caps(_: dict[str, Any]) -> str:
    """The caps, from the code."""
    return table(["cap", "value"], [[name, f"{value:,g}"] for name, value in CAPS.items()])


TABLES: dict[str, tuple[str | None, Callable[[dict[str, Any]], str]]] = {
    "rules": ("traces", rules),
    "traces": ("traces", traces),
    "labelled": ("labelled", labelled),
    "shuffled": ("shuffled", shuffled),
    "surfaces": ("surfaces", surfaces),
    "speed": ("speed", speed),
    "caps": (None, caps),
    "parity": ("parity", parity),
    "against": ("against", against),
    "hostile": ("hostile", hostile),
    "fuzz": ("fuzz", fuzz),
}


def written(text: str) -> str:
    """The README with its tables from the figures."""
    for name, (file, made) in TABLES.items():
        path = BASELINES / f"{file}.json"
        found = json.loads(path.read_text(encoding="utf-8")) if file else {}
        marks = re.compile(rf"(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        body = f"\n{made(found)}\n\n"
        text, count = marks.subn(lambda match, body=body: match[1] + body + match[2], text)
        if count != 1:
            sys.exit(f"{README.relative_to(ROOT)}: no place for the table '{name}'")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if stale")
    asked = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    made = written(text)
    if asked.check:
        sys.exit(0 if made == text else "the tables are stale: python eval/answers_table.py")
    README.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
