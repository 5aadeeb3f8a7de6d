"""The tables that set methods side by side are made from kept sweeps alone."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from reason_w2s.evaluate.sweep import sweep
from tests.evaluate.test_sweep import by_seed

ROOT = Path(__file__).parent.parent


@pytest.fixture
def footing(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("footing", ROOT / "eval" / "footing.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SWEEPS", tmp_path / "sweeps")
    return module


@pytest.fixture
def file(tmp_path):
    uses = {"tuned": {"recipe": "w2sr_n", "step": "tuned"}}
    runs = {**by_seed(0, range(3), uses=uses), **by_seed(1, range(3), (0.5, 0.5, 0.5), uses=uses)}
    path = tmp_path / "tried.json"
    path.write_text(json.dumps(sweep(runs)))
    return path


def test_nothing_kept_is_nothing_shown(footing):
    assert footing.parts() == []


def test_a_kept_sweep_gives_a_row_per_model(footing, file):
    footing.take(file, "reason-w2s run x", ["base"])
    about, table, how, published = footing.parts()
    assert about == "`tried`, made by `reason-w2s run x` (pretrained 0, 1; seed 0, 1, 2):"
    _, _, tuned, base = table.splitlines()
    assert tuned.startswith(
        "| w2sr_n | tuned | 10 answers | 45.0 [29.0, 61.0] | 40.0 | 50.0 | +25.0 [+13.7, +36.3] p"
    )
    assert tuned.endswith("| 100 | 50 | 1 |")
    assert base.startswith("| tried | base | 10 answers | 20.0 [") and " |  | 100 | 40 |" in base
    assert "4 degrees of freedom" in how
    rows = {line.split("|")[1].strip(): line for line in published.splitlines()[2:]}
    assert "| 45.0 [29.0, 61.0] | `reason-w2s run x` |" in rows["`w2sr/w2sr_n.yaml`"]
    assert "| not measured |  |" in rows["`w2sr/w2sr_p.yaml`"]


def test_gaps_have_a_table_of_their_own(footing, file):
    found = json.loads(file.read_text())
    gap = {"name": "rgr", "suite": "s", "measure": "RGR", "value": 0.5, "low": None, "high": None}
    found["groups"][0]["gaps"] = [
        {**gap, "why": None, "strata": [{"value": 0.4}, {"value": 0.6}]},
        {**gap, "value": None, "why": "refused in 1 of 6 runs", "strata": []},
    ]
    file.write_text(json.dumps(found))
    footing.take(file, "x", [])
    _, _, _, table, _ = footing.parts()
    given, refused = table.splitlines()[2:]
    assert given == "| `rgr`, `s` | RGR | 50.0 | 40.0 | 60.0 |"
    assert refused == "| `rgr`, `s` | RGR | refused in 1 of 6 runs |  |  |"


def test_a_reference_that_was_not_measured_is_refused(footing, file):
    with pytest.raises(SystemExit, match="nobody"):
        footing.take(file, "x", ["nobody"])


def test_every_published_figure_says_where_it_is_from():
    from reason_w2s.recipe.yaml_file import read

    for name, told in read(ROOT / "eval" / "published.yaml").items():
        assert set(told) - {"step"} == {"says", "source", "basis"}, name
        assert told["basis"] in ("read", "computed", "second-hand"), name
