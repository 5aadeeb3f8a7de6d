"""How fast stepcheck looks at real traces on one core, beside a plain pattern search.

    python eval/bench/steps/speed.py --data DIR [--rows 2000] [--out FILE.json]

Processor seconds of this process, so other work on the machine counts little; the best of three
rounds. `plain` is what a short script does instead: two numbers and a result found by a pattern and
compared as floats, repeated runs of 6, 8 and 10 words counted, and URLs, HTML entities and Chinese
characters searched for. It sees no chains, no longer sums, no units, no rounding and no steps.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import os
import re
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reason_w2s.problems.files import read
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.stages.stepcheck import StepcheckConfig, stepcheck

SHARED = Path(os.environ.get("REASON_W2S_SHARED", Path(__file__).parents[3] / ".." / "shared"))
ROUNDS = 3
_SUM = re.compile(
    r"(\d+(?:\.\d+)?)\s*([-+*/])\s*\$?(\d+(?:\.\d+)?)\s*=\s*(?:<<[^>]*>>)?\$?(\d+(?:\.\d+)?)"
)
_NOISE = re.compile(r"https?://|www\.|&[a-z]{2,8};|[\u4e00-\u9fff]")


def plain(text: str) -> tuple[int, bool, bool]:
    """Wrong sums, whether runs of words repeat, and whether there is noise."""
    wrong = 0
    for one, sign, other, result in _SUM.findall(text):
        left, right = float(one), float(other)
        value = {"+": left + right, "-": left - right, "*": left * right}.get(sign)
        value = (left / right if right else 0.0) if value is None else value
        wrong += abs(value - float(result)) > 0.01
    words = text[-800:].split()
    looped = False
    for size in (6, 8, 10):
        grams = Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))
        looped = looped or any(count >= 4 for count in grams.values())
    return wrong, looped, _NOISE.search(text) is not None


def per_second(work: Callable[[], Any], size: int) -> float:
    """Traces in a processor second, in the best round; none remembers what an earlier one read."""
    times = []
    for _ in range(ROUNDS):
        for one in gc.get_objects():
            if isinstance(one, functools._lru_cache_wrapper):
                one.cache_clear()
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return size / min(times)


def measured(file: Path, size: int) -> dict[str, Any]:
    """One file's figures."""
    made = []
    for one in read(file):
        trace = Trace(
            key=one["id"], problem_id=one["id"], model=one["model"], index=0, text=one["response"],
            finish_reason="stop", n_prompt=0, n_tokens=0,
        )  # fmt: skip
        made.append(Row(trace, Problem(id=one["id"], question=one.get("question", ""))))
        if len(made) == size:
            break
    ours = per_second(lambda: deque(stepcheck(made, StepcheckConfig()), maxlen=0), len(made))
    theirs = per_second(lambda: deque((plain(row.trace.text) for row in made), maxlen=0), len(made))
    characters = sum(len(row.trace.text) for row in made)
    return {
        "name": file.name.removesuffix(".jsonl.gz"),
        "traces": len(made),
        "characters": characters / len(made),
        "ours": ours,
        "plain": theirs,
    }


def main() -> None:
    """Measure every file of shared traces."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--rows", type=int, default=2000, help="of each file, from its start")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    files = sorted((arguments.data / "traces").glob("*.jsonl.gz"))
    found = [measured(file, arguments.rows) for file in files]
    text = json.dumps(found, indent=1) + "\n"
    if arguments.out is None:
        print(text)
    else:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
