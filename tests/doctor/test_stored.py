"""What the store already has is used; the fake engine's and a real one's are never mixed."""

from __future__ import annotations

import pytest

from reason_w2s.doctor.stored import stored
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Selection
from tests.doctor.cases import IMPORTED, RECIPE, diagnose, facts, findings, project, unchecked
from tests.runs import small

pytestmark = pytest.mark.torch
pytest.importorskip("trl")

FAKE = Profile(isolate="none", sampler="fake")


def made(path, *overrides, name="sound"):
    return small.run(path, *overrides, name=name, selection=Selection(until=("chosen",)))


def test_a_runs_own_examples_are_used(tmp_path):
    path = project(tmp_path)
    before = diagnose(path, profile=FAKE)
    assert "at most 240 examples" in facts(before, "examples")[0].text
    done = made(path)
    found = diagnose(path, profile=FAKE)
    (fact,) = facts(found, "examples")
    assert fact.data["examples"] == done.items["chosen"].counts["out"]
    assert facts(found, "rows")[0].data["origin"] == "stored"
    assert any(f"its examples in {tmp_path}/runs/sound" in line for line in found.shown)


def test_another_runs_are_used_where_they_are_made_alike(tmp_path):
    path = project(tmp_path)
    made(path, name="other")
    assert facts(diagnose(path, profile=FAKE), "rows")[0].data["origin"] == "stored"
    changed = diagnose(path, "steps.graded.check.kind=number", profile=FAKE)
    assert facts(changed, "rows")[0].data["origin"] == "drawn"
    redrawn = diagnose(path, "steps.drawn.sample.sampling.temperature=0.5", profile=FAKE)
    assert facts(redrawn, "rows")[0].data["origin"] == "made up"


def test_what_the_fake_engine_made_is_not_taken_for_a_models(tmp_path):
    path = project(tmp_path)
    made(path)
    found = diagnose(path)
    assert facts(found, "rows")[0].data["origin"] == "made up"
    assert f"{tmp_path}/runs/sound was sampled by the fake engine" in unchecked(found)


def test_a_named_run_goes_first(tmp_path):
    path = project(tmp_path)
    for name in ("one", "two"):
        made(path, name=name)
    plan, _ = load_plan(path, seed=None)
    for name in ("one", "two"):
        found = stored(plan, tmp_path / "runs" / name, fake=True)
        assert found.made["chosen"].run.folder.name == name
        assert len(found.runs) == 2


def test_a_damaged_run_is_said(tmp_path):
    path = project(tmp_path)
    made(path)
    (tmp_path / "runs" / "sound" / "manifest.json").write_text("{")
    assert "cannot be read" in unchecked(diagnose(path, profile=FAKE))


def test_imported_traces_after_the_choice_are_exact(tmp_path):
    path = project(tmp_path, IMPORTED)
    done = made(path)
    found = diagnose(path, profile=FAKE)
    assert facts(found, "examples")[0].data["examples"] == done.items["chosen"].counts["out"] == 60
    assert not findings(found)


def test_choices_are_made_here(tmp_path):
    """A recipe whose choice was changed is looked at with the examples that it will have."""
    path = project(tmp_path)
    small.run(path, name="sound", selection=Selection(until=("graded",)))
    found = diagnose(path, profile=FAKE)
    (fact,) = facts(found, "examples")
    assert "chosen here from 'graded'" in "\n".join(found.shown)
    assert fact.data["examples"] == made(path).items["chosen"].counts["out"]
    few = diagnose(path, "steps.chosen.select.take=3", profile=FAKE)
    assert facts(few, "examples")[0].data["examples"] == 3
    assert "trains on 3 examples only" in findings(few)[0].what


PAIRED = RECIPE.replace(
    "where: {finish_reason: stop, graded.correct: true}}}",
    "where: {finish_reason: stop}}}\n"
    "  pairs: {pair: {of: chosen, rules: [{chosen: {graded.correct: true}, "
    "rejected: {graded.correct: false}}]}}",
).replace("objective: sft, init: student, of: chosen", "objective: dpo, init: student, of: pairs")


def test_pairs_are_made_here(tmp_path):
    path = project(tmp_path, PAIRED)
    small.run(path, name="sound", selection=Selection(until=("graded",)))
    found = diagnose(path, profile=FAKE)
    done = small.run(path, name="sound", selection=Selection(until=("pairs",)))
    (fact,) = facts(found, "examples")
    assert fact.data["examples"] == done.items["pairs"].counts["pairs"] > 0
    for now, then in zip(found.shown, diagnose(path, profile=FAKE).shown, strict=True):
        assert now == then or "learns, from its examples" in now
