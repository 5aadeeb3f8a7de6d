"""Real GSM8K and MATH problems, sampled by a tiny untrained model through vLLM, and evaluated.

Accuracy is near zero: the path is what is shown.
"""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from reason_w2s.engines.settings import EngineSettings
from reason_w2s.recipe.load import plan_of
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Selection, execute
from tests.answers.shared_data import SHARED

SETS = SHARED / "data" / "sets"
DRAWN = {"n": 2, "temperature": 1.0, "max_tokens": 48}


def source(name: str, file: str, **more: object) -> dict[str, object]:
    return {"source": name, "file": str(SETS / f"{file}.jsonl.gz"), **more}


RECIPE = {
    "name": "untrained",
    "seed": 0,
    "models": {"tiny": {"scratch": {"of": ["gsm8k", "math"]}, "prompt": "qa"}},
    "problems": {
        "gsm8k": source("gsm8k", "gsm8k_train", part="1/2", salt=0, take=100),
        "math": source("math", "math_train", where={"level": {"in": [3, 4, 5]}}, take=100),
    },
    "steps": {
        "drawn": {"sample": {"model": "tiny", "of": ["gsm8k", "math"], "sampling": DRAWN}},
        "graded": {"check": {"of": "drawn"}},
        "clean": {"stepcheck": {"of": "graded"}},
        "chosen": {"select": {"of": "clean", "where": {"graded.correct": True}}},
    },
    "suites": {
        name: {"problems": {"file": str(SETS / f"{file}.jsonl.gz"), "take": 100},
               "sampling": {"max_tokens": 48}}
        for name, file in (("gsm8k", "gsm8k_test"), ("math500", "math500"))
    },
    "evaluate": {"suites": ["gsm8k", "math500"], "models": {"tiny": "tiny"}},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.vllm
@pytest.mark.skipif(not SETS.is_dir(), reason="no shared/data/sets beside the checkout")
def test_real_problems_go_through_vllm_and_are_evaluated(tmp_path):
    pytest.importorskip("vllm")
    profile = Profile(isolate="none", engine=EngineSettings(threads=1, enforce_eager=True))
    console = Console(file=io.StringIO())
    plan = plan_of(RECIPE, place="untrained")
    folder = tmp_path / "runs" / "untrained"
    done = execute(plan, RECIPE, folder, profile, selection=Selection(), console=console)
    drawn = list(done.rows("clean"))
    assert len(drawn) == 400
    assert {row.problem.level for row in drawn if row.problem.subject} == {3, 4, 5}
    assert all(row.trace.finish_reason in ("stop", "length") for row in drawn)
    found = {score["suite"]: score for score in results(done)["scores"]}
    for suite in ("gsm8k", "math500"):
        score = found[suite]
        assert score["n"] == 100
        assert score["accuracy"] <= 0.05
        assert score["high"] > score["accuracy"], "an interval also where nothing is right"
        assert score["truncation_rate"] > 0.5
