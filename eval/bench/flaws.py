"""What sampling until an imperfect verifier accepts is worth, on real traces.

    python eval/bench/flaws.py [--data DIR] [--out FILE.json]

The traces were published by others (`--data` holds them; they are no part of the project). Samples
of a problem are one model's eight (`qwen_math_x8`: 100 problems of MATH), or where only one of each
model was published, those of several models: five on GSM8K (`gsm8k_five`) and three GPT-3 models
(`gpt3_three`). Truth is this package's checker. The verifiers:

steps: `stepcheck` flags nothing; reads no gold.
same_answer: another, weaker model's own answer is the same (Abel 7B; GPT-3 6B finetuned); no gold.
source: what the traces' source recorded as right. It compares with gold, and errs.

verified: `evaluate.attempts.verified` over the problems: EV(K), K*, rates of the verifier.
by_steps: the accuracy of what is accepted at one and at the most attempts, among problems whose
gold solution has so many steps: a type of problem, as far as we can tell types.
model: EV(K) if each problem were a type of its own with its share right, and the verifier erred
alike on all (`evaluate.resampling`), with replacement; what it says beyond the samples there are.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from reason_w2s.answers import Kind, equal
from reason_w2s.evaluate.attempts import Tried, Verified, verified
from reason_w2s.evaluate.resampling import Resampling
from reason_w2s.problems.files import read
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.check import CheckConfig, check
from reason_w2s.stages.stepcheck import StepcheckConfig, stepcheck

SHARED = Path(os.environ.get("REASON_W2S_SHARED", Path(__file__).parents[2] / ".." / "shared"))
SEED = 0
FEWEST = 30
"""Problems of a type below which nothing is said of it."""
AHEAD = (1, 2, 5, 10, 100)


class Source(NamedTuple):
    """A set of traces. weak: the model whose own answer judges the others', which is none of
    them."""

    file: str
    kind: Kind
    problems: str
    weak: str | None


SOURCES = {
    "qwen_math_x8": Source("qwen_math_cot_100x8", "auto", "math_test", None),
    "gsm8k_five": Source("gsmplus_gsm8k_outputs", "number", "gsm8k_test", "abel_7b"),
    "gpt3_three": Source("openai_gsm8k_gpt3", "number", "gsm8k_test", "openai-gpt3-6b_finetuning"),
}


class Sample(NamedTuple):
    """A graded trace, and which verifiers accept it."""

    problem: str
    right: bool
    steps: int | None
    accepted: dict[str, bool]


def samples(data: Path, source: Source) -> list[list[Sample]]:
    """Every problem's samples."""
    lines = _solutions(data, source.problems)
    raw = list(read(data / "traces" / f"{source.file}.jsonl.gz"))
    rows = [_row(one) for one in raw]
    graded = list(check(rows, CheckConfig(kind=source.kind)))
    flagged = stepcheck(rows, StepcheckConfig(kind=source.kind))
    clean = [not one["flags"] for one in flagged]
    answers = _weak_answers(raw, graded, source.weak)
    problems: dict[str, list[Sample]] = {}
    for one, verdict, sound in zip(raw, graded, clean, strict=True):
        if one["model"] == source.weak:
            continue
        accepted: dict[str, bool] = {"steps": sound, "source": bool(one["recorded_correct"])}
        if source.weak is not None:
            theirs = answers.get(one["qid"])
            accepted["same_answer"] = _same(verdict["answer"], theirs, source.kind)
        sample = Sample(one["qid"], verdict["correct"] is True, lines.get(one["qid"]), accepted)
        problems.setdefault(one["qid"], []).append(sample)
    return list(problems.values())


def _solutions(data: Path, name: str) -> dict[str, int]:
    """Steps of each gold solution, as GSM8K writes one per line; MATH has none to count."""
    if not name.startswith("gsm8k"):
        return {}
    rows = read(data / "sets" / f"{name}.jsonl.gz")
    texts = {row["id"]: str(row["solution"]).splitlines() for row in rows}
    return {
        name: sum(bool(line.strip()) and not line.startswith("####") for line in lines)
        for name, lines in texts.items()
    }


