"""No recipe that we ship has a finding, sized down or not, under each profile it fits."""

from __future__ import annotations

import pytest

from reason_w2s.recipe.yaml_file import parse, read
from reason_w2s.runs.profile import Profile
from tests.doctor.cases import GIB, diagnose, facts, findings, this_machine
from tests.test_recipes import RECIPES, ROOT, WEAK

pytestmark = pytest.mark.torch
pytest.importorskip("trl")

WORLD = ROOT / "recipes" / "world.yaml"
ON_GPUS = [path for path in RECIPES if "Needs GPUs" in path.read_text()]
HERE = [path for path in RECIPES if path not in ON_GPUS]
CASES = [
    *((path, (), None) for path in RECIPES),
    *((path, (), name) for path in ON_GPUS for name in ("gpu", "node8", "nodes")),
    *((path, (), name) for path in HERE for name in ("cpu", "cpu_zero3")),
    *((path, (WORLD,), name) for path in WEAK for name in ("cpu", "cpu_zero3")),
]
SEVERAL = ("node8", "nodes", "cpu_zero3")
"""Profiles whose every case is looked at under its smaller one in the default run."""


def named(case) -> str:
    path, overlays, profile = case
    return f"{path.stem}{'-world' * bool(overlays)}-{profile or 'bare'}"


@pytest.mark.parametrize(
    "case",
    [pytest.param(one, marks=[pytest.mark.slow] * (one[2] in SEVERAL)) for one in CASES],
    ids=named,
)
def test_no_shipped_recipe_has_a_finding(case, tmp_path):
    path, overlays, name = case
    file = ROOT / "launch" / "profiles" / f"{name}.yaml"
    profile = parse(Profile, read(file), str(file)) if name else Profile()
    machine = this_machine(tmp_path)
    assert machine.free_bytes > GIB / 4, "this disk is full"
    found = diagnose(path, overlays=overlays, profile=profile, machine=machine, runs=tmp_path)
    # GAIR's strong model answers with examples before it, or asked to think, and learns without
    wrong = [one for one in findings(found) if "unless that is the point" not in one.todo]
    assert not wrong, wrong
    assert found.status == 0
    assert facts(found, "batch"), "every shipped recipe trains"


def test_every_profile_and_recipe_is_looked_at():
    profiles = {path.stem for path in (ROOT / "launch" / "profiles").glob("*.yaml")}
    assert {name for _, _, name in CASES if name} == profiles
    assert {path for path, _, _ in CASES} == set(RECIPES)
    assert set(ON_GPUS) <= set(WEAK), "what needs GPUs can be sized down to the world"


def test_the_world_is_shown_as_it_is_learned(tmp_path):
    found = diagnose(ROOT / "recipes" / "quickstart.yaml", runs=tmp_path)
    shown = "\n".join(found.shown)
    assert "teacher (sft) learns, from gold solutions:" in shown
    assert "<unk>" not in shown
    assert shown.count("[learned>") < 6, "what is the same is shown once"
