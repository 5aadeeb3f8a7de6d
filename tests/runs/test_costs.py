"""What a model rests on: everything once, shared work in full, pretraining and evaluation not."""

from __future__ import annotations

import json

import pytest

from reason_w2s.recipe.load import plan_of
from reason_w2s.recipe.plan import Measured, Plan, Step
from reason_w2s.runs.costs import costs
from reason_w2s.runs.items import Item
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import cost_of, parts
from tests.runs.small import RECIPE, project, run

MORE = RECIPE + (
    "  fewer: {sample: {model: weak, of: train, sampling: {n: 2, max_tokens: 64}}}\n"
    "  both: {select: {of: [drawn, fewer]}}\n"
)


def trained(done: Run, plan: Plan, name: str, of: str, stage: str = "train") -> Plan:
    """The plan with a model that was made from a step, whose cost the store has."""
    folder = done.store.folder(stage, name)
    folder.mkdir(parents=True, exist_ok=True)
    made = {"stats": {"tokens": 700}, "cost": {"run": "x", "seconds": 3.0, "peak_memory_mib": 1.0}}
    (folder / "made.json").write_text(json.dumps(made))
    done.items[name] = Item(name, stage, "model", name, name)
    return Plan(plan.name, "", 0, {**plan.steps, name: Step(name, stage, "model", {}, (of,))})


@pytest.fixture
def done(tmp_path):
    path = project(tmp_path, MORE)
    return run(path), plan_of(json.loads(json.dumps(_read(path))), place="x")


def _read(path):
    from reason_w2s.recipe.yaml_file import read

    data = read(path)
    data["problems"]["train"]["file"] = str(path.parent / "data.jsonl")
    return data


def priced(done: Run, plan: Plan, *steps: str):
    measured = tuple(Measured(step, step, "s", "graded") for step in steps)
    plan = Plan(plan.name, "", 0, plan.steps, measured)
    return {row["model"]: row for row in costs(done, plan)}


def test_traces_count_once_however_many_steps_hold_them(done):
    made, plan = done
    plan = trained(made, plan, "one", "chosen")
    plan = trained(made, plan, "two", "both")
    found = priced(made, plan, "weak", "one", "two")
    drawn = made.items["drawn"].counts["tokens"]
    assert drawn > made.items["fewer"].counts["tokens"] > 0
    assert found["weak"] == {
        "model": "weak",
        "tokens_generated": 0,
        "tokens_trained": 0,
        "seconds": 0,
    }
    assert found["one"]["tokens_generated"] == found["two"]["tokens_generated"] == drawn
    assert found["one"]["tokens_trained"] == 700


def test_a_step_pays_its_share_of_the_time_of_a_table(done):
    made, plan = done
    plan = trained(made, plan, "one", "drawn")
    plan = trained(made, plan, "few", "fewer")
    found = priced(made, plan, "one", "few")
    folder = made.store.folder("sample", made.items["drawn"].key)
    whole = sum(cost_of(part).seconds for part in parts(folder))
    assert found["one"]["seconds"] == pytest.approx(whole + 3.0, abs=2e-3)
    tokens = {name: made.items[name].counts["tokens"] for name in ("drawn", "fewer")}
    share = (tokens["fewer"] + 24) / (tokens["drawn"] + 48)
    assert found["few"]["seconds"] == pytest.approx(whole * share + 3.0, abs=2e-3)


def test_a_model_that_rests_on_another_pays_for_it_too_but_not_for_pretraining(done):
    made, plan = done
    plan = trained(made, plan, "base", "train", stage="pretrain")
    plan = trained(made, plan, "first", "base")
    plan = trained(made, plan, "again", "first")
    found = priced(made, plan, "base", "again")
    assert found["base"]["tokens_trained"] == found["base"]["seconds"] == 0
    assert (found["again"]["tokens_trained"], found["again"]["seconds"]) == (1400, 6.0)
