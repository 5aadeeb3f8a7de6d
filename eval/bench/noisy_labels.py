"""Does confident learning find the traces that their source graded wrongly?

    python eval/bench/noisy_labels.py [--data DIR] [--out FILE.json]

The traces were published by others with a verdict of their own grader (`recorded_correct`), which
errs; they are no part of the project, nor are the rows of `graders_real_dev.jsonl`, where a person
said whether an answer means the same as the gold one. Those of these rows that are clear and whose
trace and verdict are here are what is scored on: the label to find is a recorded verdict that is
not the person's. They are few, so the same is counted on all traces with this package's checker
taken for the truth, where nothing can be said of the checker itself.

A logistic regression (L2, by scipy) is fitted to the recorded verdicts, five times, each time
without a fifth of the questions, and says of these how likely a right verdict is. It never sees
gold, nor the checker's comparison: what is known of a trace is how many others of its question give
the same final number or text, how many of those, and of all others, are recorded right, what kind
of answer it is, its length, and how the recorded prediction is written.

confident: `evaluate.confident.likely_wrong` by these probabilities. doubted: verdicts that the same
probabilities put on the other side of a half, without confident learning. checker: this package's
checker, which reads gold, decides otherwise. false_flags: what confident learning flags that the
checker does not.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from reason_w2s.answers import check_many, extract
from reason_w2s.evaluate.confident import confident_joint, likely_wrong
from reason_w2s.evaluate.statistics import wilson
from reason_w2s.problems.files import read

SHARED = Path(os.environ.get("REASON_W2S_SHARED", Path(__file__).parents[2] / ".." / "shared"))
FILES = (
    "gsmplus_gsm8k_outputs",
    "openai_gsm8k_gpt3",
    "hawkeye_gsm8k_r1distill",
    "rho_math",
    "qwen_math_cot_100x8",
    "gair_w2s_math",
)
UNLABELLED = ("yks23_gsm8k",)
"""Their answers vote; nobody recorded whether they are right."""
FOLDS = 5
PENALTY = 1.0
"""Of the sum of squared weights, per standard deviation of each feature; ours, not tuned."""
KINDS = ("whole", "decimal", "latex", "text", "none")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
Floats = NDArray[np.float64]


class Trace(NamedTuple):
    """A published trace. recorded: its source's verdict; None: there is none. answer: what it
    says, by `extract`; key: the same as a number, or without blanks and case. checked: by our
    checker, None where it could not decide."""

    id: str
    file: str
    question: str
    recorded: bool | None
    answer: str | None
    key: str | None
    words: int
    prediction: str | None
    checked: bool | None


def traces(data: Path) -> list[Trace]:
    """All of the files, those without a verdict too."""
    rows = [
        (name, row)
        for name in (*FILES, *UNLABELLED)
        for row in read(data / "traces" / f"{name}.jsonl.gz")
    ]
    verdicts = check_many([row["response"] for _, row in rows], [row["gold"] for _, row in rows])
    return [
        _trace(name, row, verdict.correct)
        for (name, row), verdict in zip(rows, verdicts, strict=True)
    ]


def _trace(name: str, row: dict[str, Any], checked: bool | None) -> Trace:
    found = extract(row["response"])
    answer = None if found is None else found.answer
    recorded = row.get("recorded_correct")
    return Trace(
        id=row["id"],
        file=name,
        question=row["qid"],
        recorded=None if recorded is None else bool(recorded),
        answer=answer,
        key=key_of(answer),
        words=len(row["response"].split()),
        prediction=None if row.get("recorded_pred") is None else str(row["recorded_pred"]),
        checked=checked,
    )


def key_of(answer: str | None) -> str | None:
    """What two answers have in common that are the same at a glance: the only number in them,
    else the text without blanks, case and dollar signs."""
    if answer is None or not answer.strip():
        return None
    numbers = _NUMBER.findall(answer)
    if len(numbers) == 1 and "\\" not in answer.replace("\\$", "").replace("\\text", ""):
        return f"{float(numbers[0].replace(',', '')):.6g}"
    return "".join(answer.split()).casefold().replace("$", "")


def features(found: Sequence[Trace]) -> Floats:
    """What is known of each trace without gold, [N, F]."""
    by_question: dict[str, list[Trace]] = defaultdict(list)
    for one in found:
        by_question[one.question].append(one)
    return np.array([list(_features(one, by_question[one.question])) for one in found])


def _features(one: Trace, group: Sequence[Trace]) -> Iterator[float]:
    others = [other for other in group if other.id != one.id]
    same = [other for other in others if one.key is not None and other.key == one.key]
    commonest = Counter(other.key for other in others if other.key is not None).most_common(1)
    yield len(same) / max(1, len(others))
    yield float(bool(commonest) and commonest[0][0] == one.key)
    yield math.log1p(len(others))
    yield _share([other.recorded for other in same])
    yield float(any(other.recorded is not None for other in same))
    yield _share([other.recorded for other in others])
    kind = _kind(one.answer)
    yield from (float(kind == name) for name in KINDS)
    yield math.log1p(one.words)
    written = one.prediction or ""
    yield float(one.prediction is None)
    yield math.log1p(len(written))
    yield float(bool(re.search(r"[A-Za-z]{3}", written)))
    yield float("\\" in written)
    yield from (float(one.file == name) for name in FILES)


def _share(verdicts: Sequence[bool | None]) -> float:
    """How many of those that are known are right; a half where none is."""
    known = [one for one in verdicts if one is not None]
    return sum(known) / len(known) if known else 0.5


def _kind(answer: str | None) -> str:
    if answer is None or not answer.strip():
        return "none"
    bare = answer.strip().strip("$. ").replace(",", "")
    if re.fullmatch(r"-?\d+", bare):
        return "whole"
    if re.fullmatch(r"-?\d*\.\d+", bare):
        return "decimal"
    return "latex" if "\\" in bare else "text"


def out_of_fold(x: Floats, y: NDArray[np.int64], questions: Sequence[str]) -> Floats:
    """P(recorded right) of each trace by a model fitted without its question, [N]."""
    names = sorted(set(questions))
    np.random.default_rng(0).shuffle(names)
    fold = {name: at % FOLDS for at, name in enumerate(names)}
    folds = np.array([fold[name] for name in questions])
    p = np.empty(len(y))
    for at in range(FOLDS):
        inside, outside = folds != at, folds == at
        mean, spread = x[inside].mean(axis=0), x[inside].std(axis=0)
        spread[spread == 0] = 1.0
        weights = fitted((x[inside] - mean) / spread, y[inside])
        p[outside] = expit(np.c_[(x[outside] - mean) / spread, np.ones(outside.sum())] @ weights)
    return p


def fitted(x: Floats, y: NDArray[np.int64]) -> Floats:
    """Weights and offset of a logistic regression, [F + 1]; the offset is not penalised."""
    whole, signs = np.c_[x, np.ones(len(x))], 2.0 * y - 1.0
    held = np.r_[np.full(x.shape[1], PENALTY), 0.0]

    def loss(w: Floats) -> tuple[float, Floats]:
        margin = signs * (whole @ w)
        value = np.logaddexp(0, -margin).sum() + 0.5 * (held * w * w).sum()
        return float(value), -(whole.T @ (signs * expit(-margin))) + held * w

    found: Floats = minimize(loss, np.zeros(whole.shape[1]), jac=True, method="L-BFGS-B").x
    return found


def scored(pruned: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """Precision and recall of finding wrong labels, with Wilson's intervals; None of nothing."""
    hits = int((pruned & wrong).sum())
    found: dict[str, Any] = {
        "flagged": int(pruned.sum()),
        "wrong": int(wrong.sum()),
        "hits": hits,
        "n": len(wrong),
    }
    for name, of in (("precision", found["flagged"]), ("recall", found["wrong"])):
        interval = wilson(hits, of) if of else None
        found[name] = None if interval is None else {
            "value": hits / of, "low": interval.low, "high": interval.high,
        }  # fmt: skip
    return found


