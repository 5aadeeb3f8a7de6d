"""What the store already has is used; the fake engine's and a real one's are never mixed."""

from __future__ import annotations

import pytest

from reason_w2s.doctor.stored import stored
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Selection
from tests.doctor.cases import IMPORTED, diagnose, facts, findings, project, unchecked
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
    changed = diagnose(path, "steps.chosen.select.take=3", profile=FAKE)
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
