"""Results as a run writes them: every section filled, with the awkward cases in it."""

from __future__ import annotations

from typing import Any

HOSTILE = "3 * 4 = 12\n<script>alert('x')</script> & </pre>"


KEYS = {"teacher": "aaaa11112222", "tuned": "bbbb11112222", "ceiling": "cccc11112222"}


def score(model: str, accuracy: float | None, suite: str = "world_test") -> dict[str, Any]:
    """One row of "scores"."""
    near = None if accuracy is None else max(0.0, accuracy - 0.04)
    far = None if accuracy is None else accuracy + 0.04
    return {
        "model": model,
        "step": model,
        "suite": suite,
        "key": KEYS.get(model, "dddd11112222"),
        "trained": model == "tuned",
        "n": 600,
        "samples": 600,
        "correct": None if accuracy is None else round(600 * accuracy),
        "accuracy": accuracy,
        "first_accuracy": accuracy,
        "low": near,
        "high": far,
        "stop_rate": 0.973,
        "truncation_rate": None,
        "no_answer_rate": 0.0,
        "undecided_rate": 0.0,
        "mean_tokens": 31.25,
        "errors": {"total": 0.0201, "problems": None, "samples": None},
        "by_level": {"10": {"n": 5, "accuracy": 0.2, "low": 0.0, "high": 0.6}, "2": {"n": 9}},
        "by_subject": {"all": {"n": 14, "accuracy": 0.3, "low": 0.1, "high": 0.6}},
        "by_steps": {},
        "curves": {"average": [], "pass": [], "majority": []},
        "labels": {"answers": 1000, "solutions": 1, "sets": {"train": {"answers": 1000}}},
    }


def sampled(model: str, accuracy: float, suite: str = "drawn") -> dict[str, Any]:
    """One row of "scores" with four samples of each of 30 problems."""
    curves = {
        name: [point(k, accuracy + slope * step) for step, k in enumerate((1, 2, 4))]
        for name, slope in (("average", 0.0), ("pass", 0.1), ("majority", 0.02))
    }
    errors = {"total": 0.05, "problems": 0.04, "samples": 0.03}
    row = score(model, accuracy, suite)
    return {**row, "n": 30, "samples": 120, "curves": curves, "errors": errors}


def point(k: int, value: float) -> dict[str, Any]:
    """One point of a curve."""
    return {"k": k, "n": 30, "value": value, "low": value / 2, "high": 0.75}


def gap(name: str = "pgr", **other: Any) -> dict[str, Any]:
    """One row of "gaps"."""
    return {
        "name": name,
        "suite": "world_test",
        "measure": "PGR",
        "start": "teacher",
        "reached": "tuned",
        "ceiling": "ceiling",
        "accuracies": {"start": 0.4, "reached": 0.62, "ceiling": 0.75},
        "n": 600,
        "value": 0.6286,
        "low": 0.5,
        "high": 0.75,
        "refused": None,
        "sentence": "tuned: PGR 0.63 [0.50, 0.75]",
        **other,
    }


def refused(name: str = "refused_pgr") -> dict[str, Any]:
    """A gap that is not given."""
    nothing = {"value": None, "low": None, "high": None}
    return gap(name, **nothing, refused="floor and ceiling are not separable")


def lengths(auc: float = 0.61) -> dict[str, Any]:
    """One row of "lengths"."""
    quantiles = {"5": 10.0, "25": 14.0, "50": 20.0, "75": 26.0, "95": 44.0}
    side = {"mean": 21.5, "quantiles": quantiles}
    ends = {"auc": auc, "low": auc - 0.04, "high": auc + 0.04}
    return {"step": "pairs", "pairs": 893, "chosen": side, "rejected": side, **ends}


