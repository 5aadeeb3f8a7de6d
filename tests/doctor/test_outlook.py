"""What plan says: counts, bounds, what was measured, and nothing invented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reason_w2s.doctor import outlook
from reason_w2s.doctor.command import Asked, open_case
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Selection
from reason_w2s.train.config import TrainProfile
from tests.doctor.cases import RECIPE, ROOMY, project
from tests.runs import small

FAKE = Profile(isolate="none", sampler="fake")


def looked(path: Path, *overrides: str, profile: Profile = FAKE):
    asked = Asked(path, overrides, (), None, profile, "profile.yaml", path.parent / "runs")
    (cell,) = asked.cells()
    case = open_case(asked, cell, ROOMY)
    return case, {one.step: one for one in outlook.outlooks(case)}


@pytest.fixture
def path(tmp_path) -> Path:
    pytest.importorskip("transformers")
    return project(tmp_path)


def test_before_anything_ran(path):
    _, found = looked(path)
    drawn, tuned = found["drawn"], found["tuned"]
    assert (drawn.records, drawn.tokens_at_most) == (60 * 4, 60 * 4 * 256)
    assert drawn.tokens is drawn.device_hours is drawn.tokens_per_s is None
    assert "60 problems x 4 = 240 traces, at most 61,440 tokens" in drawn.told
    assert drawn.told.endswith(outlook.NO_RATE)
    assert tuned.told == f"20 updates of 8 examples (of at most 240); {outlook.NO_RATE}"
    printed = list(outlook.lines(list(found.values()), ["reason-w2s run r.yaml"]))
    assert "  reason-w2s run r.yaml" in printed
    # drawn, and five problems for each of the two models measured
    assert any(f"at most {61_440 + 2 * 5 * 64:,} tokens to sample" in line for line in printed)


def test_what_was_measured_is_used(path):
    done = small.run(path, name="before", selection=Selection(until=("drawn",)))
    rate = next(row for row in _ledger(path, "before") if row["step"] == "drawn")
    counts = done.items["drawn"].counts
    _, same = looked(path)
    assert same["drawn"].made_by == str(path.parent / "runs" / "before")
    assert same["drawn"].tokens == counts["tokens"]
    _, more = looked(path, "steps.drawn.sample.sampling.n=8", "seed=1")
    drawn = more["drawn"]
    mean = counts["tokens"] / counts["out"]
    assert drawn.tokens == round(480 * mean)
    per_second = rate["tokens_generated"] / rate["seconds"]
    assert drawn.tokens_per_s == pytest.approx(per_second)
    assert drawn.device_hours == pytest.approx(drawn.tokens / per_second / 3600)
    assert "measured here" in drawn.told
    assert more["tuned"].device_hours is None, "no training of it was measured"


def test_another_models_rate_is_not_taken(path):
    small.run(path, name="before", selection=Selection(until=("drawn",)))
    _, other = looked(path, f"models.weak.path={path.parent}/student", "seed=1")
    assert other["drawn"].device_hours is None
    assert other["drawn"].tokens is None
    _, real = looked(path, profile=Profile())
    assert real["drawn"].made_by is None
    assert real["drawn"].device_hours is None


def test_the_commands_are_those_that_run(path):
    case, _ = looked(path)
    folder = path.parent / "runs" / "sound"
    (line,) = outlook.commands(case, [str(path), "a b=1"], folder)
    assert line == f"reason-w2s run {path} 'a b=1'"
    launched = Profile(train=TrainProfile(processes=2, zero_stage=3))
    case, _ = looked(path, profile=launched)
    *_, line = outlook.commands(case, [str(path)], folder)
    assert f"--config_file {folder}/launch/tuned/accelerate.yaml" in line
    assert line.endswith(f"-m reason_w2s.train.rank {folder}/launch/tuned/task.json")


def test_json(path):
    case, found = looked(path)
    data = json.loads(json.dumps(outlook.as_json(case, list(found.values()), ["x"])))
    assert [one["name"] for one in data["steps"]] == list(case.plan.steps)
    assert {one["step"] for one in data["outlook"]} == set(found)


def test_problems_that_are_not_here_are_no_number(path):
    (path.parent / "data.jsonl").unlink()
    _, found = looked(path)
    assert found["drawn"].records is None
    assert found["drawn"].told.startswith("its problems x 4 traces of at most 256 tokens")


def _ledger(path: Path, name: str) -> list[dict]:
    return json.loads((path.parent / "runs" / name / "ledger.json").read_text())["rows"]


@pytest.mark.parametrize(
    ("hours", "said"),
    [(2.5, "2.5 device-hours"), (0.5, "30 device-minutes"), (0.005, "18 device-seconds")],
)
def test_times_to_be_read(hours, said):
    rate = 100.0
    one = outlook.Outlook("a", "sample", 1, "", 10, 10, device_hours=hours, tokens_per_s=rate)
    assert said in list(outlook.lines([one], []))[3]


@pytest.mark.torch
def test_a_training_that_was_made(tmp_path, tiny_model):
    pytest.importorskip("trl")
    path = project(tmp_path, RECIPE.replace("evaluate: {", "evaluate: {overlap: allow, "))
    tiny = f"models.student={{path: {tiny_model}, prompt: qa}}"
    small.run(path, tiny, "steps.tuned.train.updates=2", name="before")
    rate = next(row for row in _ledger(path, "before") if row["step"] == "tuned")
    _, made = looked(path, tiny, "steps.tuned.train.updates=2")
    assert made["tuned"].made_by == str(tmp_path / "runs" / "before")
    _, longer = looked(path, tiny, "steps.tuned.train.updates=40")
    drawn, tuned = longer["drawn"], longer["tuned"]
    assert tuned.tokens_per_s == pytest.approx(rate["tokens_trained"] / rate["seconds"])
    assert tuned.tokens == round(40 * 8 * drawn.tokens / drawn.records)
    assert tuned.device_hours == pytest.approx(tuned.tokens / tuned.tokens_per_s / 3600)
    _, other = looked(path, tiny, "steps.tuned.train.lora=all_linear")
    assert other["tuned"].device_hours is None, "an adapter's rate is another"


def test_epochs_of_nobody_knows_how_many(path):
    (path.parent / "data.jsonl").unlink()
    trainer = "steps.tuned.train.trainer.num_train_epochs=3"
    _, found = looked(path, "steps.tuned.train.updates=null", trainer)
    assert found["tuned"].told == f"3 epochs of what is left to train on; {outlook.NO_RATE}"
    assert found["tuned"].records is None
