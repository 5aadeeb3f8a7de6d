r"""Our own verdicts against those of the published rules on all real outputs, by class.

    python eval/bench/answers/against.py [--data DIR] [--show COUNT] [--out FILE.json]

The rules are ours of the same names, which say what the published code says (parity.py). GSM8K's
are asked of every output on a GSM8K problem, the others of every output on a MATH problem; `check`
with kind auto of all. A class is what ours says, what theirs says, and why they differ:

- nothing found: the rule finds no answer in the response;
- another answer: both find one, and not the same (by `equal`);
- otherwise compared: both find the same answer, and compare it with the gold differently;
- found by the rule alone: ours finds no answer.

against_read.json says of rows that were read by eye, the same random ones of each class that
`--show 12` shows, whether what the response says is the gold: right, wrong, or unclear (the gold is
damaged). From that: whose verdict held how often, or neither's.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rows import DATA, Row, rows, trace_files, write

from reason_w2s.answers import Verdict, check, equal
from reason_w2s.answers.parity import parity

READ = Path(__file__).with_name("against_read.json")
RULES = {
    "lm_eval_gsm8k_strict": "gsm8k",
    "lm_eval_gsm8k_flexible": "gsm8k",
    "lm_eval_minerva": "math",
    "hendrycks": "math",
}
SEED = 0
TRUTH = {"right": True, "wrong": False, "unclear": "unclear"}
SAID = {True: "right", False: "wrong", None: "undecided"}


class Compared(NamedTuple):
    """One output under one rule."""

    rule: str
    row: Row
    ours: Verdict
    theirs: Verdict

    @property
    def name(self) -> str:
        """The class of a disagreement."""
        said = f"ours {SAID[self.ours.correct]}, theirs {SAID[self.theirs.correct]}"
        return f"{said}: {self._why()}"

    def _why(self) -> str:
        if self.theirs.answer is None:
            return "nothing found"
        if self.ours.answer is None:
            return "found by the rule alone"
        same = equal(self.theirs.answer, self.ours.answer).correct
        return "otherwise compared" if same else "another answer"


def compared(data: Path) -> Iterator[Compared]:
    """Every output under each rule of its set."""
    for file in trace_files(data):
        for row in rows(file):
            # rows without a qid ask a reworded GSM8K question
            asked = "math" if str(row.get("qid", "")).startswith("math-") else "gsm8k"
            ours = check(row["response"], row["gold"])
            for rule, of in RULES.items():
                if of == asked:
                    yield Compared(rule, row, ours, parity(row["response"], row["gold"], rule))


def figures(found: list[Compared], read: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """By rule: outputs, how many each calls right, and the classes, the largest first."""
    made = {}
    for rule in RULES:
        mine = [one for one in found if one.rule == rule]
        apart = [one for one in mine if one.ours.correct is not one.theirs.correct]
        classes: dict[str, Any] = {}
        for name, count in Counter(one.name for one in apart).most_common():
            seen = [
                one for one in apart if one.name == name and one.row["id"] in read.get(rule, {})
            ]
            held = Counter(_held(one, TRUTH[read[rule][one.row["id"]]]) for one in seen)
            classes[name] = {
                "rows": count,
                "read": len(seen),
                **{who: held[who] for who in ("ours", "theirs", "neither")},
            }
        made[rule] = {
            "rows": len(mine),
            "ours": sum(one.ours.correct is True for one in mine),
            "theirs": sum(one.theirs.correct is True for one in mine),
            "apart": len(apart),
            "classes": classes,
        }
    return made


def _held(one: Compared, truth: bool | str) -> str:
    if one.ours.correct is truth:
        return "ours"
    return "theirs" if one.theirs.correct is truth else "neither"


def sample(found: list[Compared], rule: str, name: str, count: int) -> list[Compared]:
    """Disagreements of one class, drawn at random, always the same."""
    apart = [
        one
        for one in found
        if one.rule == rule and one.ours.correct is not one.theirs.correct and one.name == name
    ]
    return random.Random(SEED).sample(apart, min(count, len(apart)))


def shown(one: Compared, chars: int) -> str:
    """A disagreement for a reader: both answers, the gold, the end of the response."""
    response = one.row["response"]
    return (
        f"--- {one.rule} {one.row['id']}: gold {one.row['gold']!r}, ours {one.ours.answer!r} "
        f"({one.ours.rule}), theirs {one.theirs.answer!r}\n{response[-chars:]}"
    )


def main() -> None:
    """Print the classes of all rules, or a sample of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--show", type=int, default=0, help="so many of each class, to read")
    parser.add_argument("--chars", type=int, default=300, help="of the end of each response")
    parser.add_argument("--out", type=Path)
    wished = parser.parse_args()
    found = list(compared(wished.data))
    read = json.loads(READ.read_text(encoding="utf-8")) if READ.is_file() else {}
    made = figures(found, read)
    for rule, one in made.items():
        print(f"{rule}: n {one['rows']:,}, right: ours {one['ours']:,}, theirs {one['theirs']:,}")
        for name, counts in one["classes"].items():
            held = ", ".join(f"{who} {counts[who]}" for who in ("ours", "theirs", "neither"))
            print(f"  {counts['rows']:>6,}  {name}; of {counts['read']} read: {held}")
            for case in sample(found, rule, name, wished.show):
                print(shown(case, wished.chars))
    write(wished.out, made)


if __name__ == "__main__":
    main()