def full() -> dict[str, Any]:
    """A run with one row of everything."""
    return {
        "name": "quickstart",
        "recipe_file": "recipes/quickstart.yaml",
        "title": "SFT on a weak teacher's traces",
        "seed": 0,
        "recipe_text": "name: quickstart\n",
        "plan": [
            {
                "step": "drawn",
                "stage": "sample",
                "of": ["train"],
                "key": "ab12cd34",
                "state": "shared",
                "seconds": 3.2,
                "in": None,
                "out": 4000,
                "kind": "traces",
            },
            {"step": "chosen", "stage": "select", "of": ["drawn"], "in": 4000, "out": 812},
            {"step": "eval/tuned/world", "stage": "sample", "of": [], "in": 5, "out": 5},
        ],
        "waterfall": [
            {
                "step": "chosen",
                "stage": "select",
                "in": 4000,
                "out": 812,
                "dropped": {"graded.correct is false": 3188},
                "key": "eeee11112222",
            }
        ],
        "graded": [{"step": "graded", "status": {"correct": 812, "wrong": 0}, "rules": {}}],
        "flagged": [{"step": "clean", "flags": {"wrong_arithmetic": 2000}}],
        "trained": [
            {
                "step": "tuned",
                "objective": "sft",
                "init": "student",
                "examples": 812,
                "updates": 120,
                "tokens": 36540,
                "seconds": 75.0,
                "peak_memory_mib": None,
                "losses": [[1, 2.0], [2, 1.0]],
                "labels": {"answers": 1000, "solutions": 0},
            }
        ],
        "overlaps": [
            {
                "suite": "world_test",
                "sets": ["train"],
                "problems": 4000,
                "overlapping": 1,
                "kinds": {"words": 1},
                "examples": [
                    {
                        "set": "train",
                        "problem_id": "t<1>",
                        "question": "Tom has 3 <b>pens</b>.",
                        "suite_id": "s1",
                        "suite_question": "Anna has 3 pens.",
                        "kind": "words",
                        "share": 0.75,
                    }
                ],
            }
        ],
        "warnings": ["tuned on world_test: stopped by itself on 80.0% of its <answers>"],
        "suites": [
            {
                "name": "world_test",
                "n": 600,
                "samples": 1,
                "sampling": {"temperature": 0.0},
                "kind": "number",
            },
            {"name": "drawn", "n": 30, "samples": 4, "sampling": {"n": 4}, "kind": "latex"},
        ],
        "scores": [
            score("teacher", 0.4),
            score("tuned", 0.62),
            score("ceiling", 0.75),
            score("lost", None),
            sampled("teacher", 0.3),
            sampled("tuned", 0.5),
        ],
        "comparisons": [
            {
                "a": "tuned",
                "b": "teacher",
                "suite": "world_test",
                "n": 600,
                "difference": 0.22,
                "low": 0.17,
                "high": 0.27,
                "wins": [f"w{number}" for number in range(150)],
                "losses": ["l<1>", "l2"],
                "p": 1e-12,
                "outcome": "above",
                "sentence": "tuned is above teacher by 22.0 points",
            },
            {
                "a": "ceiling",
                "b": "tuned",
                "suite": "world_test",
                "n": 600,
                "difference": 0.013,
                "low": -0.01,
                "high": 0.04,
                "wins": [],
                "losses": [],
                "p": 0.4,
                "outcome": "within noise",
                "sentence": "ceiling against tuned: +1.3 points, within noise",
            },
        ],
        "gaps": [gap(), refused()],
        "controls": [
            {"role": "headroom", "model": "lost"},
            {"role": "own_gold", "model": "ceiling"},
            {"role": "self_distilled", "model": None},
        ],
        "checkpoints": [
            {
                "suite": "world_test",
                "points": [
                    {
                        "model": f"checkpoint-{updates}",
                        "updates": updates,
                        "accuracy": updates / 100,
                        "low": updates / 100 - 0.02,
                        "high": updates / 100 + 0.02,
                    }
                    for updates in (20, 40, 60)
                ],
            }
        ],
        "lengths": [lengths()],
        "ledger": {
            "rows": [
                {
                    "step": "drawn",
                    "stage": "sample",
                    "tokens_generated": 112345,
                    "tokens_trained": 0,
                    "seconds": 22.0,
                    "peak_memory_mib": 1800.0,
                    "shared": True,
                },
                {"step": "eval/a/world", "stage": "sample", "tokens_generated": 77, "seconds": 2.0},
                {"step": "eval/b/world", "stage": "sample", "tokens_generated": 23, "seconds": 1.0},
            ],
            "kept": [{"step": "chosen", "examples": 812, "tokens": 138.4, "seconds": 0.027}],
            "total": {"tokens_generated": 0, "tokens_trained": 36540, "seconds": 75.0},
        },
        "environment": {"python": "3.11.7", "reproducible": True},
        "examples": [
            {
                "step": "chosen",
                "title": "first SFT examples",
                "items": [
                    {
                        "problem_id": "p1",
                        "question": "What is $\\frac{12}{1}$?",
                        "gold": "12",
                        "prompt": "Q: <b>",
                        "response": HOSTILE,
                        "columns": {"graded.correct": True, "clean.flags": []},
                        "kept": False,
                        "reason": "clean.flags",
                    }
                ],
            },
            {
                "step": "pairs",
                "title": "first pairs",
                "items": [
                    {
                        "problem_id": "p2",
                        "question": "q",
                        "gold": "1",
                        "chosen": "right",
                        "rejected": "wrong",
                        "rule": 0,
                    }
                ],
            },
        ],
    }
