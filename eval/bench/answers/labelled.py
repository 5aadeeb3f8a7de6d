"""Precision and recall of the answer checker on labelled answers.

    python eval/bench/answers/labelled.py [--data DIR] [--failures] [--all] [--out FILE.json]
        [--peer-python PYTHON]

Reads graders_dev.jsonl and graders_real_dev.jsonl: rows of kind `answer` go to `equal`, those of
kind `response` to `check`. Ambiguous rows are left out (`--all` keeps them). An undecided verdict
counts as not accepted. With `--peer-python`, an interpreter that has math-verify, that is measured
on the same rows. Intervals are Wilson's, 95%.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rows import DATA

from reason_w2s.answers import Verdict, check, equal
from reason_w2s.evaluate.statistics import wilson

FILES = ("graders_dev.jsonl", "graders_real_dev.jsonl")
SHARES = ("precision", "recall")
PEER = Path(__file__).with_name("peer_math_verify.py")

Row = dict[str, Any]


class Score(NamedTuple):
    """Rows by label and whether they were accepted."""

    accepted_equal: int
    accepted_unequal: int
    equal: int
    unequal: int

    def figures(self) -> dict[str, Any]:
        """Precision and recall, with intervals; None where there are no rows for one."""
        accepted = self.accepted_equal + self.accepted_unequal
        return {
            "n": self.equal + self.unequal,
            "precision": _share(self.accepted_equal, accepted),
            "recall": _share(self.accepted_equal, self.equal),
            "false_accepts": self.accepted_unequal,
            "missed": self.equal - self.accepted_equal,
        }


def score(rows: Sequence[Row], accepted: Sequence[bool | None]) -> Score:
    """How many equal and unequal pairs were accepted."""
    counts = Counter(
        (bool(row["equal"]), one is True) for row, one in zip(rows, accepted, strict=True)
    )
    return Score(
        counts[True, True],
        counts[False, True],
        counts[True, True] + counts[True, False],
        counts[False, True] + counts[False, False],
    )


def ours(row: Row) -> Verdict:
    """The checker's verdict on one row."""
    return (check if row["kind"] == "response" else equal)(row["pred"], row["gold"])


def peer(python: str, rows: Sequence[Row]) -> list[bool | None]:
    """math-verify's verdicts, from an interpreter that has it."""
    wanted = [{key: str(row[key]) for key in ("kind", "pred", "gold")} for row in rows]
    text = "\n".join(map(json.dumps, wanted)) + "\n"
    done = subprocess.run(
        [python, str(PEER)], input=text, capture_output=True, text=True, check=True
    )
    found: list[bool | None] = json.loads(done.stdout)["verdicts"]
    return found


def measure(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The figures of one file: in all, by status, and by category."""
    accepted = [verdict.correct for verdict in verdicts]
    groups: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[row.get("category", "real")].append(index)
    return {
        **score(rows, accepted).figures(),
        "undecided": sum(one is None for one in accepted),
        "refused_unequal": sum(
            one is False and not row["equal"] for row, one in zip(rows, accepted, strict=True)
        ),
        "statuses": dict(Counter(verdict.status for verdict in verdicts).most_common()),
        "categories": {
            name: score([rows[i] for i in at], [accepted[i] for i in at]).figures()
            for name, at in sorted(groups.items())
        },
    }


def failures(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> list[str]:
    """One line per row accepted though unequal, or not accepted though equal."""
    said = []
    for row, verdict in zip(rows, verdicts, strict=True):
        if (verdict.correct is True) != bool(row["equal"]):
            kind = "missed" if row["equal"] else "ACCEPTED"
            said.append(
                f"{kind:<8} {row['id']} {row.get('category', '')} gold {row['gold']!r} "
                f"pred {str(row['pred'])[-160:]!r}: {verdict.status} ({verdict.reason}) "
                f"answer {verdict.answer!r}"
            )
    return sorted(said)


def _share(part: int, whole: int) -> list[float] | None:
    """[share, low, high]."""
    if not whole:
        return None
    interval = wilson(part, whole)
    return [round(number, 4) for number in (part / whole, interval.low, interval.high)]


def _line(name: str, figures: dict[str, Any]) -> str:
    shares = []
    for key in SHARES:
        found = figures[key]
        shares.append("-" if found is None else f"{found[0]:.4f} [{found[1]:.3f}, {found[2]:.3f}]")
    return (
        f"{name:<12} n {figures['n']}  precision {shares[0]}  recall {shares[1]}  "
        f"false accepts {figures['false_accepts']}  missed {figures['missed']}"
    )


def _category(name: str, figures: dict[str, Any]) -> str:
    shares = ["-" if figures[key] is None else f"{figures[key][0]:.3f}" for key in SHARES]
    return (
        f"  {name:<22} n {figures['n']:>4}  precision {shares[0]:<5}  recall {shares[1]:<5}  "
        f"false accepts {figures['false_accepts']:>2}  missed {figures['missed']:>3}"
    )


def main() -> None:
    """Print the figures of both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--all", action="store_true", help="keep ambiguous rows")
    parser.add_argument("--failures", action="store_true", help="list the rows that went wrong")
    parser.add_argument("--peer-python", help="an interpreter that has math-verify")
    parser.add_argument("--out", type=Path)
    wished = parser.parse_args()
    found: dict[str, Any] = {}
    for name in FILES:
        text = (wished.data / name).read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        rows = [row for row in rows if wished.all or not row.get("ambiguous")]
        verdicts = [ours(row) for row in rows]
        figures = found[name] = measure(rows, verdicts)
        print(f"{name}\n{_line('ours', figures)}")
        print(f"  {figures['statuses']}  undecided {figures['undecided']}")
        if wished.peer_python:
            theirs = score(rows, peer(wished.peer_python, rows)).figures()
            figures["math_verify"] = theirs
            print(_line("math-verify", theirs))
        for category, one in figures["categories"].items():
            print(_category(category, one))
        if wished.failures:
            print("\n".join(failures(rows, verdicts)))
    if wished.out:
        wished.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
