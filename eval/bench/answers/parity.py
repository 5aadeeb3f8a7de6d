r"""How often our fixed rules say what the published code says, verdict by verdict, on real outputs.

    python eval/bench/answers/parity.py --peer-python PYTHON [--data DIR] [--failures]
        [--out FILE.json]

PYTHON has the published code, which peer_lm_eval.py runs unchanged:

    pip install --no-deps lm-eval==0.4.13
    pip install antlr4-python3-runtime==4.11 sympy math-verify datasets numpy sacrebleu pyyaml

Per rule: verdicts compared, for how many of them our rule finds an answer, how many theirs calls
correct, how many differ, and of those how many are undecided by ours; then theirs' own exceptions:
verdicts before which it raised, or stopped after its five seconds (both wrong to it).

- lm_eval_gsm8k_strict, lm_eval_gsm8k_flexible: every output on a GSM8K problem.
- lm_eval_minerva: every output on a MATH problem.
- lm_eval_minerva_bare: its comparison alone, on the last box of every output on a MATH problem.
- hendrycks: every output on a MATH problem, beside lm-eval's hendrycks_math, a copy of
  hendrycks/math, of which there is no package. The copy differs in two ways. It reads `\boxed 5`
  (up to a `$`), where the original finds no answer. And it catches AssertionError alone where the
  original catches all, so that `a/b` with anything but two integers, as `\sqrt{3}/2`, is compared
  as it is, not stripped. Its task moreover grades what stands between the first and the last `$` of
  an output; here the box is read, as in the original.

Figures are of our verdict's `correct`; None is never theirs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rows import DATA, Row, rows, trace_files, write

from reason_w2s.answers import Verdict
from reason_w2s.answers.parity import parity, parity_equal

PEER = Path(__file__).with_name("peer_lm_eval.py")
GSM8K = ("lm_eval_gsm8k_strict", "lm_eval_gsm8k_flexible")
STOPPED_S = 5
CODE = {
    "lm_eval_gsm8k_strict": "tasks/gsm8k/gsm8k.yaml strict-match",
    "lm_eval_gsm8k_flexible": "tasks/gsm8k/gsm8k.yaml flexible-extract",
    "lm_eval_minerva": "tasks/minerva_math/utils.py",
    "lm_eval_minerva_bare": "tasks/minerva_math/utils.py normalize_final_answer, is_equiv",
    "hendrycks": "tasks/hendrycks_math/utils.py last box, is_equiv",
}


class Case(NamedTuple):
    """One text for one rule; a bare answer for a rule that ends in `_bare`."""

    id: str
    rule: str
    pred: str
    gold: str


class Theirs(NamedTuple):
    """The published code's version, and per case its verdict, the wall seconds it took, and what
    it raised, if it did."""

    version: str
    verdicts: list[bool]
    seconds: list[float]
    raised: list[str | None]


def cases(data: Path) -> list[Case]:
    """All that is compared."""
    outputs = [row for file in trace_files(data) for row in rows(file)]
    math = [row for row in outputs if str(row.get("qid", "")).startswith("math-")]
    # rows without a qid ask a reworded GSM8K question
    gsm8k = [row for row in outputs if not str(row.get("qid", "")).startswith("math-")]
    return [
        *(case for rule in GSM8K for case in _cases(rule, gsm8k)),
        *_cases("lm_eval_minerva", math),
        *_bare("lm_eval_minerva_bare", math),
        *_cases("hendrycks", math),
    ]


def _cases(rule: str, chosen: Iterable[Row]) -> list[Case]:
    return [Case(row["id"], rule, row["response"], str(row["gold"])) for row in chosen]


def _bare(rule: str, chosen: Iterable[Row]) -> list[Case]:
    boxes = [(row, parity(row["response"], row["gold"], "hendrycks").answer) for row in chosen]
    return [Case(row["id"], rule, box, str(row["gold"])) for row, box in boxes if box is not None]


def ours(case: Case) -> Verdict:
    """Our verdict on one case."""
    if case.rule.endswith("_bare"):
        return parity_equal(case.pred, case.gold, case.rule.removesuffix("_bare"))
    return parity(case.pred, case.gold, case.rule)


def theirs(python: str, compared: Sequence[Case]) -> Theirs:
    """The published code's verdicts, from an interpreter that has it."""
    text = "".join(json.dumps(case._asdict()) + "\n" for case in compared)
    done = subprocess.run(
        [python, str(PEER)], input=text, stdout=subprocess.PIPE, text=True, check=True
    )
    return Theirs(**json.loads(done.stdout))


def figures(
    compared: Sequence[Case], verdicts: Sequence[Verdict], peer: Theirs
) -> dict[str, dict[str, Any]]:
    """What agrees, by rule."""
    found: dict[str, dict[str, Any]] = {}
    counts = ("rows", "answered", "correct", "differ", "undecided", "raised", "stopped")
    said = zip(compared, verdicts, peer.verdicts, peer.seconds, peer.raised, strict=True)
    for case, verdict, right, seconds, raised in said:
        one = found.setdefault(
            case.rule,
            {**dict.fromkeys(counts, 0), "code": f"lm-eval {peer.version} {CODE[case.rule]}"},
        )
        differs = verdict.correct is not right
        one["rows"] += 1
        one["answered"] += verdict.answer is not None
        one["correct"] += right
        one["differ"] += differs
        one["undecided"] += differs and verdict.correct is None
        one["raised"] += raised is not None
        one["stopped"] += seconds >= STOPPED_S
    return found


def failures(compared: Sequence[Case], verdicts: Sequence[Verdict], peer: Theirs) -> list[str]:
    """One line per verdict that differs."""
    return [
        f"{case.rule} {case.id}: gold {case.gold!r} answer {verdict.answer!r} "
        f"ours {verdict.correct} ({verdict.reason}), theirs {right}"
        for case, verdict, right in zip(compared, verdicts, peer.verdicts, strict=True)
        if verdict.correct is not right
    ]


def main() -> None:
    """Print the figures of all rules."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer-python", required=True, help="an interpreter that has lm-eval")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--failures", action="store_true", help="list the verdicts that differ")
    parser.add_argument("--out", type=Path)
    wished = parser.parse_args()
    compared = cases(wished.data)
    verdicts = [ours(case) for case in compared]
    peer = theirs(wished.peer_python, compared)
    found = figures(compared, verdicts, peer)
    for rule, one in found.items():
        print(
            f"{rule:<23} n {one['rows']:>5}  answered {one['answered']:>5}"
            f"  correct {one['correct']:>5}  differ {one['differ']:>3}"
            f" (undecided {one['undecided']}); theirs raised {one['raised']},"
            f" stopped {one['stopped']}  {one['code']}"
        )
    if wished.failures:
        print("\n".join(failures(compared, verdicts, peer)))
    write(wished.out, found)


if __name__ == "__main__":
    main()
