"""Real weak teachers' answers to real problems: read from beside the checkout, never copied."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Selection, execute
from tests.answers.shared_data import SHARED

ROOT = Path(__file__).parent.parent
GAIR = SHARED / "data" / "gair_w2s"


@pytest.mark.skipif(not GAIR.is_dir(), reason="no shared/data/gair_w2s beside the checkout")
def test_gair_answers_are_counted_and_split(tmp_path):
    overrides = [
        f"problems.train.file={GAIR / 'problems.jsonl.gz'}",
        f"steps.first.import.file={GAIR / 'llama2_7b_weak.jsonl.gz'}",
        f"steps.second.import.file={GAIR / 'gemma_2b_weak.jsonl.gz'}",
    ]
    recipe = ROOT / "recipes" / "w2sr" / "gsm8k_traces.yaml"
    plan, data = load_plan(recipe, overrides=overrides, seed=0)
    done = execute(
        plan,
        data,
        tmp_path / "runs" / "gair",
        Profile(isolate="none", sampler="fake"),
        selection=Selection(until=("chosen", "pairs")),
        console=Console(file=io.StringIO()),
    )
    right = Counter(row.trace.model for row in done.rows("graded") if row.columns["graded.correct"])
    # published: .416 and .329, by the text after the last ####; ours also reads a bare last number
    assert right["first"] / 7000 == pytest.approx(0.416, abs=0.002)
    assert right["second"] / 7000 == pytest.approx(0.329, abs=0.003)
    for row in done.rows("chosen"):
        assert row.trace.model == "first" and row.columns["graded.correct"] is True
        assert not row.columns["clean.flags"]
    pairs, named = done.pairs("pairs")
    assert len(pairs) > 1500
    for pair in pairs:
        chosen, rejected = named[pair.chosen], named[pair.rejected]
        assert chosen.columns["graded.correct"] is True
        assert rejected.columns["graded.correct"] is False
        assert chosen.problem.id == rejected.problem.id
