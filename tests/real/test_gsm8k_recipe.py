"""The shipped recipe for existing traces, with real weak teachers' answers to real problems."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from rich.console import Console

from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Selection, execute
from tests.answers.shared_data import ROOT, SHARED, rows
from tests.real import flow

GAIR = SHARED / "data" / "gair_w2s"
TAKE = 1500


def test_gair_answers_are_counted_and_split(tmp_path):
    size = len(rows("gair_w2s/problems.jsonl.gz"))
    files = {"first": GAIR / "llama2_7b_weak.jsonl.gz", "second": GAIR / "gemma_2b_weak.jsonl.gz"}
    overrides = [
        f"problems.train.file={GAIR / 'problems.jsonl.gz'}",
        # by lot: the first of them are harder than the rest
        f"problems.train.take={TAKE}",
        "problems.train.salt=0",
        *(f"steps.{step}.import.file={file}" for step, file in files.items()),
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
    checked = flow.conserved(done, {step: {"file": str(file)} for step, file in files.items()})
    for step in files:
        assert done.items[step].counts["dropped"] == {"its problem is not in the set": size - TAKE}
    right = Counter(row.trace.model for row in checked.values() if row.columns["graded.correct"])
    # .416 and .329 of all 7,000
    assert right["first"] / TAKE == pytest.approx(0.416, abs=0.03)
    assert right["second"] / TAKE == pytest.approx(0.329, abs=0.03)
    sound = {key for key, row in checked.items() if flow.is_sound(row)}
    chosen = {row.trace.key for row in done.rows("chosen")}
    assert chosen == {key for key in sound if checked[key].trace.model == "first"}
    pairs, _ = done.pairs("pairs")
    assert len(pairs) > 300
    for pair in pairs:
        assert pair.chosen in sound and flow.is_wrong(checked[pair.rejected])
        assert checked[pair.chosen].problem.id == checked[pair.rejected].problem.id
