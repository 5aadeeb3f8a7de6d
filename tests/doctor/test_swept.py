"""plan and doctor of a sweep: said once, what differs by cell, what is shared."""

from __future__ import annotations

import json

import pytest

from reason_w2s.doctor.swept import as_json, lines, representatives
from reason_w2s.recipe.identity import identities
from reason_w2s.recipe.load import load_plans
from reason_w2s.runs.profile import Profile
from reason_w2s.train.config import TrainProfile
from tests.doctor.cases import RECIPE, diagnose, facts, findings, project
from tests.runs import small

SWEPT = (
    small.RECIPE.replace("models:", "sweep: {pinned: [5, 6], seed: [0, 1], n: [2, 4]}\nmodels:", 1)
    .replace("sampling: {n: 4,", 'seed: "${pinned}", sampling: {n: "${n}",')
    .replace("take: 1}}", 'take: "${n}"}}')
)


def swept(folder):
    return load_plans(small.project(folder, SWEPT), seed=None)


def test_what_differs_is_said_by_variable_and_what_is_shared_counted_once(tmp_path):
    cells = swept(tmp_path)
    said = list(lines(cells))
    assert "  sampling.n of drawn: n (2, 4)" in said
    assert "  seed of drawn: pinned (5, 6)" in said
    assert "  seed of train, graded, clean, chosen, pairs: seed (0, 1)" in said
    assert "  take of chosen: n (2, 4)" in said
    # the model in all cells, problems by seed, the other five in none of the others
    assert (
        "  in all: 56 steps, 43 different ones (0 pretrain, 8 sample, 0 train); shared once made"
        in said
    )


def test_a_variable_that_is_a_mapping_is_named_by_its_key(tmp_path):
    text = small.RECIPE.replace(
        "models:", "sweep: {cell: [{n: 2, m: 1}, {n: 4, m: 1}]}\nmodels:", 1
    )
    cells = load_plans(
        small.project(tmp_path, text.replace("sampling: {n: 4,", 'sampling: {n: "${cell.n}",')),
        seed=None,
    )
    assert "  sampling.n of drawn: cell.n (2, 4)" in lines(cells)


def test_a_step_is_itself_whatever_its_cell_is_called(tmp_path):
    first, second, *_ = (identities(cell.plan) for cell in swept(tmp_path))
    assert first["weak"] == second["weak"]
    assert first["train"] == second["train"]
    assert first["drawn"] != second["drawn"]
    assert first["graded"] != second["graded"], "made from other traces"


def test_steps_that_only_one_cell_has_are_named(tmp_path):
    loops = small.RECIPE.replace("models:", "sweep: {rounds: [[1], [1, 2]]}\nmodels:", 1) + (
        '  loop: {for: {round: "${rounds}"}, do: {again: {select: {of: clean, take: 1}}}}\n'
    )
    cells = load_plans(small.project(tmp_path, loops), seed=None)
    assert any(line.endswith(": +loop.2.again") for line in lines(cells))


def test_cells_that_differ_in_seeds_alone_are_looked_at_once(tmp_path):
    cells = swept(tmp_path)
    assert [cell.values["n"] for cell in representatives(cells)] == [2, 4]
    told = as_json(cells)
    assert told["different_steps"] == 43
    assert told["cells"][0]["shared"] == []
    assert sorted(told["cells"][1]["shared"]) == ["train", "weak"]


def test_doctor_says_a_finding_of_all_cells_once(tmp_path):
    pytest.importorskip("transformers")
    three = Profile(train=TrainProfile(processes=3))
    text = RECIPE.replace("models:", "sweep: {seed: [0, 1], n: [2, 4]}\nmodels:", 1)
    found = diagnose(project(tmp_path, text.replace("n: 4,", 'n: "${n}",')), profile=three)
    assert len(findings(found)) == 1
    assert found.status == 2
    assert facts(found, "sweep")[0].text == (
        "4 cells: looked at seed0-n2, seed0-n4; the others differ from these in seeds alone"
    )


def test_plan_is_one_list_and_one_command(tmp_path, monkeypatch, capsys):
    path = small.project(tmp_path, SWEPT)
    asked = ["plan", str(path), "--runs", str(tmp_path / "runs"), "--engine", "fake"]
    code, said, _ = small.main(asked, monkeypatch, capsys)
    assert code == 0
    steps = [line for line in said.splitlines() if line.startswith("drawn ")]
    assert len(steps) == 1
    assert said.count("reason-w2s run ") == 1
    assert "drawn (pinned5-seed0-n2) and 3 more like it: 12 problems x 2 = 24 traces" in said
    code, said, _ = small.main([*asked, "--json"], monkeypatch, capsys)
    assert json.loads(said)["cells"][0]["label"] == "pinned5-seed0-n2"
