"""math-verify 0.9 as it is usually called, for an interpreter that has it.

    PYTHON eval/bench/answers/peer_math_verify.py < rows.jsonl

Rows: {"kind": "answer" or "response", "pred", "gold"}. Prints one JSON object: version, verdicts in
order (null: nothing was read from prediction or gold), cpu_s of all that, imports left out. A bare
answer is handed over in a \\boxed{}, as is the gold.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
from importlib.metadata import version

from math_verify import parse, verify


def cpu_s() -> float:
    """CPU seconds of this process and its children so far, user and system."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def verdict(row: dict[str, str]) -> bool | None:
    """Whether prediction and gold agree."""
    pred = row["pred"] if row["kind"] == "response" else f"\\boxed{{{row['pred']}}}"
    gold, found = parse(f"\\boxed{{{row['gold']}}}"), parse(pred)
    return bool(verify(gold, found)) if gold and found else None


def main() -> None:
    """Read rows, print verdicts."""
    logging.disable(logging.CRITICAL)
    rows = [json.loads(line) for line in sys.stdin]
    # grammar tables are built by the first call
    verdict({"kind": "answer", "pred": "\\frac12", "gold": "x+1"})
    start = cpu_s()
    verdicts = [verdict(row) for row in rows]
    said = {"version": version("math-verify"), "cpu_s": cpu_s() - start, "verdicts": verdicts}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
