"""The tables of eval/steps.md, made from eval/baselines/steps alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reason_w2s.evaluate.statistics import wilson

STEPS = Path(__file__).parent / "baselines" / "steps"
KINDS = {
    "sum": "a sum of the step, which the annotator works out again",
    "called": "called a calculation error, no such sum",
    "other": "anything else: understanding, logic",
}
FLAGS = (
    *("empty", "truncated", "unfinished", "no_answer", "unclosed_box", "unclosed_think"),
    *("wrong_arithmetic", "repetition", "foreign_script", "noise"),
)
Found = dict[str, Any]


def steps() -> list[str]:
    """Beside people, GSM8K's notes, waterfalls, flags judged by eye, steps by outcome, speed."""
    found = json.loads((STEPS / "found.json").read_text(encoding="utf-8"))
    lines = (STEPS / "judged.jsonl").read_text(encoding="utf-8").splitlines()
    judged = [json.loads(line) for line in lines]
    return [
        "### Beside people who marked the first wrong step",
        _alarms(found["human"]),
        _recall(found["human"]),
        "### GSM8K's own calculator notes",
        _notes(found["notes"]),
        _exceptions(found["notes"], judged),
        "### What each flag drops, in order",
        _waterfalls(found["files"]),
        "### Dropped rows read by eye",
        _judged(judged),
        "### Steps by whether the final answer is right",
        _outcomes(found["files"]),
        "### Speed",
        _speed(json.loads((STEPS / "speed.json").read_text(encoding="utf-8"))),
    ]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _share(k: int, n: int) -> str:
    found = wilson(k, n)
    return f"{100 * k / n:.1f}% [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _alarms(human: Found) -> str:
    before = human["before"]
    wrong, size = before.get("wrong", 0), before["steps"]
    judged = size - before["undecided"]
    return (
        f"{human['traces']} wrong solutions. Of the {size:,} steps before the marked one, "
        f"{judged:,} have arithmetic that can be judged; {wrong} are called wrong: "
        f"{_share(wrong, size)} of all, {_share(wrong, judged)} of those judged."
    )


def _recall(human: Found) -> str:
    rows = []
    for kind, said in KINDS.items():
        one = human["at"][kind]
        counts = [one.get(word, 0) for word in ("wrong", "undecided", "holds")]
        share = _share(counts[0], one["steps"])
        rows.append([said, f"{one['steps']}", *map(str, counts), share])
    heads = ["the error, by the annotator's words", "steps", "called wrong", "not judged", "holds"]
    return _table([*heads, "recall at the marked step"], rows)


def _notes(notes: Found) -> str:
    return (
        f"{notes['marks']:,} notes in {notes['problems']:,} solutions: {notes['holds']:,} hold "
        f"({notes['repeats a value']:,} of them only repeat a value, as in `<<12=12>>`), "
        f"{notes.get('wrong', 0)} are wrong, {notes['undecided']} are not read. All exceptions, "
        f"with what is wrong in the prose around the notes:"
    )


def _exceptions(notes: Found, judged: list[Found]) -> str:
    seen = {(one["id"], one.get("text")): one for one in judged if one["flag"] == "gsm8k prose"}
    rows = []
    for one in notes["exceptions"]:
        read = seen.get((one["id"], one["text"]))
        note = one["why"] if read is None else read["note"]
        verdict = (
            "not read" if one["where"] == "note" else "right" if read["right"] else "false alarm"
        )
        rows.append([one["id"], one["where"], f"`{one['text']}`", verdict, note])
    return _table(["problem", "where", "equation", "our verdict, by eye", "why"], rows)


def _waterfalls(files: list[Found]) -> str:
    used = [flag for flag in FLAGS if any(one["dropped"].get(flag) for one in files)]
    rows = []
    for one in [*files, _total(files)]:
        dropped = [one["dropped"].get(flag, 0) for flag in used]
        kept = one["traces"] - sum(dropped)
        cells = [
            f"{count:,} ({one['right'].get(flag, 0):,})" if count else "0"
            for flag, count in zip(used, dropped, strict=True)
        ]
        rows.append([one["name"], f"{one['traces']:,}", *cells, f"{kept:,}"])
    return _table(["file", "traces", *used, "left"], rows)


def _total(files: list[Found]) -> Found:
    total: Found = {"name": "all", "traces": 0, "dropped": {}, "right": {}}
    for one in files:
        total["traces"] += one["traces"]
        for group in ("dropped", "right"):
            for flag, count in one[group].items():
                total[group][flag] = total[group].get(flag, 0) + count
    return total


def _judged(judged: list[Found]) -> str:
    rows = []
    for flag in dict.fromkeys(one["flag"] for one in judged):
        right = [one["right"] for one in judged if one["flag"] == flag]
        false = right.count(False)
        if flag != "gsm8k prose":
            rows.append([flag, f"{len(right)}", f"{false}", _share(false, len(right))])
    return _table(["flag", "rows read", "dropped falsely", "share [95%]"], rows)


def _outcomes(files: list[Found]) -> str:
    rows = []
    for one in files:
        cells = []
        for outcome in ("right", "wrong"):
            found = one["steps"][outcome]
            wrong = found.get("wrong", 0)
            cells += [
                f"{found['traces']:,}",
                f"{found['all']:,}",
                f"{100 * wrong / found['all']:.2f}%",
            ]
            cells.append(f"{100 * wrong / found['judged']:.2f}%")
        rows.append([one["name"], *cells])
    heads = ["traces", "steps", "wrong steps", "of those judged"]
    heads = [f"{outcome} answer: {head}" for outcome in ("right", "wrong") for head in heads]
    return _table(["file", *heads], rows)


def _speed(found: list[Found]) -> str:
    traces = sum(one["traces"] for one in found)
    whole = {
        "name": "all",
        "traces": traces,
        "characters": sum(one["traces"] * one["characters"] for one in found) / traces,
        **{
            side: traces / sum(one["traces"] / one[side] for one in found)
            for side in ("ours", "plain")
        },
    }
    rows = [
        [
            one["name"],
            f"{one['traces']:,}",
            f"{one['characters']:,.0f}",
            f"{one['ours']:,.0f}",
            f"{one['plain']:,.0f}",
            f"{one['ours'] / one['plain']:.2f}",
        ]
        for one in [*found, whole]
    ]
    heads = ["file", "traces", "characters each", "stepcheck, traces/s", "plain patterns", "ratio"]
    return _table(heads, rows)
