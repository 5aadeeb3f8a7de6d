"""Results as a run writes them: every section filled, with the awkward cases in it."""

from __future__ import annotations

from typing import Any

HOSTILE = "3 * 4 = 12\n<script>alert('x')</script> & </pre>"


def score(model: str, accuracy: float | None, suite: str = "world_test") -> dict[str, Any]:
    """One row of "scores"."""
    near = None if accuracy is None else max(0.0, accuracy - 0.04)
    far = None if accuracy is None else accuracy + 0.04
    return {
        "model": model,
        "suite": suite,
        "n": 600,
        "samples": 1,
        "accuracy": accuracy,
        "first_accuracy": accuracy,
        "low": near,
        "high": far,
        "stop_rate": 0.973,
        "truncation_rate": None,
        "no_answer_rate": 0.0,
        "undecided_rate": 0.0,
        "mean_tokens": 31.25,
        "by_level": {"10": {"n": 5, "accuracy": 0.2, "low": 0.0, "high": 0.6}, "2": {"n": 9}},
        "labels": {"answers": 1000, "solutions": 1},
    }


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
        "suites": [{"name": "world_test", "n": 600, "sampling": {"temperature": 0.0}}],
        "scores": [
            score("teacher", 0.4),
            score("tuned", 0.62),
            score("ceiling", 0.75),
            score("lost", None),
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
                "wins": 150,
                "losses": 18,
                "p": 1e-12,
                "sentence": "tuned is 22.0 points above teacher",
            }
        ],
        "gaps": [
            {
                "name": "pgr",
                "floor": "teacher",
                "reached": "tuned",
                "ceiling": "ceiling",
                "suite": "world_test",
                "value": None,
                "low": None,
                "high": None,
                "refused": "floor and ceiling are not separable",
                "accuracies": {"floor": 0.4, "reached": 0.62, "ceiling": 0.75},
            }
        ],
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
