r"""The answer rules of lm-eval 0.4.13 as published, for an interpreter that has it.

    PYTHON eval/bench/answers/peer_lm_eval.py < rows.jsonl

What PYTHON needs: see parity.py. Rows: {"rule", "pred", "gold"}; prints one JSON object: version,
verdicts in order, seconds of each, and what it raised (then the verdict is wrong). Nothing of
theirs is changed: filters and metric by the names and settings in the task's YAML, the utils
modules of tasks loaded from their files (the package above them imports much more). The rules:

    lm_eval_gsm8k_strict, lm_eval_gsm8k_flexible    tasks/gsm8k/gsm8k.yaml, a whole response
    lm_eval_minerva         tasks/minerva_math/utils.py, a whole response, without its math_verify
    lm_eval_minerva_bare    the same comparison of a bare answer
    hendrycks               tasks/hendrycks_math/utils.py: the last box, as its golds are read
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lm_eval.api.metrics
import lm_eval.filters
import yaml
from lm_eval.api.registry import get_filter, get_metric

TASKS = Path(lm_eval.__file__).with_name("tasks")
FILTERS = {"strict-match": "lm_eval_gsm8k_strict", "flexible-extract": "lm_eval_gsm8k_flexible"}

Rule = Callable[[str, str], bool]


def gsm8k() -> dict[str, Rule]:
    """The rules of the GSM8K task: a filter each, one metric."""
    task = yaml.safe_load((TASKS / "gsm8k" / "gsm8k.yaml").read_text(encoding="utf-8"))
    metric = dict(task["metric_list"][0])
    same = get_metric(metric.pop("metric"))
    settings = {
        key: metric[key] for key in metric if key not in ("aggregation", "higher_is_better")
    }

    def rule(steps: list[dict[str, Any]]) -> Rule:
        filters = [get_filter(step.pop("function"))(**step) for step in steps]

        def graded(pred: str, gold: str) -> bool:
            answers: Any = [[pred]]
            for one in filters:
                answers = list(one.apply(answers, [{}]))
            found = same(predictions=list(answers), references=[gold], **settings)
            return bool(found["exact_match"])

        return graded

    return {FILTERS[one["name"]]: rule(one["filter"]) for one in task["filter_list"]}


def minerva() -> dict[str, Rule]:
    """The Minerva rule: of a response, and of an answer."""
    utils = _utils("minerva_math")

    def bare(pred: str, gold: str) -> bool:
        normal = utils.normalize_final_answer
        return bool(utils.is_equiv(normal(pred), normal(gold)))

    def whole(pred: str, gold: str) -> bool:
        return bare(utils.get_unnormalized_answer(pred), gold)

    return {"lm_eval_minerva": whole, "lm_eval_minerva_bare": bare}


def hendrycks() -> dict[str, Rule]:
    """The rule of MATH: where reading the box fails, there is no answer."""
    utils = _utils("hendrycks_math")

    def graded(pred: str, gold: str) -> bool:
        box = utils.last_boxed_only_string(pred)
        try:
            answer = None if box is None else utils.remove_boxed(box)
        except AssertionError:
            answer = None
        return bool(utils.is_equiv(answer, gold))

    return {"hendrycks": graded}


def _utils(task: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"theirs_{task}", TASKS / task / "utils.py")
    if spec is None or spec.loader is None:
        sys.exit(f"lm-eval has no task {task}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Read rows, print verdicts."""
    logging.disable(logging.CRITICAL)
    rows = [json.loads(line) for line in sys.stdin]
    verdicts, seconds, raised = [], [], []
    # theirs print warnings
    with contextlib.redirect_stdout(sys.stderr):
        rules = {**gsm8k(), **minerva(), **hendrycks()}
        for row in rows:
            start = time.monotonic()
            try:
                verdicts.append(rules[row["rule"]](row["pred"], row["gold"]))
                raised.append(None)
            except Exception as error:  # whatever theirs is not made for
                verdicts.append(False)
                raised.append(type(error).__name__)
            seconds.append(round(time.monotonic() - start, 3))
    found = {"verdicts": verdicts, "seconds": seconds, "raised": raised}
    print(json.dumps({"version": version("lm-eval"), **found}))


if __name__ == "__main__":
    main()