def measure(found: Sequence[Trace], judged: dict[str, bool]) -> dict[str, Any]:
    """Every way of finding wrong verdicts, on the judged rows and on all."""
    labelled = [one for one in found if one.recorded is not None]
    keep = [at for at, one in enumerate(found) if one.recorded is not None]
    x, y = features(found)[keep], np.array([int(bool(one.recorded)) for one in labelled])
    p = out_of_fold(x, y, [one.question for one in labelled])
    both = np.stack([1 - p, p], axis=1)
    joint = confident_joint(y, both)
    checked = np.array([-1 if one.checked is None else int(one.checked) for one in labelled])
    ways = {
        "confident": likely_wrong(y, both, joint=joint),
        "doubted": (p > 0.5) != (y == 1),
        "checker": (checked >= 0) & (checked != y),
    }
    known = np.array([one.id in judged for one in labelled])
    truth = np.array([judged.get(one.id, False) for one in labelled])
    by_person = (truth != (y == 1))[known]
    decided = checked >= 0
    return {
        "traces": len(labelled),
        "questions": len({one.question for one in labelled}),
        "recorded_right": float(y.mean()),
        "log_loss": float(-np.log(np.where(y == 1, p, 1 - p)).mean()),
        "joint": {
            "thresholds": joint.thresholds.tolist(),
            "counts": joint.counts.tolist(),
            "wrong": joint.wrong,
        },
        "by_person": {name: scored(way[known], by_person) for name, way in ways.items()},
        "by_checker": {
            name: scored(ways[name][decided], ways["checker"][decided])
            for name in ("confident", "doubted")
        },
        "false_flags": _false_flags(x, y, ways["confident"] & decided & ~ways["checker"]),
        "files": list(_files(labelled, ways)),
    }


def _false_flags(x: Floats, y: NDArray[np.int64], flags: NDArray[np.bool_]) -> dict[str, int]:
    """What is flagged though the checker decides the same: recorded wrong, and how many of these
    give the commonest answer to their question."""
    wrong = flags & (y == 0)
    return {
        "all": int(flags.sum()),
        "recorded_wrong": int(wrong.sum()),
        "commonest": int((wrong & (x[:, 1] == 1)).sum()),
    }


def _files(found: Sequence[Trace], ways: dict[str, NDArray[np.bool_]]) -> Iterator[dict[str, Any]]:
    """How many of each file's verdicts each way doubts."""
    for name in FILES:
        own = np.array([one.file == name for one in found])
        yield {
            "file": name,
            "traces": int(own.sum()),
            **{way: int(flags[own].sum()) for way, flags in ways.items()},
        }


def judgements(data: Path) -> dict[str, bool]:
    """Trace -> whether its answer is right, as a person said; clear ones."""
    rows = [
        json.loads(line)
        for line in (data / "graders_real_dev.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return {row["src"]: bool(row["equal"]) for row in rows if not row.get("ambiguous")}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found = measure(traces(asked.data), judgements(asked.data))
    command = "python eval/bench/noisy_labels.py --data DIR"
    text = json.dumps({"command": command, **found}, indent=1) + "\n"
    if asked.out is None:
        print(text)
    else:
        asked.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