def _row(one: dict[str, Any]) -> Row:
    problem = Problem(id=one["qid"], question=one.get("question") or "", gold=one["gold"])
    text = one["response"]
    trace = Trace(
        key=one["id"],
        problem_id=one["qid"],
        model=one["model"],
        index=0,
        text=text,
        finish_reason="stop",
        n_prompt=0,
        n_tokens=len(text.split()),
    )
    return Row(trace, problem)


def _weak_answers(
    raw: Sequence[dict[str, Any]], graded: Sequence[dict[str, Any]], weak: str | None
) -> dict[str, str | None]:
    both = zip(raw, graded, strict=True)
    return {one["qid"]: verdict["answer"] for one, verdict in both if one["model"] == weak}


def _same(answer: str | None, theirs: str | None, kind: Kind) -> bool:
    if answer is None or theirs is None:
        return False
    return equal(answer, theirs, kind=kind).correct is True


def tried(group: Sequence[Sample], verifier: str) -> Tried:
    """One problem's counts."""
    accepted = [one for one in group if one.accepted[verifier]]
    right = sum(one.right for one in group)
    return Tried(len(group), len(accepted), sum(one.right for one in accepted), right)


def measure(problems: Sequence[Sequence[Sample]], verifier: str) -> dict[str, Any]:
    """What one verifier is worth on one set."""
    counts = [tried(group, verifier) for group in problems]
    most = min(one.drawn for one in counts)
    found = verified(counts, range(1, most + 1), SEED)
    return {
        "verified": asdict(found),
        "by_steps": list(_by_steps(problems, verifier, most)),
        "model": _model(counts, found),
    }


def _by_steps(
    problems: Sequence[Sequence[Sample]], verifier: str, most: int
) -> Iterator[dict[str, Any]]:
    groups: dict[int, list[Tried]] = {}
    for group in problems:
        if group[0].steps is not None:
            groups.setdefault(group[0].steps, []).append(tried(group, verifier))
    for steps in sorted(groups):
        if len(groups[steps]) >= FEWEST:
            points = verified(groups[steps], [1, most], SEED).points
            ends = [
                {key: getattr(one, key) for key in ("accuracy", "low", "high")} for one in points
            ]
            yield {"steps": steps, "n": len(groups[steps]), "first": ends[0], "last": ends[1]}


def _model(counts: Sequence[Tried], found: Verified) -> dict[str, Any] | None:
    """EV at a penalty of -1 beyond the samples; None where a rate is not known."""
    if found.completeness is None or found.false_positives is None:
        return None
    model = Resampling(
        prior=(1 / len(counts),) * len(counts),
        right=tuple(one.right / one.drawn for one in counts),
        completeness=found.completeness,
        soundness=1 - found.false_positives,
    )
    values = {str(k): model.expected_value(k) for k in AHEAD}
    return {"values": values, "best": model.best_attempts(max(AHEAD))}


def single(problems: Sequence[Sequence[Sample]]) -> dict[str, Any]:
    """How much there is of a set."""
    return {
        "problems": len(problems),
        "samples": sum(map(len, problems)),
        "fewest": min(map(len, problems)),
    }


def main() -> None:
    """Measure all sets and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    text = json.dumps(every(asked.data), indent=1) + "\n"
    if asked.out is None:
        print(text)
    else:
        asked.out.write_text(text, encoding="utf-8")


def every(data: Path) -> dict[str, Any]:
    """Each set with each of its verifiers."""
    found: dict[str, Any] = {"command": "python eval/bench/flaws.py --data DIR", "sets": {}}
    for name, source in SOURCES.items():
        problems = [one for one in samples(data, source) if one]
        fewest = max(len(one) for one in problems)
        whole = [one for one in problems if len(one) == fewest]
        verifiers = [
            key for key in ("steps", "same_answer", "source") if key in whole[0][0].accepted
        ]
        found["sets"][name] = {
            **single(whole),
            "left_out": len(problems) - len(whole),
            "verifiers": {key: measure(whole, key) for key in verifiers},
        }
    return found


if __name__ == "__main__":
    main()
