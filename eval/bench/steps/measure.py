"""What stepcheck finds in real traces, and how often it is wrong.

    python eval/bench/steps/measure.py --data DIR --out eval/baselines/steps/found.json
    python eval/bench/steps/measure.py --data DIR --draw 40     # what a person should read

DIR holds `traces/` and `sets/` (see eval/steps.md). Four parts: people's marks of the first wrong
step; GSM8K's own calculator notes, each verified, the exceptions listed with the reason; what each
flag drops of every file, in order; and the share of wrong steps of right and wrong traces.
`--draw` prints the traces of which a person has said in eval/baselines/steps/judged.jsonl whether
their flag is right: of each flag those with the lowest hash.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from marked import marked

from reason_w2s.answers import check_many
from reason_w2s.answers.arithmetic import equations
from reason_w2s.problems.files import read
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.stepcheck import FLAGS, StepcheckConfig, stepcheck

SHARED = Path(os.environ.get("REASON_W2S_SHARED", Path(__file__).parents[3] / ".." / "shared"))
HUMAN = "mr_gsm8k_annotated_subset"
SETS = ("gsm8k_train", "gsm8k_test")
Found = dict[str, Any]


def notes(data: Path) -> Found:
    """GSM8K's calculator notes: how many hold, and each that does not, or whose prose differs."""
    counts: Counter[str] = Counter()
    exceptions = []
    for row in (one for name in SETS for one in read(data / "sets" / f"{name}.jsonl.gz")):
        text = row["solution"]
        found = equations(text)
        counts["problems"] += 1
        counts["marks"] += text.count("<<")
        for one in found:
            noted = text.rfind("<<", 0, one.start + 1) > text.rfind(">>", 0, one.start + 1)
            if noted:
                counts[
                    "holds" if one.holds else "wrong" if one.holds is False else "undecided"
                ] += 1
                left, _, right = one.text.partition("=")
                counts["repeats a value"] += left == right
            if (noted and not one.holds) or one.holds is False:
                where = "note" if noted else "prose"
                note = one.note or "the two sides differ"
                exceptions.append({"id": row["id"], "where": where, "text": one.text, "why": note})
    return {**counts, "exceptions": exceptions}


def looked(data: Path) -> Iterator[tuple[str, Found, Found]]:
    """Every shared trace: its file, its row, and what stepcheck says of it."""
    questions = {
        row["id"]: row["question"]
        for file in sorted((data / "sets").glob("*.jsonl.gz"))
        for row in read(file)
    }
    for file in sorted((data / "traces").glob("*.jsonl.gz")):
        traces = list(read(file))
        made = [_row(one, questions) for one in traces]
        for one, columns in zip(traces, stepcheck(made, StepcheckConfig()), strict=True):
            yield file.name.removesuffix(".jsonl.gz"), one, columns


def _row(one: Found, questions: dict[str, str]) -> Row:
    trace = Trace(
        key=one["id"], problem_id=one["id"], model=one["model"], index=0, text=one["response"],
        finish_reason="stop", n_prompt=0, n_tokens=0,
    )  # fmt: skip
    question = questions.get(one.get("qid", ""), one.get("question", ""))
    return Row(trace, Problem(id=one["id"], question=question))


def waterfalls(found: list[tuple[str, Found, Found]], correct: list[bool | None]) -> list[Found]:
    """Per file: what each flag, in order, drops of what is left; and steps by outcome."""
    by_file: dict[str, Found] = {}
    for (name, _, columns), right in zip(found, correct, strict=True):
        one = by_file.setdefault(
            name, {"name": name, "traces": 0, "dropped": Counter(), "right": Counter(),
                   "flagged": Counter(), "steps": defaultdict(Counter)},
        )  # fmt: skip
        one["traces"] += 1
        one["flagged"].update(columns["flags"])
        first = next(iter(columns["flags"]), None)
        if first is not None:
            one["dropped"][first] += 1
            one["right"][first] += right is True
        steps = one["steps"]["right" if right else "wrong" if right is False else "undecided"]
        steps["traces"] += 1
        steps["all"] += len(columns["verdicts"])
        steps["judged"] += sum(verdict is not None for verdict in columns["verdicts"])
        steps["wrong"] += columns["verdicts"].count(False)
    return list(by_file.values())


def drawn(found: list[tuple[str, Found, Found]], size: int) -> Iterator[tuple[str, Found, Found]]:
    """For each flag, `size` of the traces it flags, by the hash of flag and id."""
    for flag in FLAGS:
        flagged = [(row, columns) for _, row, columns in found if flag in columns["flags"]]
        flagged.sort(key=lambda pair: lot(flag, pair[0]["id"]))
        for row, columns in flagged[:size]:
            yield flag, row, columns


def lot(flag: str, key: str) -> str:
    """What traces are drawn by."""
    return hashlib.sha256(f"{flag}:{key}".encode()).hexdigest()


def main() -> None:
    """Measure, or print what a person should read."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--draw", type=int, metavar="N")
    arguments = parser.parse_args()
    found = list(looked(arguments.data))
    if arguments.draw:
        for flag, row, columns in drawn(found, arguments.draw):
            reason = columns["reasons"][columns["flags"].index(flag)]
            print(f"## {flag} {row['id']} ({reason})\n{row['response'][-600:]}\n")
        return
    graded = check_many(
        [row["response"] for _, row, _ in found], [row["gold"] for _, row, _ in found]
    )
    people = read(arguments.data / "traces" / f"{HUMAN}.jsonl.gz")
    measured = {
        "human": marked(list(people)),
        "notes": notes(arguments.data),
        "files": waterfalls(found, [verdict.correct for verdict in graded]),
    }
    text = json.dumps(measured, indent=1, ensure_ascii=False) + "\n"
    if arguments.out is None:
        print(text)
    else:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
