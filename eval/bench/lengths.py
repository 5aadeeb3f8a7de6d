"""How far length alone tells the sides of preference pairs, with and without a `length` bound.

    python eval/bench/lengths.py [--data DIR] [--out FILE.json]

Pairs of a right and a wrong trace of one problem, at most four per problem, by the `pair` stage,
from real traces that others published (`--data` holds them; they are no part of the project). For
each `length: {tokens_apart: N}`: how many pairs and problems are left, the median length of either
side, and the AUC of a classifier that says "chosen" the longer a response is, with its interval
(evaluate/lengths.py). Nobody's tokenizer has read these files, so lengths are words.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from voting import SHARED, gair, graded, traces

from reason_w2s.evaluate.lengths import length_bias
from reason_w2s.records import Pair, Row
from reason_w2s.stages.pair import PairConfig, pair

FILES = {
    "gpt3": "openai_gsm8k_gpt3",
    "gsm8k_six": "gsmplus_gsm8k_outputs",
    "rho_math": "rho_math",
    "r1_distilled": "hawkeye_gsm8k_r1distill",
    "qwen_math_x8": "qwen_math_cot_100x8",
}
ANY_ANSWER = ("rho_math", "qwen_math_x8")
"""Sets with problems of MATH, whose answers are no mere numbers."""
APART = (None, 100, 50, 20, 10, 5)
MAX_PAIRS = 4
SEED = 0


def sources(data: Path) -> Iterator[tuple[str, list[Row]]]:
    """Each set's rows, those of one problem together."""
    yield "gair_w2s", list(gair(data))
    for name, file in FILES.items():
        yield name, list(traces(data, file))


def bounded(rows: Sequence[Row], apart: int | None) -> dict[str, Any]:
    """The pairs that a bound leaves, and what length says of their sides."""
    rule = {
        "chosen": {"graded.correct": True},
        "rejected": {"graded.correct": False},
        "max": MAX_PAIRS,
    }
    cfg = PairConfig.model_validate({"rules": [rule], "length": {"tokens_apart": apart}})
    words = {row.trace.key: row.trace.n_tokens for row in rows}
    pairs = [one for one in pair(rows, cfg, step="pairs", seed=SEED) if isinstance(one, Pair)]
    found = length_bias(
        [one.problem_id for one in pairs],
        [words[one.chosen] for one in pairs],
        [words[one.rejected] for one in pairs],
        SEED,
    )
    return {
        "apart": apart,
        "pairs": len(pairs),
        "problems": len({one.problem_id for one in pairs}),
        "chosen": found.chosen.quantiles["50"],
        "rejected": found.rejected.quantiles["50"],
        "auc": found.auc,
        "low": found.low,
        "high": found.high,
    }


def main() -> None:
    """Measure every set under every bound."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = {}
    for name, rows in sources(arguments.data):
        checked = graded(rows, "auto" if name in ANY_ANSWER else "number")
        found[name] = [bounded(checked, apart) for apart in APART]
    text = json.dumps({"max_pairs": MAX_PAIRS, "sets": found}, indent=1)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
