"""What runs share, what it costs whom, and what keeps traces apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.run import Run, states
from tests.engines import shells
from tests.runs.small import (
    FAKE,
    RECIPE,
    again,
    project,
    run,
    texts,
)


def ledger(folder: Path) -> dict[str, dict]:
    found = json.loads((folder / "ledger.json").read_text())
    return {row["step"]: row for row in found["rows"]} | {"total": found["total"]}


def generated(done: Run) -> int:
    return ledger(done.folder)["total"]["tokens_generated"]


def owed(done: Run, *steps: str) -> int:
    return sum(row.trace.n_tokens for step in steps for row in done.rows(step))


def test_two_recipes_share_one_sampling(tmp_path):
    path = project(tmp_path)
    first = run(path)
    other = tmp_path / "other.yaml"
    other.write_text(RECIPE.replace("name: small", "name: other").replace("drawn", "sampled"))
    second, steps = again(other, name="two")
    assert "sampled" not in steps
    assert texts(first, "drawn") == texts(second, "sampled")
    one, two = ledger(first.folder), ledger(second.folder)
    assert one["drawn"]["tokens_generated"] == owed(first, "drawn") > 0
    assert not one["drawn"]["shared"]
    assert two["sampled"]["shared"]
    assert two["sampled"]["tokens_generated"] == 0
    assert two["sampled"]["tokens_shared"] == owed(second, "sampled")
    assert two["total"]["tokens_generated"] == 0


def test_the_ledger_counts_every_row_once(tmp_path):
    """Two steps of one run on one table: the second's own rows are not the first's."""
    recipe = RECIPE + (
        "  more: {sample: {model: weak, of: train, sampling: {n: 6, max_tokens: 64}}}\n"
    )
    done = run(project(tmp_path, recipe))
    found = ledger(done.folder)
    assert generated(done) == owed(done, "more")
    assert found["drawn"]["tokens_generated"] == owed(done, "drawn")
    assert found["more"]["tokens_shared"] == owed(done, "drawn")


def test_the_ledger_of_a_topped_up_run_still_adds_up(tmp_path):
    path = project(tmp_path)
    run(path)
    done = run(path, "steps.drawn.sample.sampling.n=7")
    assert generated(done) == owed(done, "drawn")
    other = run(path, "steps.drawn.sample.sampling.n=9", name="two")
    shared = ledger(other.folder)["drawn"]["tokens_shared"]
    assert shared == owed(done, "drawn")
    assert generated(other) == owed(other, "drawn") - shared > 0


def test_rows_that_another_run_drew_again_are_charged_to_it(tmp_path):
    path = project(tmp_path)
    run(path)
    longer = "steps.drawn.sample.sampling.max_tokens=128"
    two = run(path, longer, name="two")
    one = run(path, longer)
    assert generated(two) > 0
    assert generated(one) + generated(two) == owed(one, "drawn")


def test_one_name_is_not_one_table(tmp_path):
    """a without b and b without a are different sets."""
    cuts = "  a: {of: train, take: 8}\n  b: {of: train, salt: 1, take: 8}\n"
    cuts += "  left: {of: a, without: b}\n  right: {of: b, without: a}\n"
    recipe = RECIPE[: RECIPE.index("  graded")].replace("steps:", cuts + "steps:", 1)
    recipe = recipe.replace("of: train, sampling", "of: left, sampling")
    recipe += "  other: {sample: {model: weak, of: right}}\n"
    done = run(project(tmp_path, recipe))
    sets = {name: {one.id for one in done.problems(name)} for name in ("a", "b", "left", "right")}
    assert sets["left"] == sets["a"] - sets["b"]
    assert sets["right"] == sets["b"] - sets["a"]


def test_sets_that_overlap_are_asked_once(tmp_path):
    recipe = RECIPE.replace("steps:", "  few: {of: train, take: 3}\nsteps:", 1)
    done = run(
        project(tmp_path, recipe.replace("of: train, sampling", "of: [few, train], sampling"))
    )
    assert len(list(done.rows("drawn"))) == 12 * 4
    assert len(texts(done, "drawn")) == 12 * 4


def test_a_fan_out_keeps_models_apart(tmp_path):
    two = RECIPE.replace("problems:\n", "  other: {path: nobody/other, prompt: qa}\nproblems:\n", 1)
    done = run(project(tmp_path, two.replace("model: weak,", "model: [weak, other],")))
    assert done.items["drawn"].counts["out"] == 2 * 12 * 4
    rows = list(done.rows("graded"))
    assert {row.trace.model for row in rows} == {"weak", "other"}
    assert len({row.trace.key for row in rows}) == 2 * 12 * 4
    assert len({row.problem.id for row in done.rows("chosen")}) == len(list(done.rows("chosen")))


@pytest.mark.parametrize(
    "override",
    [
        "models.weak.path=nobody/other",
        "models.weak.prompt=world",
        "models.weak.dtype=bfloat16",
        "steps.drawn.sample.sampling.temperature=0.5",
        "steps.drawn.sample.sampling.stop=[x]",
        "steps.drawn.sample.seed=5",
    ],
)
def test_what_decides_a_text_is_in_its_identity(override, tmp_path):
    path = project(tmp_path)
    assert not texts(run(path), "drawn").keys() & texts(run(path, override), "drawn").keys()


def test_a_fake_trace_is_never_taken_for_a_real_one(tmp_path):
    path = project(tmp_path)
    run(path)
    plan, _ = load_plan(path, seed=None)
    (tmp_path / "nobody").mkdir()
    real = FAKE.model_copy(update={"sampler": "vllm"})
    shell = shells.model(tmp_path / "shell", **{"tokenizer.json": "{}"})
    plan, _ = load_plan(path, overrides=[f"models.weak.path={shell}"], seed=None)
    run(path, f"models.weak.path={shell}")
    for profile, done in ((FAKE, True), (real, False)):
        found = states(plan, tmp_path / "runs" / "one", profile)
        assert (found["drawn"] is not None) is done
